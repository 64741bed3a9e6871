"""What the venue says about orders, from stream or poll: applied in any order, any number of times."""

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.orders.ledger import order_advanced, order_changed, order_locked, order_noted, order_pushed
from apps.orders.models import Order
from apps.orders.requests import order_request, order_sent_ms
from apps.orders.selectors import orders_unsettled
from cts.domain.orders import IllegalTransition, OrderEvent, advance, event_of
from cts.domain.reconcile import is_nameless_twin
from cts.domain.types import OrderPurpose, OrderStatus, Origin, PositionSide, Side, VenueOrder
from cts.domain.units import decimal_text

log = logging.getLogger(__name__)


def order_apply_venue(connection: Connection, venue_order: VenueOrder) -> Order | None:
    """Make our order tell what the venue tells. One we don't know is adopted as `external`; None where nothing came of it.

    "Filled" is believed by the fills alone: here it only says how much of them there must be.
    """
    known = Order.objects.filter(connection=connection, client_order_id=venue_order.client_order_id).first()
    if known is not None and _is_no_news(known, venue_order):
        return known  # most of what is told has been told before, and an order's story only goes on
    return _order_applied(connection, venue_order)


def _is_no_news(order: Order, told: VenueOrder) -> bool:
    if order.purpose == OrderPurpose.EXTERNAL or order.symbol != told.symbol or _news(order, told):
        return False
    if order.venue_order_id != told.venue_order_id:
        return False
    status = OrderStatus(order.status)
    try:
        return advance(status, event_of(told.status)) is status
    except IllegalTransition:
        return False


@transaction.atomic
def _order_applied(connection: Connection, venue_order: VenueOrder) -> Order | None:
    known = order_find(
        connection,
        symbol=venue_order.symbol,
        client_order_id=venue_order.client_order_id,
        venue_order_id=venue_order.venue_order_id,
    )
    known = known or _nameless_twin(connection, venue_order)
    if known is None:
        return _adopt(connection, venue_order)
    return _apply(known, venue_order)


def _nameless_twin(connection: Connection, told: VenueOrder) -> Order | None:
    """Ours without an answer, of which the venue tells by its terms alone: whoever sent it died before it heard the id."""
    if told.client_order_id:
        return None
    waiting = orders_unsettled(connection).filter(symbol=told.symbol, venue_order_id="").order_by("pk")
    twins = (row.pk for row in waiting if is_nameless_twin(order_request(row), told, sent_ms=order_sent_ms(row)))
    found = next(twins, None)
    return None if found is None else order_locked(found)


@transaction.atomic
def order_reopen(order: Order, venue_order: VenueOrder) -> Order:
    """The venue lists as open what we had ended: evidence outranks our conclusion."""
    row = order_locked(order.pk)
    if OrderStatus(row.status).is_final:
        log.error("order_reopened", extra={"order": row.pk, "connection": row.connection_id, "was": row.status})
        order_advanced(row, OrderEvent.REOPEN, venue_order_id=row.venue_order_id or venue_order.venue_order_id)
    return _apply(row, venue_order)


def order_find(connection: Connection, *, symbol: str, client_order_id: str, venue_order_id: str) -> Order | None:
    """By the venue's id, else by ours as long as it isn't bound to another of the venue's. Held until the transaction ends."""
    rows = Order.objects.select_for_update(of=("self",)).select_related("connection")
    rows = rows.filter(connection=connection, symbol=symbol)
    if venue_order_id and (found := rows.filter(venue_order_id=venue_order_id).first()):
        return found
    if not client_order_id:
        return None
    unbound = ["", venue_order_id] if venue_order_id else None
    named = rows.filter(client_order_id=client_order_id)
    # A triggered stop may go on under another id of the venue; ours are unique for ever, so the name decides.
    ours = named.exclude(purpose=OrderPurpose.EXTERNAL).first()
    return ours or (named.filter(venue_order_id__in=unbound) if unbound else named).first()


def _apply(order: Order, told: VenueOrder) -> Order:
    changes = _news(order, told)
    step = _step(order, told)
    status = OrderStatus(order.status)
    try:
        after = advance(status, step)
    except IllegalTransition as error:
        log.error("venue_contradicts_us", extra={"order": order.pk, "status": status, "told": told.status})
        return order_changed(order, kind="contradiction", data={"told": told.status, "error": str(error)}, **changes)
    if after is status and not changes:
        return order
    if step in (OrderEvent.CANCEL, OrderEvent.EXPIRE, OrderEvent.REJECT) and after is not status:
        changes |= {"reason_code": order.reason_code or "venue", "reason": told.reject_reason or order.reason}
    data: dict[str, Any] = {"told": told.status}
    if "quantity" in changes:
        data["quantity"] = decimal_text(changes["quantity"])
    return order_advanced(order, step, data=data, **changes)


