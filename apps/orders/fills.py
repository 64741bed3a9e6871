"""Fills: recorded once each, whichever way and however often they are heard."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from django.db import transaction

from apps.exchanges.models import Connection
from apps.orders.ledger import order_advanced
from apps.orders.models import Fill, Order
from apps.orders.rows import fill_row
from apps.orders.selectors import orders_unsettled
from apps.orders.venue import external_order_create, order_find
from cts.domain.orders import OrderEvent
from cts.domain.position import EXACT, average
from cts.domain.types import OrderPurpose, OrderStatus, OrderType, PositionSide, Side, VenueFill
from cts.realtime import event, push_on_commit

log = logging.getLogger(__name__)

ZERO = Decimal(0)
_AT_ONCE = 500  # names in one query


@transaction.atomic(savepoint=False)
def fill_record(
    connection: Connection, *, fill: VenueFill, source: str, position_side: PositionSide | None = None
) -> Fill | None:
    """The fill's row, with its order brought forward; None when it is known already or can't be attributed yet.

    Called with the connection held: of two who hear the same fill, the second finds it. `position_side` is the leg it
    acts on, for venues in one-way mode that don't say.
    """
    if fill_is_known(connection, fill):
        return None
    leg = fill.position_side or position_side or _leg_of(fill.side)
    order = _order_for(connection, fill, leg=leg)
    if order is None:
        return None
    row = Fill.objects.create(
        connection=connection,
        order=order,
        venue_trade_id=fill.venue_trade_id,
        symbol=fill.symbol,
        side=fill.side,
        position_side=order.position_side if order.purpose != OrderPurpose.EXTERNAL else leg,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        is_maker=fill.is_maker,
        executed_at=datetime.fromtimestamp(fill.executed_ms / 1000, UTC),
        source=source,
    )
    _count(order, row, venue_order_id=fill.venue_order_id)
    push_on_commit(f"connection.{connection.pk}", event("fill", fill_row(row)))
    return row


def fills_unknown(connection: Connection, fills: Sequence[VenueFill]) -> list[VenueFill]:
    """Those not heard of yet, by a look or two for all of them: a poll mostly tells what a stream has told before."""
    known: set[tuple[str, str]] = set()
    for start in range(0, len(fills), _AT_ONCE):
        trades = [fill.venue_trade_id for fill in fills[start : start + _AT_ONCE]]
        rows = Fill.objects.filter(connection=connection, venue_trade_id__in=trades)
        known |= set(rows.values_list("symbol", "venue_trade_id"))
    return [fill for fill in fills if (fill.symbol, fill.venue_trade_id) not in known]


def fill_is_known(connection: Connection, fill: VenueFill) -> bool:
    return Fill.objects.filter(connection=connection, symbol=fill.symbol, venue_trade_id=fill.venue_trade_id).exists()


def _order_for(connection: Connection, fill: VenueFill, *, leg: PositionSide) -> Order | None:
    known = order_find(
        connection,
        symbol=fill.symbol,
        client_order_id=fill.client_order_id,
        venue_order_id=fill.venue_order_id,
    )
    if known is not None:
        return known
    if not fill.client_order_id and orders_unsettled(connection).filter(symbol=fill.symbol, side=fill.side).exists():
        # It may belong to the order we are waiting for; the next poll brings it again, when that is known.
        log.info("fill_held_back", extra={"connection": connection.pk, "trade": fill.venue_trade_id})
        return None
    terms = {"order_type": OrderType.MARKET, "quantity": fill.quantity}
    return external_order_create(
        connection,
        symbol=fill.symbol,
        side=fill.side,
        position_side=leg,
        client_order_id=fill.client_order_id,
        venue_order_id=fill.venue_order_id,
        terms=terms,
    )


def _count(order: Order, row: Fill, *, venue_order_id: str) -> None:
    """Totals from all fills, never by adding up: a total can't drift from what it is the total of."""
    fills = list(Fill.objects.filter(order=order).values_list("price", "quantity"))
    filled = sum((quantity for _, quantity in fills), ZERO)
    value = sum((EXACT.multiply(price, quantity) for price, quantity in fills), ZERO)
    if order.purpose == OrderPurpose.EXTERNAL:
        order.quantity = max(order.quantity, filled)
    if filled > order.quantity:
        log.error("order_overfilled", extra={"order": order.pk, "connection": order.connection_id})
    if OrderStatus(order.status) in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED):
        log.warning("fill_after_end", extra={"order": order.pk, "status": order.status})
    order_advanced(
        order,
        OrderEvent.FILL if filled >= order.quantity else OrderEvent.PARTIAL_FILL,
        data={"fill": row.pk, "trade": row.venue_trade_id},
        quantity=order.quantity,
        filled_quantity=filled,
        reported_quantity=max(order.reported_quantity, filled),
        average_price=average(value, filled),
        venue_order_id=order.venue_order_id or venue_order_id,
    )


def _leg_of(side: Side) -> PositionSide:
    return PositionSide.LONG if side is Side.BUY else PositionSide.SHORT
