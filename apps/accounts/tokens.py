"""Writes of API tokens: a short access token and a refresh token that serves once. The database never holds either."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from apps.accounts.models import User
from apps.accounts.services import audit_record
from cts.domain.errors import DomainError


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    access: str
    refresh: str

    def __repr__(self) -> str:
        return "TokenPair(…)"


class _Refresh(Token):
    """A refresh token without simplejwt's look at the used ones: `tokens_rotate` must see those to know a theft."""

    token_type = "refresh"  # noqa: S105 - the name of a kind
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME


@transaction.atomic
def tokens_issue(user: User) -> TokenPair:
    refresh = RefreshToken.for_user(user)
    # simplejwt keeps the token's text, which would let whoever reads a backup in.
    OutstandingToken.objects.filter(jti=refresh["jti"]).update(token="")
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def tokens_rotate(refresh: str, *, address: str | None) -> TokenPair:
    """A new pair for a refresh token that was never used. A second use means it was stolen: all of its owner's go.

    Raises:
        DomainError: `token_not_valid`.
    """
    token = _known(refresh)
    try:
        with transaction.atomic():
            # The insert is the claim: of two uses at once the unique key lets one through.
            BlacklistedToken.objects.create(token=token)
            user = User.objects.get(pk=_owner_id(token), is_active=True)
            return tokens_issue(user)
    except IntegrityError:
        _revoke_all(token, address=address)
    except User.DoesNotExist:
        pass
    raise _not_valid()


def token_revoke(refresh: str, *, user: User) -> None:
    """Make one's own refresh token useless. One that already is stays so."""
    token = _known(refresh)
    if token.user_id != user.pk:
        raise _not_valid()
    with transaction.atomic():
        BlacklistedToken.objects.get_or_create(token=token)
        audit_record(user=user, action="token.revoked", entity="token", entity_id=token.pk)


def access_token_user(access: str) -> tuple[User, float]:
    """Who an access token speaks for, and until when (epoch seconds).

    Raises:
        DomainError: `token_not_valid`.
    """
    try:
        payload = AccessToken(access).payload  # type: ignore[arg-type]
        user = User.objects.get(pk=payload["user_id"], is_active=True)
    except (TokenError, User.DoesNotExist, KeyError, ValueError):
        raise _not_valid() from None
    return user, float(payload["exp"])


def _known(refresh: str) -> OutstandingToken:
    try:
        return OutstandingToken.objects.get(jti=_Refresh(refresh)["jti"])  # type: ignore[arg-type]
    except (TokenError, OutstandingToken.DoesNotExist):
        raise _not_valid() from None


@transaction.atomic
def _revoke_all(token: OutstandingToken, *, address: str | None) -> None:
    owner = User.objects.filter(pk=_owner_id(token)).first()
    live = OutstandingToken.objects.filter(user=owner, blacklistedtoken=None)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=row) for row in live], ignore_conflicts=True)
    audit_record(user=owner, action="token.reused", entity="token", entity_id=token.pk, address=address)


def _owner_id(token: OutstandingToken) -> int:
    # simplejwt lets go of tokens whose person is deleted; nobody has the id 0.
    return token.user_id or 0


def _not_valid() -> DomainError:
    return DomainError("token_not_valid", "This token is not valid, has run out or was used; sign in again")
