"""BingX's doors for orders, plain and conditional alike."""

from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.errors import BingxError, invalid
from apps.exchanges.paper.bingx.market import symbol_of
from apps.exchanges.paper.bingx.rows import (
    KEPT_APART,
    RULES,
    TIME_IN_FORCE,
    WORKING_TYPE,
    Row,
    client_id,
    order_number,
    order_row,
    wire_id,
)
from apps.exchanges.paper.face import Call, Member, is_sane
from cts.domain.matching import engine
from cts.domain.matching.events import OrderUpdated, Refusal, Refused
from cts.domain.matching.state import ZERO, BookStatus, Order, Request, TriggerBy
from cts.domain.types import OrderType, PositionMode, PositionSide, Side, TimeInForce

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LEGS = {"LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
TIMES = {name: value for value, name in TIME_IN_FORCE.items()}
TRIGGERS = {name: value for value, name in WORKING_TYPE.items()} | {"INDEX_PRICE": TriggerBy.MARK, "": TriggerBy.MARK}
LIMITS = frozenset({"LIMIT", "STOP", "TAKE_PROFIT", "TRIGGER_LIMIT"})
TRAILING = "TRAILING_STOP_MARKET"
CONDITIONAL = frozenset(
    {"STOP_MARKET", "TAKE_PROFIT_MARKET", "TRIGGER_MARKET", "STOP", "TAKE_PROFIT", "TRIGGER_LIMIT", TRAILING}
)


def number(call: Call, name: str) -> Decimal | None:
    raw = call.params.get(name, "")
    if raw in ("", "0"):
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise invalid(name) from None
    if not is_sane(value) or value < 0:
        raise invalid(name)
    return value


def _cut(value: Decimal | None, step: Decimal) -> Decimal | None:
    """What is more precise than the contract is cut off without a word."""
    return None if value is None else (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def is_true(call: Call, name: str) -> bool:
    return call.params.get(name, "").lower() == "true"


def given_client_id(call: Call) -> str:
    """Both spellings are in use; whichever it is, it is kept in lower case."""
    given = (call.params.get("clientOrderId") or call.params.get("clientOrderID") or "").lower()
    if given and (len(given) > 40 or not given.isascii() or not given.replace("-", "").replace("_", "").isalnum()):
        raise invalid("clientOrderId")
    return given


def create(face: "BingxFace", call: Call) -> object:
    order = place(face, call)
    return {"order": ack_row(order)}


def ack_row(order: Order) -> Row:
    """The number and its text, which readers that round numbers need. The client id has its older spelling here."""
    row = order_row(order, leverage=0)
    kept = ("symbol", "side", "positionSide", "type", "price", "stopPrice", "workingType", "timeInForce", "reduceOnly")
    return {
        **{name: row[name] for name in kept},
        "orderId": wire_id(order.id),
        "orderID": str(wire_id(order.id)),
        "quantity": row["origQty"],
        "clientOrderID": client_id(order),
        "status": "NEW",
    }


def place(face: "BingxFace", call: Call) -> Order:
    request = _request(face, call)
    events = face.act(
        call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
    )
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return first.order


def test(face: "BingxFace", call: Call) -> object:
    request = _request(face, call)
    order = Order(id=0, request=request, status=BookStatus.NEW, quantity=request.quantity, created_ms=0, updated_ms=0)
    return {"order": ack_row(order)}


def _trail_ratio(call: Call) -> Decimal:
    ratio = number(call, "priceRate")
    if ratio is None and number(call, "price") is not None:
        raise BingxError(109400, "a trailing distance as an amount is not simulated: give priceRate")
    if ratio is None:
        raise invalid("priceRate")
    return ratio


def _reference(face: "BingxFace", call: Call) -> Decimal:
    quote = face.market.quotes[symbol_of(call)]
    return quote.last if call.params.get("workingType") == "CONTRACT_PRICE" else quote.mark


def side_of(call: Call) -> Side:
    found = SIDES.get(call.params.get("side", ""))
    if found is None:
        raise invalid("side")
    return found


def leg_of(call: Call) -> PositionSide | None:
    """Without a word it is the long leg in hedge mode, and the one there is in one-way mode."""
    is_hedged = call.account.position_mode is PositionMode.HEDGE
    wanted = call.params.get("positionSide") or ("LONG" if is_hedged else "BOTH")
    if wanted not in ("BOTH", *LEGS):
        raise invalid("positionSide")
    if is_hedged != (wanted in LEGS):
        raise Refused(Refusal.POSITION_SIDE)
    if is_hedged and is_true(call, "reduceOnly"):
        raise BingxError(109400, "reduceOnly is only for the one-way mode")
    return LEGS.get(wanted)


def _request(face: "BingxFace", call: Call) -> Request:
    symbol, side, kind = symbol_of(call), side_of(call), call.params.get("type", "")
    if kind not in CONDITIONAL and kind not in ("LIMIT", "MARKET"):
        raise invalid("type")
    if call.params.get("stopLoss") or call.params.get("takeProfit"):
        raise BingxError(109400, "orders attached to an order are not simulated")
    rules, leg = RULES[symbol], leg_of(call)
    is_closing = is_true(call, "closePosition")
    quantity = _cut(number(call, "quantity"), rules.lot_step)
    if quantity is None and not (is_closing and kind in CONDITIONAL):
        raise invalid("quantity")
    if call.params.get("workingType", "") not in TRIGGERS:
        raise invalid("workingType")
    client = given_client_id(call)
    made = f"{kind}{KEPT_APART}{call.account.last_id + 1}"
    return Request(
        symbol=symbol,
        side=side,
        order_type=OrderType.LIMIT if kind in LIMITS else OrderType.MARKET,
        quantity=quantity or ZERO,
        # Of conditional orders no client id is kept.
        client_id=client if client and kind not in CONDITIONAL else KEPT_APART + made,
        price=_cut(number(call, "price"), rules.tick_size) if kind in LIMITS else None,
        time_in_force=_time_in_force(call, kind),
        trigger_price=_trigger(call, kind),
        trail_ratio=_trail_ratio(call) if kind == TRAILING else None,
        trigger_by=TRIGGERS[call.params.get("workingType", "")],
        is_rising=_is_rising(face, call, kind, side),
        is_reduce_only=is_true(call, "reduceOnly") or is_closing,
        is_close_position=is_closing,
        leg=leg,
    )


def _trigger(call: Call, kind: str) -> Decimal | None:
    if kind not in CONDITIONAL:
        return None
    tick = RULES[symbol_of(call)].tick_size
    if kind == TRAILING:
        return _cut(number(call, "activationPrice"), tick)
    found = _cut(number(call, "stopPrice"), tick)
    if found is None:
        raise invalid("stopPrice")
    return found


def _is_rising(face: "BingxFace", call: Call, kind: str, side: Side) -> bool:
    """Stops wait for a price that gets worse, targets for a better one, mere triggers for whichever it is."""
    if kind.startswith("TRIGGER"):
        return (number(call, "stopPrice") or ZERO) > _reference(face, call)
    return (side is Side.BUY) is not kind.startswith("TAKE_PROFIT")


def _time_in_force(call: Call, kind: str) -> TimeInForce:
    wanted = call.params.get("timeInForce") or "GTC"
    if wanted not in TIMES:
        raise invalid("timeInForce")
    return TIMES[wanted] if kind in LIMITS else TimeInForce.IOC


def find(call: Call) -> Order:
    raw, client = call.params.get("orderId", ""), given_client_id(call)
    if not raw and not client:
        raise invalid("orderId")
    found = call.account.order(order_number(raw)) if raw else call.account.order_by_client_id(client)
    if found is None or found.request.symbol != symbol_of(call):
        raise Refused(Refusal.NOT_FOUND)
    return found


def told(member: Member, order: Order) -> Row:
    return order_row(order, leverage=member.account.leverage(order.request.symbol))


def query(face: "BingxFace", call: Call) -> object:
    return {"order": told(call.who, find(call))}


def query_open(face: "BingxFace", call: Call) -> object:
    order = find(call)
    if not order.status.is_open:
        raise Refused(Refusal.NOT_FOUND)
    return {"order": told(call.who, order)}


def cancel(face: "BingxFace", call: Call) -> object:
    order = find(call)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return {"order": told(call.who, order)}


def amend(face: "BingxFace", call: Call) -> object:
    """The quantity, nothing else."""
    order, quantity = find(call), number(call, "quantity")
    if quantity is None:
        raise invalid("quantity")
    wanted = _cut(quantity, RULES[order.request.symbol].lot_step)
    face.act(
        call.who,
        lambda: engine.amend(
            call.account, venue=face.venue, order_id=order.id, now_ms=call.now_ms, quantity=wanted or ZERO
        ),
    )
    row = told(call.who, order)
    return {name: row[name] for name in ("symbol", "clientOrderId")} | {
        "orderId": str(row["orderId"]),
        "quantity": row["origQty"],
    }
