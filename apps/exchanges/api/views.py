"""Connections and what can be done with one."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.exchanges.api import serializers as shapes
from apps.exchanges.models import AccountBalance, Connection, ConnectionTest
from apps.exchanges.rows import balance_row, connection_row, connection_test_row
from apps.exchanges.selectors import balances_for, connection_get_for, connection_tests_for, connections_for
from apps.exchanges.services import (
    connection_arm,
    connection_create,
    connection_delete,
    connection_disarm,
    connection_test,
    connection_try_out,
    connection_update,
)
from cts.lists import RowList
from cts.rest import etag, version_check
from cts.schema import IF_MATCH


def _answer(connection: Connection, *, status: int = 200) -> Response:
    return Response(connection_row(connection), status=status, headers=etag(connection.version))


class ConnectionsView(RowList):
    row = staticmethod(connection_row)
    model = Connection
    serializer_class = shapes.ConnectionSerializer
    filterset_fields = ("exchange", "environment", "market", "is_enabled", "is_active", "is_live_armed")
    ordering_fields = ("id", "name", "created_at", "updated_at")

    def rows_for(self, request: Request) -> QuerySet[Connection]:
        return connections_for(caller(request))

    @extend_schema(
        operation_id="connections_create",
        request=shapes.ConnectionCreate,
        responses={201: shapes.ConnectionSerializer},
    )
    def post(self, request: Request) -> Response:
        return _answer(connection_create(owner=caller(request), **shapes.ConnectionCreate.checked(request)), status=201)


class TryOutView(APIView):
    """Whether such a connection would work, line by line; nothing is stored, set or placed."""

    @extend_schema(
        operation_id="connections_try_out", request=shapes.ConnectionCreate, responses=shapes.TryOutSerializer
    )
    def post(self, request: Request) -> Response:
        is_ok, lines = connection_try_out(caller(request), **shapes.ConnectionCreate.checked(request))
        return Response({"is_ok": is_ok, "lines": lines})


class ConnectionView(APIView):
    @extend_schema(operation_id="connections_retrieve", responses=shapes.ConnectionSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return _answer(connection_get_for(caller(request), pk))

    @extend_schema(
        operation_id="connections_update",
        parameters=[IF_MATCH],
        request=shapes.ConnectionChanges,
        responses=shapes.ConnectionSerializer,
    )
    def patch(self, request: Request, pk: int) -> Response:
        connection = connection_get_for(caller(request), pk)
        version_check(request, version=connection.version)
        changes = shapes.ConnectionChanges.checked(request)
        return _answer(connection_update(connection, user=caller(request), changes=changes))

    @extend_schema(operation_id="connections_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        connection = connection_get_for(caller(request), pk)
        version_check(request, version=connection.version)
        connection_delete(connection, user=caller(request))
        return Response(status=204)


class ConnectionTestsView(RowList):
    row = staticmethod(connection_test_row)
    model = ConnectionTest
    serializer_class = shapes.ConnectionTestSerializer

    def rows_for(self, request: Request) -> QuerySet[ConnectionTest]:
        return connection_tests_for(caller(request), self.kwargs["pk"])


class BalancesView(RowList):
    row = staticmethod(balance_row)
    model = AccountBalance
    serializer_class = shapes.BalanceSerializer

    def rows_for(self, request: Request) -> QuerySet[AccountBalance]:
        return balances_for(connection_get_for(caller(request), self.kwargs["pk"]))


class TestView(APIView):
    """Ask the venue everything trading needs, line by line."""

    @extend_schema(operation_id="connections_test", request=None, responses=shapes.ConnectionTestSerializer)
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        return Response(connection_test_row(connection_test(connection_get_for(user, pk), user=user)))


class ArmView(APIView):
    @extend_schema(operation_id="connections_arm", request=shapes.ArmInput, responses=shapes.ConnectionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        asked = shapes.ArmInput.checked(request)
        return _answer(connection_arm(connection_get_for(user, pk), user=user, **asked))


class DisarmView(APIView):
    @extend_schema(operation_id="connections_disarm", request=shapes.ArmInput, responses=shapes.ConnectionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        asked = shapes.ArmInput.checked(request)
        return _answer(connection_disarm(connection_get_for(user, pk), user=user, **asked))


class _ChangeView(APIView):
    """A named change of a connection."""

    def change(self, request: Request, pk: int, changes: dict[str, Any]) -> Response:
        user = caller(request)
        return _answer(connection_update(connection_get_for(user, pk), user=user, changes=changes))


class EnableView(_ChangeView):
    @extend_schema(operation_id="connections_enable", request=None, responses=shapes.ConnectionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.change(request, pk, {"is_enabled": True})


class DisableView(_ChangeView):
    @extend_schema(operation_id="connections_disable", request=None, responses=shapes.ConnectionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.change(request, pk, {"is_enabled": False})


class VolumeView(_ChangeView):
    @extend_schema(operation_id="connections_volume", request=shapes.VolumeInput, responses=shapes.ConnectionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return self.change(request, pk, shapes.VolumeInput.checked(request))


class SymbolsView(_ChangeView):
    @extend_schema(
        operation_id="connections_symbols", request=shapes.SymbolsInput, responses=shapes.ConnectionSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        return self.change(request, pk, shapes.SymbolsInput.checked(request))
