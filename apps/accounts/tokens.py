"""API tokens: a short access token and a refresh token that serves once. The database never holds either, only families."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from apps.accounts.models import TokenFamily, User
from apps.accounts.services import account_changed, audit_record
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


@dataclass(frozen=True, kw_only=True)
class Access:
    """What an access token stands for: whom, until when (epoch seconds), and the sign-in it came from."""

    user: User
    until: float
    family: str


@transaction.atomic
def tokens_issue(user: User) -> TokenPair:
    """The first pair of a sign-in."""
    family = TokenFamily.objects.create(user=user, key=uuid.uuid4().hex)
    return _pair(user, family=family.key)


def tokens_rotate(refresh: str, *, address: str | None) -> TokenPair:
    """A new pair for a refresh token that was never used. A second use means it was stolen: all of its owner's go.

    Raises:
        DomainError: `token_not_valid`.
    """
    token, family = _known(refresh)
    try:
        with transaction.atomic():
            # The insert is the claim: of two uses at once the unique key lets one through.
            BlacklistedToken.objects.create(token=token)
            return _pair(_owner(family), family=family)
    except IntegrityError:
        _revoke_all(token, address=address)
    except User.DoesNotExist:
        pass
    raise _not_valid()


@transaction.atomic
def token_revoke(refresh: str, *, user: User) -> None:
    """End one's own sign-in: this refresh token and every token it led to, at once. One that has ended stays so."""
    token, family = _known(refresh)
    if token.user_id != user.pk:
        raise _not_valid()
    _families_revoke(TokenFamily.objects.filter(key=family))
    audit_record(user=user, action="token.revoked", entity="token", entity_id=token.pk)
    account_changed(user)


def access_token_read(access: str) -> Access:
    """What the token stands for, if it still does.

    Raises:
        DomainError: `token_not_valid`.
    """
    try:
        return access_payload_read(AccessToken(access).payload)  # type: ignore[arg-type]
    except TokenError:
        raise _not_valid() from None


def access_payload_read(payload: dict[str, Any]) -> Access:
    """The same of a token whose signature and end were looked at."""
    try:
        return Access(user=_owner(payload["family"]), until=float(payload["exp"]), family=payload["family"])
    except (User.DoesNotExist, KeyError):
        raise _not_valid() from None


def family_is_live(family: str) -> bool:
    return TokenFamily.objects.filter(key=family, revoked_at=None).exists()


def _pair(user: User, *, family: str) -> TokenPair:
    refresh = RefreshToken.for_user(user)
    refresh["family"] = family  # simplejwt hands it on to the access token
    # simplejwt keeps the token's text, which would let whoever reads a backup in.
    OutstandingToken.objects.filter(jti=refresh["jti"]).update(token="")
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def _owner(family: str) -> User:
    """Who may use tokens of this family now: one query for the person, the sign-in and whether it was ended."""
    return User.objects.get(is_active=True, token_families__key=family, token_families__revoked_at=None)


def _known(refresh: str) -> tuple[OutstandingToken, str]:
    try:
        token = _Refresh(refresh)  # type: ignore[arg-type]
        return OutstandingToken.objects.get(jti=token["jti"]), token["family"]
    except (TokenError, OutstandingToken.DoesNotExist, KeyError):
        raise _not_valid() from None


@transaction.atomic
def _revoke_all(token: OutstandingToken, *, address: str | None) -> None:
    # simplejwt lets go of tokens whose person is deleted.
    owner = User.objects.filter(pk=token.user_id or 0).first()
    audit_record(user=owner, action="token.reused", entity="token", entity_id=token.pk, address=address)
    if owner is not None:
        _families_revoke(TokenFamily.objects.filter(user=owner))
        account_changed(owner)


def _families_revoke(families: QuerySet[TokenFamily]) -> None:
    families.filter(revoked_at=None).update(revoked_at=timezone.now())


def _not_valid() -> DomainError:
    return DomainError("token_not_valid", "This token is not valid, has run out or was used; sign in again")
