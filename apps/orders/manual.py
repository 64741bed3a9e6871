"""Orders by hand: the same protocol as an engine's, and an audit entry of who asked for it."""

from decimal import Decimal
from typing import Literal

import msgspec
from django.utils import timezone

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.exchanges.selectors import feeds_list, instrument_for
from apps.orders.amendment import NewTerms
from apps.orders.cancellation import CancelOutcome, order_cancel_check
from apps.orders.creation import Judged, order_judge
from apps.orders.executor import OrderExecutor
from apps.orders.facts import prices_for
from apps.orders.models import Order
from cts.domain.errors import DomainError
from cts.domain.orders import OrderTerms, trigger_check
from cts.domain.types import (
    Instrument,
    OrderIntent,
    OrderPurpose,
    OrderStatus,
    OrderType,
    Origin,
    PositionSide,
    TimeInForce,
)
from cts.domain.units import decimal_text
from cts.queue import enqueue_named_on_commit

# A market order is immediate-or-cancel by nature, and a conditional one becomes a market order once triggered.
_FORCES = {OrderType.LIMIT: frozenset(TimeInForce), OrderType.MARKET: frozenset({TimeInForce.GTC, TimeInForce.IOC})}


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for. `key` names the wish: the same key is the same order for ever."""

    key: str
    symbol: str
    position_side: PositionSide
    terms: OrderTerms
    target_ratio: float | None = None
    stop_ratio: float | None = None
    stop: Literal["default", "none"] = "default"
    stop_waiver: str | None = None


def manual_order_place(connection: Connection, *, user: User, ticket: Ticket, address: str | None = None) -> Order:
    """Sized, checked, stored, sent. A denied order comes back denied, with the reason.

    Raises:
        DomainError: `read_only`, `unknown_symbol`, the field at fault, or `no_price`.
    """
    trading_check(user)
    intent = _intent(connection, user=user, ticket=ticket)
    connector = connector_for(connection)
    order = OrderExecutor().execute(connection, intent=intent, connector=connector, terms=ticket.terms)
    if order.status != OrderStatus.DENIED:
        # No engine may be listening to the account; its fills are fetched now instead of at the next round.
        enqueue_named_on_commit("apps.positions.tasks.connection_sync_run", connection.pk, queue="sync")
    audit_record(
        user=user,
        action="order.placed",
        entity="order",
        entity_id=order.pk,
        detail={"client_order_id": order.client_order_id, "status": order.status}
        | ({"stop_waiver": ticket.stop_waiver} if ticket.stop_waiver else {}),
        address=address,
    )
    return order


def manual_order_judge(connection: Connection, *, user: User, ticket: Ticket) -> Judged:
    """What would become of it now, every check included; nothing is stored and nobody is asked.

    Raises:
        DomainError: `unknown_symbol`, the field at fault, or `no_price`.
    """
    return order_judge(connection, intent=_intent(connection, user=user, ticket=ticket), terms=ticket.terms)


def _intent(connection: Connection, *, user: User, ticket: Ticket) -> OrderIntent:
    instrument = instrument_for(connection, ticket.symbol)
    _terms_check(ticket.terms)
    _quantity_check(ticket.terms, instrument)
    _waiver_check(ticket)
    last = prices_for(connection, symbol=ticket.symbol, tick=None, now=timezone.now()).last
    if ticket.terms.trigger_price is not None and last is not None:
        side = ticket.position_side.exit_side if ticket.terms.is_reduce_only else ticket.position_side.entry_side
        trigger_check(ticket.terms.order_type, side, trigger=ticket.terms.trigger_price, last=last)
    return OrderIntent(
        key=f"manual:{user.pk}:{ticket.key}",
        connection_id=connection.pk,
        symbol=ticket.symbol,
        position_side=ticket.position_side,
        purpose=OrderPurpose.MANUAL,
        origin=Origin.MANUAL,
        price=float(_reference_price(connection, ticket, last=last)),
        at=timezone.now(),
        target_ratio=ticket.target_ratio,
        stop_ratio=ticket.stop_ratio,
        stop_waiver=ticket.stop_waiver,
        explanation={"by": user.get_username()},
    )


def manual_order_cancel(order: Order, *, user: User, address: str | None = None) -> Order:
    """Ask the venue to cancel it.

    Raises:
        DomainError: `read_only`, or `protects_a_position`.
    """
    trading_check(user)
    order_cancel_check(order)
    audit_record(user=user, action="order.cancel_asked", entity="order", entity_id=order.pk, address=address)
    return OrderExecutor().cancel(order, connector=connector_for(order.connection))


def manual_order_amend(order: Order, *, user: User, terms: NewTerms, address: str | None = None) -> Order:
    """Change it on the venue.

    Raises:
        DomainError: `read_only`, or those of `order_amend`.
    """
    trading_check(user)
    detail = {name: decimal_text(value) for name, value in terms.given().items()}
    audit_record(
        user=user, action="order.amend_asked", entity="order", entity_id=order.pk, detail=detail, address=address
    )
    return OrderExecutor().amend(order, terms=terms, connector=connector_for(order.connection))


def manual_orders_cancel_all(
    connection: Connection, *, user: User, symbol: str | None = None, address: str | None = None
) -> list[CancelOutcome]:
    """Every open order of the connection or of one of its symbols; the stops of live positions stay."""
    trading_check(user)
    detail = {"symbol": symbol or ""}
    audit_record(
        user=user,
        action="orders.cancel_all_asked",
        entity="connection",
        entity_id=connection.pk,
        detail=detail,
        address=address,
    )
    return OrderExecutor().cancel_all(connection, connector=connector_for(connection), symbol=symbol)


def _terms_check(terms: OrderTerms) -> None:
    _force_check(terms)
    if terms.oco_group and terms.order_type is OrderType.MARKET:
        raise DomainError("not_wanted", "A market order doesn't wait, so it can't be one of a group", field="oco_group")
    wants_price, wants_trigger = terms.order_type is OrderType.LIMIT, terms.order_type.is_conditional
    for field, value, is_wanted in (
        ("price", terms.price, wants_price),
        ("trigger_price", terms.trigger_price, wants_trigger),
    ):
        if is_wanted and value is None:
            raise DomainError("required", f"A {terms.order_type} order needs a {_words(field)}", field=field)
        if not is_wanted and value is not None:
            raise DomainError("not_wanted", f"A {terms.order_type} order takes no {_words(field)}", field=field)


def _force_check(terms: OrderTerms) -> None:
    """Venues ignore a time in force they have no use for; a person who asked for it must not believe it holds."""
    force, order_type = terms.time_in_force, terms.order_type
    if force in _FORCES.get(order_type, {TimeInForce.GTC}):
        return
    if force is TimeInForce.POST_ONLY:
        detail = "post_only needs a limit order with a price"
    else:
        detail = f"A {order_type} order can't be {force}; leave time_in_force out, or give a limit order with a price"
    raise DomainError("not_wanted", detail, field="time_in_force")


def _quantity_check(terms: OrderTerms, instrument: Instrument) -> None:
    is_market = terms.order_type is not OrderType.LIMIT
    asked, most = terms.quantity, instrument.largest_quantity(is_market=is_market)
    if asked is not None and most is not None and asked > most:
        raise DomainError(
            "quantity_too_large",
            f"{decimal_text(asked)} {instrument.base} asked for; "
            f"the venue takes at most {decimal_text(most)} {instrument.base} in one {'market ' if is_market else ''}order",
            field="quantity",
        )


def _waiver_check(ticket: Ticket) -> None:
    """No stop only where its owner says so twice: the wish, and the reason that stands in the trade's story."""
    if ticket.stop == "default":
        if ticket.stop_waiver:
            raise DomainError("not_wanted", 'A waiver goes with stop "none"; leave it out', field="stop_waiver")
        return
    if ticket.stop_ratio is not None:
        raise DomainError("not_wanted", 'A stop_ratio is a stop; leave it out, or stop "none"', field="stop_ratio")
    if ticket.terms.is_reduce_only:
        raise DomainError("not_wanted", "A reduction opens nothing a stop could protect; leave it out", field="stop")
    if not ticket.stop_waiver:
        detail = "Confirm in a sentence why this position shall have no stop; it is kept in the trade's story"
        raise DomainError("required", detail, field="stop_waiver")


def _words(field: str) -> str:
    return field.replace("_", " ")


def _reference_price(connection: Connection, ticket: Ticket, *, last: Decimal | None) -> Decimal:
    """What the size is reckoned at where the order names no price of its own."""
    price = ticket.terms.price or ticket.terms.trigger_price or last
    if price is not None:
        return price
    if any(ticket.symbol in feed.symbols for feed in feeds_list([connection.venue])):
        detail = f"There is no price of {ticket.symbol} yet; the feed may be down, see /healthz"
    else:
        detail = f"No connection follows {ticket.symbol}, so it has no price here; add it to the symbols of one first"
    raise DomainError("no_price", detail, field="symbol")
