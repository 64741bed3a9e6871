"""Tokens and the person who asks."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.accounts.api.serializers import (
    Refresh,
    SignIn,
    TokenPairSerializer,
    UserChanges,
    UserSerializer,
)
from apps.accounts.selectors import user_row
from apps.accounts.services import user_sign_in, user_update
from apps.accounts.tokens import token_revoke, tokens_issue, tokens_rotate
from cts.rates import client_address


class TokenView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="auth_token_create", request=SignIn, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        user = user_sign_in(**SignIn.checked(request), address=client_address(request.META))
        return Response(asdict(tokens_issue(user)))


class TokenRefreshView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="auth_token_refresh", request=Refresh, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        pair = tokens_rotate(**Refresh.checked(request), address=client_address(request.META))
        return Response(asdict(pair))


class TokenRevokeView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="auth_token_revoke", request=Refresh, responses={204: None})
    def post(self, request: Request) -> Response:
        token_revoke(**Refresh.checked(request), user=caller(request))
        return Response(status=204)


class MeView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="users_me_retrieve", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(user_row(caller(request)))

    @extend_schema(operation_id="users_me_update", request=UserChanges, responses=UserSerializer)
    def patch(self, request: Request) -> Response:
        changes = UserChanges.checked(request)
        return Response(user_row(user_update(caller(request), changes=changes)))
