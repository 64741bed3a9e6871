"""Reads of orders, fills, limits and locks. `order_get_for` is the one door to an order."""

from datetime import datetime

import msgspec
from django.db.models import F, Q, QuerySet

from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.exchanges.selectors import found
from apps.orders.models import EntryLock, Fill, Order, OrderEvent, RiskLimits
from cts.domain.orders import LIVE_STATUSES
from cts.domain.risk import Limits
from cts.domain.types import OrderPurpose, OrderStatus

# Orders that take a position out at market; its stop is none of them.
EXITS = (OrderPurpose.EXIT, OrderPurpose.EMERGENCY)
LACKING_FILLS = Q(reported_quantity__gt=F("filled_quantity"))


def orders_for(user: User) -> QuerySet[Order]:
    return Order.objects.filter(connection__owner_id=user.pk)


def order_get_for(user: User, pk: int | str) -> Order:
    """The user's own order.

    Raises:
        NotFound: absent and not yours alike.
    """
    return found(orders_for(user).select_related("connection"), pk)


def order_events_for(user: User, pk: int | str) -> QuerySet[OrderEvent]:
    return order_get_for(user, pk).events.all()


def fills_for(user: User) -> QuerySet[Fill]:
    return Fill.objects.filter(connection__owner_id=user.pk).select_related("order")


def orders_live(connection: Connection, *, symbol: str | None = None) -> QuerySet[Order]:
    """Orders that may still change what is held."""
    rows = Order.objects.filter(connection=connection, status__in=LIVE_STATUSES).select_related("connection")
    return rows if symbol is None else rows.filter(symbol=symbol)


def orders_unsettled(connection: Connection) -> QuerySet[Order]:
    """Orders whose outcome isn't known: sent or being sent, without an answer."""
    unsettled = (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)
    return Order.objects.filter(connection=connection, status__in=unsettled).select_related("connection")


def orders_lacking_fills(connection: Connection) -> QuerySet[Order]:
    """Orders of which the venue has told more filled than we have fills for."""
    return Order.objects.filter(LACKING_FILLS, connection=connection).select_related("connection")


def stops_live(connection: Connection, *, position_key: str) -> list[Order]:
    """Stop orders of a position that are, or may be, on the venue; the newest first."""
    rows = orders_live(connection).filter(position_key=position_key, purpose=OrderPurpose.STOP)
    return list(rows.order_by("-pk"))


def limits_get(connection: Connection) -> RiskLimits:
    """The connection's own limits, or the defaults in a row that isn't stored."""
    return RiskLimits.objects.filter(connection=connection).first() or RiskLimits(connection=connection)


def limits_value(row: RiskLimits) -> Limits:
    return Limits(**{name: getattr(row, name) for name in msgspec.structs.asdict(Limits())})


def locks_active(connection: Connection, *, now: datetime, symbol: str | None = None) -> list[EntryLock]:
    """Locks in force on the connection, and of its symbols on the one asked for (None: all)."""
    rows = EntryLock.objects.filter(connection=connection, until__gt=now)
    if symbol is not None:
        rows = rows.filter(symbol__in=["", symbol])
    return list(rows.order_by("-until"))
