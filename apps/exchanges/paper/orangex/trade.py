"""OrangeX's methods that place and cancel. They answer that the order was taken; its state is another question."""

import copy
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeVar

import msgspec

from apps.exchanges.paper.face import Call, is_sane
from apps.exchanges.paper.orangex.errors import BAD_PARAMS, OrangeXError
from apps.exchanges.paper.orangex.market import perpetual, symbol_of
from apps.exchanges.paper.orangex.rows import (
    COINS,
    LISTS,
    RULES,
    WRONG_MODE,
    Row,
    natural_condition,
    order_id,
    order_number,
    unique_id,
)
from cts.domain.matching import engine
from cts.domain.matching.checks import check_filters, trigger_reference
from cts.domain.matching.events import Event, OrderUpdated, Refusal, Refused
from cts.domain.matching.state import Account, BookStatus, Order, Request, TriggerBy
from cts.domain.types import OrderType, PositionMode, PositionSide, Side, TimeInForce
from cts.domain.units import floor_to_step

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

T = TypeVar("T")
TYPES = {"": OrderType.LIMIT, "limit": OrderType.LIMIT, "market": OrderType.MARKET}
FORCES = {
    "": TimeInForce.GTC, "good_til_cancelled": TimeInForce.GTC, "good_till_cancelled": TimeInForce.GTC,
    "immediate_or_cancel": TimeInForce.IOC, "fill_or_kill": TimeInForce.FOK,
}  # fmt: skip
LEGS = {"": None, "BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
CONDITIONS = frozenset({"NORMAL", "STOP", "IF_TOUCHED"})
TRIGGERS = {"": TriggerBy.MARK, "1": TriggerBy.MARK, "2": TriggerBy.LAST}
_ID_CHARACTERS = frozenset(".:/_-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


def number(call: Call, name: str) -> Decimal | None:
    raw = call.params.get(name, "")
    if raw in ("", "0"):
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise OrangeXError(*BAD_PARAMS) from None
    if not is_sane(value) or value < 0:
        raise OrangeXError(*BAD_PARAMS)
    return value


def word(call: Call, name: str, table: dict[str, T]) -> T:
    value = call.params.get(name, "")
    if value not in table:
        raise OrangeXError(*BAD_PARAMS)
    return table[value]


def is_true(call: Call, name: str) -> bool:
    return call.params.get(name, "").lower() == "true"


def buy(face: "OrangeXFace", call: Call) -> Row:
    return _place(face, call, Side.BUY)


def sell(face: "OrangeXFace", call: Call) -> Row:
    return _place(face, call, Side.SELL)


def _place(face: "OrangeXFace", call: Call, side: Side) -> Row:
    request = _request(face, call, side)
    return {"order": {"order_id": _taken(face, call, request), "custom_order_id": ""}}


def _taken(face: "OrangeXFace", call: Call, request: Request) -> str:
    account = call.account
    is_mode_right = request.is_spot or (account.position_mode is PositionMode.HEDGE) == (request.leg is not None)
    if is_mode_right:
        events = face.act(
            call.who, lambda: engine.place(account, venue=face.venue, request=request, now_ms=call.now_ms)
        )
    else:
        check_filters(request, venue=face.venue, rules=RULES[request.symbol])
        events = face.act(call.who, lambda: _canceled_at_once(account, request, now_ms=call.now_ms))
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return order_id(first.order.id)


def _canceled_at_once(account: Account, request: Request, *, now_ms: int) -> list[Event]:
    """What doesn't fit the position mode isn't refused: it is taken, and canceled with a code."""
    order = Order(
        id=account.next_id(),
        request=request,
        status=BookStatus.CANCELED,
        quantity=request.quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        created_ms=now_ms,
        updated_ms=now_ms,
        reason=WRONG_MODE,
    )
    account.closed_orders[order.id] = order
    account.client_ids[request.client_id] = order.id
    return [OrderUpdated(sequence=account.next_sequence(), at_ms=now_ms, order=copy.copy(order))]


def _request(face: "OrangeXFace", call: Call, side: Side) -> Request:
    symbol, kind = symbol_of(call), word(call, "type", TYPES)
    condition = call.params.get("condition_type") or "NORMAL"
    if condition not in CONDITIONS:
        raise OrangeXError(*BAD_PARAMS)
    if symbol in COINS and (condition != "NORMAL" or is_true(call, "reduce_only") or word(call, "position_side", LEGS)):
        raise OrangeXError(*BAD_PARAMS)
    request = Request(
        symbol=symbol,
        side=side,
        order_type=kind,
        quantity=_quantity(face, call, symbol, is_cost=_is_cost(call, symbol, side=side, kind=kind)),
        client_id=_client_id(call, condition),
        price=number(call, "price") if kind is OrderType.LIMIT else None,
        time_in_force=_force(call, kind),
        trigger_price=number(call, "trigger_price") if condition != "NORMAL" else None,
        trigger_by=word(call, "trigger_price_type", TRIGGERS),
        is_reduce_only=is_true(call, "reduce_only"),
        leg=word(call, "position_side", LEGS),
    )
    return request if condition == "NORMAL" else _conditional(face, call, request, condition)


def _is_cost(call: Call, symbol: str, *, side: Side, kind: OrderType) -> bool:
    """Whether the amount is one of quote: of contracts where it is said to be, of coins in every buy at market."""
    if symbol in COINS:
        return side is Side.BUY and kind is OrderType.MARKET
    return is_true(call, "market_amount_order")


def _quantity(face: "OrangeXFace", call: Call, symbol: str, *, is_cost: bool) -> Decimal:
    amount = number(call, "amount")
    if amount is None:
        raise OrangeXError(*BAD_PARAMS)
    if not is_cost:
        return amount
    return floor_to_step(amount / face.market.quotes[symbol].last, RULES[symbol].lot_step)


def _force(call: Call, kind: OrderType) -> TimeInForce:
    if kind is OrderType.MARKET:
        return TimeInForce.IOC
    return TimeInForce.POST_ONLY if is_true(call, "post_only") else word(call, "time_in_force", FORCES)


def _client_id(call: Call, condition: str, *, is_natural: bool = True) -> str:
    """The venue takes the same one again: here it is made unique behind the scenes."""
    name, account = call.params.get("custom_order_id", ""), call.account
    if len(name) > 36 or not _ID_CHARACTERS.issuperset(name):
        raise OrangeXError(*BAD_PARAMS)
    if name and is_natural and name not in account.client_ids:
        return name
    return unique_id(name, condition, account.last_id + 1)


def _conditional(face: "OrangeXFace", call: Call, request: Request, condition: str) -> Request:
    """Fires when the price crosses the trigger, from whichever side it is on now."""
    if request.trigger_price is None:
        raise OrangeXError(*BAD_PARAMS)
    price = trigger_reference(request, quote=face.market.quotes[request.symbol])
    is_rising = request.trigger_price > price
    is_natural = natural_condition(request.side, is_rising=is_rising) == condition
    name = _client_id(call, condition, is_natural=is_natural)
    return msgspec.structs.replace(request, is_rising=is_rising, client_id=name)


def find(call: Call) -> Order:
    found = call.account.order(order_number(call.params.get("order_id", "")))
    if found is None:
        raise Refused(Refusal.NOT_FOUND)
    return found


def cancel(face: "OrangeXFace", call: Call) -> Row:
    order = find(call)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return {"order_id": order_id(order.id)}


def cancel_by_instrument(face: "OrangeXFace", call: Call) -> int:
    return _cancel(face, call, [symbol_of(call)])


def cancel_by_currency(face: "OrangeXFace", call: Call) -> int:
    return _cancel(face, call, LISTS.get(call.params.get("currency", ""), ()))


def _cancel(face: "OrangeXFace", call: Call, symbols: Collection[str]) -> int:
    """How many. Those that wait for a trigger are left."""
    orders = [
        order for order in call.account.open_orders.values() if order.request.symbol in symbols and order.is_active
    ]
    for order in orders:
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]
    return len(orders)


def close_position(face: "OrangeXFace", call: Call) -> Row:
    """At the market, or at a price; of the first leg the symbol has."""
    symbol, amount, account = perpetual(call), number(call, "amount"), call.account
    held = [leg for leg in account.open_legs() if leg.symbol == symbol]
    if not held:
        raise Refused(Refusal.REDUCE_ONLY)
    leg, kind = held[0], word(call, "type", TYPES)
    request = Request(
        symbol=symbol,
        side=leg.side.exit_side,
        order_type=kind,
        quantity=amount or leg.quantity,
        client_id=unique_id("", "NORMAL", account.last_id + 1),
        price=number(call, "price") if kind is OrderType.LIMIT else None,
        time_in_force=_force(call, kind),
        is_reduce_only=True,
        leg=leg.side if account.position_mode is PositionMode.HEDGE else None,
    )
    return {"order": {"order_id": _taken(face, call, request)}}
