"""What keeps a connection from entering: its risk limits, and the locks on its entries."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.exchanges.selectors import connection_get_for
from apps.orders.api.serializers import PlainFloat
from apps.orders.limits import BOUNDS, risk_limits_update
from apps.orders.locks import entry_lock_get_for, entry_lock_lift, entry_locks_for
from apps.orders.models import EntryLock, RiskLimits
from apps.orders.rows import entry_lock_row, risk_limits_row
from apps.orders.selectors import limits_get
from cts.lists import RowList
from cts.rates import client_address
from cts.rest import Input, etag, version_check
from cts.schema import IF_MATCH


class EntryLockSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    connection = serializers.IntegerField()
    symbol = serializers.CharField(help_text="Empty: every symbol")
    reason_code = serializers.CharField()
    reason = serializers.CharField()
    until = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class EntryLocksView(RowList):
    """The locks in force: until when no entry is made, and why. Exits go on."""

    row = staticmethod(entry_lock_row)
    model = EntryLock
    serializer_class = EntryLockSerializer
    ordering_fields = ("id", "until")

    def rows_for(self, request: Request) -> QuerySet[EntryLock]:
        return entry_locks_for(caller(request), self.kwargs["pk"])


class EntryLockLiftView(APIView):
    """Let entries in again before the time. One that has ended already is answered as it is."""

    @extend_schema(operation_id="connections_locks_lift", request=None, responses=EntryLockSerializer)
    def post(self, request: Request, pk: int, lock: int) -> Response:
        user = caller(request)
        row = entry_lock_get_for(user, pk, lock)
        return Response(entry_lock_row(entry_lock_lift(row, user=user, address=client_address(request.META))))


def _ratio(name: str, help_text: str) -> serializers.FloatField:
    low, high = BOUNDS[name]
    return PlainFloat(min_value=low, max_value=high, help_text=f"{help_text}; a ratio: 0.05 is 5 %")


def _whole(name: str, help_text: str = "") -> serializers.IntegerField:
    low, high = BOUNDS[name]
    return serializers.IntegerField(min_value=int(low), max_value=int(high), help_text=help_text)


class RiskLimitsInput(Input):
    """All limits at once; read them first, change what you mean to change."""

    sizing_mode = serializers.ChoiceField(RiskLimits._meta.get_field("sizing_mode").choices or [])
    target_positions = _whole("target_positions", "Equity is divided by it for the size of one position")
    enforce_min_volume = serializers.BooleanField(help_text="Raise a size below the venue's minimum to it")
    max_positions = _whole("max_positions")
    max_positions_per_side = _whole("max_positions_per_side", "Per symbol and side")
    max_position_notional_ratio = _ratio("max_position_notional_ratio", "Value of one position, of equity")
    max_total_notional_ratio = _ratio("max_total_notional_ratio", "Value of all positions, of equity")
    max_leverage = _whole("max_leverage")
    max_daily_loss_ratio = _ratio("max_daily_loss_ratio", "Loss since 00:00 UTC, of equity")
    max_drawdown_ratio = _ratio("max_drawdown_ratio", "Equity below its peak")
    max_losing_streak = _whole("max_losing_streak", "Losing positions in a row")
    losing_streak_pause_s = _whole("losing_streak_pause_s", "Seconds")
    max_orders_per_minute = _whole("max_orders_per_minute")
    max_price_deviation_ratio = _ratio("max_price_deviation_ratio", "Between an order's price and the last one")
    max_price_age_s = PlainFloat(min_value=0.1, max_value=600, help_text="Seconds")
    min_free_margin_ratio = _ratio("min_free_margin_ratio", "Of equity, free after an order")
    stop_guard_count = _whole("stop_guard_count", "Stops on one symbol that pause its entries")
    stop_guard_window_s = _whole("stop_guard_window_s", "Seconds in which they are counted")
    stop_guard_lock_s = _whole("stop_guard_lock_s", "Seconds of the pause")


class RiskLimitsSerializer(RiskLimitsInput):
    connection = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Rises with every change; 1 while they are the defaults")


class RiskLimitsView(APIView):
    @extend_schema(operation_id="connections_risk_limits_retrieve", responses=RiskLimitsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return _limits(limits_get(connection_get_for(caller(request), pk)))

    @extend_schema(
        operation_id="connections_risk_limits_replace",
        parameters=[IF_MATCH],
        request=RiskLimitsInput,
        responses=RiskLimitsSerializer,
    )
    def put(self, request: Request, pk: int) -> Response:
        user = caller(request)
        connection = connection_get_for(user, pk)
        read = limits_get(connection).version
        version_check(request, version=read)
        # Whoever names a version is held to it to the end: another change may come between the look and the lock.
        version = read if "If-Match" in request.headers else None
        changes, address = RiskLimitsInput.checked(request), client_address(request.META)
        return _limits(risk_limits_update(connection, user=user, changes=changes, version=version, address=address))


def _limits(row: RiskLimits) -> Response:
    return Response(risk_limits_row(row), headers=etag(row.version))