def _step(order: Order, told: VenueOrder) -> OrderEvent:
    """One the venue has cut is filled as soon as we have all fills of what it left."""
    is_whole = _is_cut(order, told) and order.filled_quantity >= told.filled_quantity
    return OrderEvent.FILL if is_whole else event_of(told.status)


def _is_cut(order: Order, told: VenueOrder) -> bool:
    """Filled there with less than we asked for: a reduction is cut to what is still held."""
    return told.status is OrderStatus.FILLED and 0 < told.filled_quantity < order.quantity


def _news(order: Order, told: VenueOrder) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if told.venue_order_id and not order.venue_order_id:
        changes["venue_order_id"] = told.venue_order_id
    if told.filled_quantity > order.reported_quantity:
        changes["reported_quantity"] = told.filled_quantity
    if _is_cut(order, told):
        changes["quantity"] = told.filled_quantity
    is_foreign = order.purpose == OrderPurpose.EXTERNAL
    if is_foreign and told.quantity > order.quantity:
        changes["quantity"] = told.quantity
    return changes | _terms_told(order, told)


def _terms_told(order: Order, told: VenueOrder) -> dict[str, Any]:
    """Other terms than ours, where a change was asked for and no answer came: then the venue's are the order's."""
    is_limit = order.price is not None and told.price is not None
    wanted = {"price": told.price} if is_limit and told.price != order.price else {}
    if not told.status.is_final and told.quantity != order.quantity:
        wanted["quantity"] = told.quantity
    if not wanted or not _is_change_open(order):
        return {}
    return wanted


def _is_change_open(order: Order) -> bool:
    asked = order.events.filter(kind__startswith="amend").order_by("-sequence").values_list("kind", flat=True).first()
    return asked in ("amend", "amend_unknown")


def _adopt(connection: Connection, told: VenueOrder) -> Order | None:
    """An order somebody made elsewhere. One that ended without a fill has nothing to tell us."""
    if told.status.is_final and told.filled_quantity == 0:
        return None
    order = external_order_create(
        connection,
        symbol=told.symbol,
        side=told.side,
        position_side=told.position_side or _leg_of(told),
        client_order_id=told.client_order_id,
        venue_order_id=told.venue_order_id,
        terms={
            "order_type": told.order_type,
            "quantity": told.quantity,
            "price": told.price,
            "trigger_price": told.trigger_price,
            "is_reduce_only": told.is_reduce_only,
        },
    )
    return _apply(order, told)


def external_order_create(
    connection: Connection,
    *,
    symbol: str,
    side: Side,
    position_side: PositionSide,
    client_order_id: str,
    venue_order_id: str,
    terms: dict[str, Any],
) -> Order:
    """A row for an order that isn't ours. Whoever creates one holds the connection, so that two never do at once."""
    Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    known = order_find(connection, symbol=symbol, client_order_id=client_order_id, venue_order_id=venue_order_id)
    if known is not None:
        return known
    # Names given by others may repeat or be too long for us; the venue's own id does not.
    is_usable = 0 < len(client_order_id) <= 36 and not _is_taken(connection, client_order_id)
    order = Order.objects.create(
        connection=connection,
        client_order_id=client_order_id if is_usable else f"x{venue_order_id}"[:36],
        venue_order_id=venue_order_id,
        intent_key=f"external:{symbol}:{venue_order_id}"[:160],
        symbol=symbol,
        side=side,
        position_side=position_side,
        purpose=OrderPurpose.EXTERNAL,
        origin=Origin.EXTERNAL,
        status=OrderStatus.ACCEPTED,
        submitted_at=timezone.now(),
        **terms,
    )
    order_noted(order, kind="adopted", after=OrderStatus.ACCEPTED)
    order_pushed(order)
    return order


def _is_taken(connection: Connection, client_order_id: str) -> bool:
    return Order.objects.filter(connection=connection, client_order_id=client_order_id).exists()


def _leg_of(told: VenueOrder) -> PositionSide:
    is_long = (told.side is Side.BUY) is not told.is_reduce_only
    return PositionSide.LONG if is_long else PositionSide.SHORT
