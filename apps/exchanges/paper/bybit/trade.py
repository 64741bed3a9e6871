"""Bybit's doors for orders and executions."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from apps.exchanges.paper.bybit.errors import BybitError, trigger_refusal
from apps.exchanges.paper.bybit.listing import RULES
from apps.exchanges.paper.bybit.market import category, symbol_of
from apps.exchanges.paper.bybit.rows import (
    TIME_IN_FORCE,
    Row,
    order_id,
    order_number,
)
from apps.exchanges.paper.face import Call, is_sane
from cts.domain.matching import engine
from cts.domain.matching.checks import trigger_reference
from cts.domain.matching.events import OrderUpdated, Refusal, Refused
from cts.domain.matching.state import Order, Request, TriggerBy
from cts.domain.types import OrderType, PositionSide, Side, TimeInForce
from cts.domain.units import floor_to_step

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
TYPES = {"Market": OrderType.MARKET, "Limit": OrderType.LIMIT}
TIMES = {name: value for value, name in TIME_IN_FORCE.items()}
TRIGGERS = {"": TriggerBy.LAST, "LastPrice": TriggerBy.LAST, "MarkPrice": TriggerBy.MARK, "IndexPrice": TriggerBy.MARK}
LEGS = {"0": None, "1": PositionSide.LONG, "2": PositionSide.SHORT}


def number(call: Call, name: str) -> Decimal | None:
    raw = call.params.get(name, "")
    if raw in ("", "0"):
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise BybitError(10001, f"params error: {name} invalid") from None
    if not is_sane(value) or value < 0:
        raise BybitError(10001, f"params error: {name} invalid")
    return value


def _is_true(call: Call, name: str) -> bool:
    return call.params.get(name, "").lower() == "true"


def create(face: "BybitFace", call: Call) -> Row:
    request = _request(face, call)
    try:
        events = face.act(
            call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
        )
    except Refused as refused:
        if refused.reason is Refusal.TRIGGER_SIDE:
            current = trigger_reference(request, quote=face.market.quotes[request.symbol])
            raise trigger_refusal(is_rising=request.is_rising, trigger=request.trigger_price, current=current) from None
        raise
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return {"orderId": order_id(first.order.id), "orderLinkId": call.params.get("orderLinkId", "")}


def _request(face: "BybitFace", call: Call) -> Request:
    symbol = symbol_of(call)
    trigger_price = number(call, "triggerPrice")
    direction = call.params.get("triggerDirection", "")
    last = face.market.quotes[symbol].last
    is_spot = category(call) == "spot"
    if trigger_price is not None and direction not in ("1", "2") and not is_spot:
        raise BybitError(10001, "params error: TriggerDirection invalid")
    client_id = call.params.get("orderLinkId", "")
    if len(client_id) > 36 or (not client_id.replace("-", "").replace("_", "").isalnum() and client_id):
        raise BybitError(10001, "params error: OrderLinkID invalid")
    order_type = TYPES.get(call.params.get("orderType", ""))
    side = SIDES.get(call.params.get("side", ""))
    if side is None or order_type is None:
        raise BybitError(10001, "params error: " + ("side invalid" if side is None else "OrderType invalid"))
    if call.params.get("positionIdx", "0") not in LEGS:
        raise BybitError(10001, "params error: position idx not match position mode")
    quantity = _quantity(face, call, symbol, is_buy_at_market=side is Side.BUY and order_type is OrderType.MARKET)
    return Request(
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=quantity,
        client_id=client_id or f"venue-{call.account.last_id + 1}",
        price=number(call, "price") if order_type is OrderType.LIMIT else None,
        time_in_force=_time_in_force(call, order_type),
        trigger_price=trigger_price,
        trigger_by=TRIGGERS.get(call.params.get("triggerBy", ""), TriggerBy.LAST),
        # Spot orders have no direction: the trigger lies on one side of the price, or on the other.
        is_rising=trigger_price is not None and (trigger_price > last if is_spot else direction == "1"),
        base_price=last if trigger_price is not None and is_spot else None,
        # Spot has no use for either, and says nothing.
        is_reduce_only=not is_spot and (_is_true(call, "reduceOnly") or _is_true(call, "closeOnTrigger")),
        leg=None if is_spot else LEGS[call.params.get("positionIdx", "0")],
    )


def _quantity(face: "BybitFace", call: Call, symbol: str, *, is_buy_at_market: bool) -> Decimal:
    """In base; a spot buy at market is in quote, unless it says otherwise."""
    quantity = number(call, "qty")
    if quantity is None:
        raise BybitError(10001, "params error: Qty invalid")
    if category(call) != "spot" or not is_buy_at_market or call.params.get("marketUnit") == "baseCoin":
        return quantity
    return floor_to_step(quantity / face.market.quotes[symbol].ask, RULES[symbol].lot_step)


def _time_in_force(call: Call, order_type: OrderType) -> TimeInForce:
    wanted = call.params.get("timeInForce") or "GTC"
    if wanted not in TIMES:
        raise BybitError(10001, "params error: TimeInForce invalid")
    return TimeInForce.IOC if order_type is OrderType.MARKET else TIMES[wanted]


def _find(call: Call) -> Order:
    if not call.params.get("orderId") and not call.params.get("orderLinkId"):
        raise BybitError(10001, "params error: OrderID or orderLinkID is required")
    found = None
    if wire_id := call.params.get("orderId"):
        found = call.account.order(order_number(wire_id))
    elif link_id := call.params.get("orderLinkId"):
        found = call.account.order_by_client_id(link_id)
    if found is None or found.request.symbol != symbol_of(call):
        raise Refused(Refusal.NOT_FOUND)
    return found


def acked(order: Order) -> Row:
    return {"orderId": order_id(order.id), "orderLinkId": order.request.client_id}


def cancel(face: "BybitFace", call: Call) -> Row:
    order = _find(call)
    if category(call) == "spot" and (call.params.get("orderFilter", "Order") == "Order") is not _is_in_book(order):
        raise Refused(Refusal.NOT_FOUND)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return acked(order)


def _is_in_book(order: Order) -> bool:
    return not order.is_conditional or order.triggered_ms > 0


def amend(face: "BybitFace", call: Call) -> Row:
    order = _find(call)
    face.act(
        call.who,
        lambda: engine.amend(
            call.account,
            venue=face.venue,
            order_id=order.id,
            now_ms=call.now_ms,
            quantity=number(call, "qty"),
            price=number(call, "price"),
            trigger_price=number(call, "triggerPrice"),
        ),
    )
    return acked(order)
