"""Orders whose outcome isn't known: ended by evidence from the venue, never by time."""

import logging
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.exchanges.connectors.base import Connector
from apps.orders.ages import ages
from apps.orders.holdings import book
from apps.orders.ledger import order_advanced, order_locked, order_noted
from apps.orders.models import Order
from apps.orders.requests import order_looked_up, order_recall
from apps.orders.venue import order_apply_venue
from cts.domain.errors import ExchangeError, OrderNotFound
from cts.domain.orders import OrderEvent
from cts.domain.types import OrderStatus, PositionSide, VenueFill, VenueOrder

log = logging.getLogger(__name__)

# Executions are looked for from before the claim, for clocks that differ.
LOOK_BACK_S = 300.0
# An attempt begins within one time-out of the claim, waits for its budget and for its answer: after this many, nobody
# sends the order any more.
SENDING_TIMEOUTS = 3


def claimed_for_s(order: Order) -> float:
    """Seconds since somebody took it to send it; nothing where nobody has."""
    return ages.age_s(("claimed", order.pk), order.claimed_at) if order.claimed_at else 0.0


def lost_for_s(order: Order) -> float:
    """Seconds since its outcome went unknown."""
    return ages.age_s(("lost", order.pk), order.submitted_at or order.updated_at)


def order_resolve(order: Order, *, connector: Connector) -> Order:
    """Ask the venue what became of an order. It stays `unknown` while the venue can't be asked or gives half an answer."""
    row = _lose_if_stuck(order.pk)
    if row.status != OrderStatus.UNKNOWN:
        return row
    waited_s = lost_for_s(row)
    try:
        if (told := _told(row, connector)) is not None:
            return order_apply_venue(row.connection, told) or row
        if (fill := _executed(row, connector)) is not None:
            return _found_by_fill(row.pk, fill)
        if waited_s < connector.spec.visibility_delay_s or _has_moved(row, connector):
            return row
    except ExchangeError as error:
        # Not being able to ask is no answer.
        log.info("order_resolve_failed", extra={"order": row.pk, "reason": str(error)})
        return row
    return _ended(row.pk)


@transaction.atomic
def order_lose(pk: int, *, reason: str) -> Order:
    """The venue does not know an order we had as open: find out before believing anything."""
    row = order_locked(pk)
    if OrderStatus(row.status).is_final:
        return row
    return order_advanced(row, OrderEvent.LOSE, reason_code="not_found", reason=reason, submitted_at=timezone.now())


@transaction.atomic
def _lose_if_stuck(pk: int) -> Order:
    """A process that died while sending leaves `submitting` behind."""
    row = order_locked(pk)
    if row.status != OrderStatus.SUBMITTING or claimed_for_s(row) <= SENDING_TIMEOUTS * settings.VENUE_TIMEOUT_S:
        return row
    reason = "The process that was sending it ended without recording an answer"
    return order_advanced(row, OrderEvent.LOSE, reason_code="interrupted", reason=reason, submitted_at=row.claimed_at)


def _told(order: Order, connector: Connector) -> VenueOrder | None:
    """The order by its id, else from the list of open ones: two sources, of which one may lag."""
    order_recall(order, connector)
    try:
        return order_looked_up(order, connector)
    except OrderNotFound:
        listed = connector.open_orders(order.symbol)
    return next((told for told in listed if told.client_order_id == order.client_order_id), None)


def _executed(order: Order, connector: Connector) -> VenueFill | None:
    since_ms = connector.now_ms() - int((claimed_for_s(order) + LOOK_BACK_S) * 1000)
    fills = connector.fills(order.symbol, since_ms=since_ms)
    return next((fill for fill in fills if _is_of(fill, order)), None)


def _is_of(fill: VenueFill, order: Order) -> bool:
    is_named = fill.client_order_id == order.client_order_id
    return is_named or bool(order.venue_order_id and fill.venue_order_id == order.venue_order_id)


def _has_moved(order: Order, connector: Connector) -> bool:
    """Whether the venue's leg differs from ours: then something happened there that we have not heard of."""
    side = PositionSide(order.position_side)
    legs = [leg for leg in connector.positions() if leg.symbol == order.symbol and leg.side is side]
    held = sum((leg.quantity for leg in legs), Decimal(0))
    return held != book().leg_quantity(order.connection, symbol=order.symbol, side=side)


@transaction.atomic
def _found_by_fill(pk: int, fill: VenueFill) -> Order:
    row = order_locked(pk)
    if row.status != OrderStatus.UNKNOWN:
        return row
    return order_advanced(
        row, OrderEvent.ACK, data={"by": "fill"}, venue_order_id=row.venue_order_id or fill.venue_order_id
    )


@transaction.atomic
def _ended(pk: int) -> Order:
    """Neither its id, nor the open orders, nor the executions, nor the position know of it."""
    row = order_locked(pk)
    if row.status != OrderStatus.UNKNOWN:
        return row
    was_there = bool(row.venue_order_id)
    step, code = (OrderEvent.CANCEL, "gone") if was_there else (OrderEvent.EXPIRE, "never_arrived")
    reason = "The venue has no such order, no execution of it, and the position did not move"
    order_noted(row, kind="evidence", data={"sources": ["order", "open_orders", "executions", "position"]})
    return order_advanced(row, step, reason_code=code, reason=reason)
