"""Who calls the API with a token. Besides its signature and its end, the sign-in it came from must still stand."""

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from apps.accounts.models import User
from apps.accounts.tokens import access_payload_read
from cts.domain.errors import DomainError


class FamilyAuthentication(JWTAuthentication):
    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        try:
            return access_payload_read(validated_token.payload).user
        except DomainError as refused:
            raise AuthenticationFailed(refused.detail, code=refused.code) from None


class FamilyScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.api.authentication.FamilyAuthentication"
