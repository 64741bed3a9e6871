"""Binance's doors for plain orders and their trades."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.errors import BinanceError, missing
from apps.exchanges.paper.binance.market import integer, symbol_of
from apps.exchanges.paper.binance.rows import SYMBOLS, TIME_IN_FORCE, Row, order_row, trade_row, wire_id
from apps.exchanges.paper.face import Call, is_sane
from cts.domain.matching import engine
from cts.domain.matching.events import OrderUpdated
from cts.domain.matching.state import Account, Order, Request
from cts.domain.types import OrderType, PositionMode, PositionSide, Side, TimeInForce

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LEGS = {"BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
TIMES = {name: value for value, name in TIME_IN_FORCE.items()}
CONDITIONAL = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
ID_MARKS = ".:/_-"
SPAN_MS = 7 * 86_400_000


def number(call: Call, name: str) -> Decimal | None:
    raw = call.params.get(name, "")
    if not raw:
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise missing(name) from None
    if not is_sane(value):
        raise missing(name)
    if value < 0:
        raise BinanceError(-4001 if name == "price" else -4003, f"{name} less than zero.")
    return value


def is_true(call: Call, name: str) -> bool:
    return call.params.get(name, "").lower() == "true"


def client_id_of(call: Call, name: str) -> str:
    given = call.params.get(name, "")
    if len(given) > 36 or (given and not given.translate({ord(mark): "" for mark in ID_MARKS}).isalnum()):
        raise BinanceError(-4015, "Client order id is not valid.")
    return given or f"paper{call.account.number}x{call.account.last_id + 1}"


def side_of(call: Call) -> Side:
    found = SIDES.get(call.params.get("side", ""))
    if found is None:
        raise BinanceError(-1117, "Invalid side.") if call.params.get("side") else missing("side")
    return found


def leg_of(call: Call) -> PositionSide | None:
    wanted = call.params.get("positionSide", "BOTH")
    if wanted not in LEGS:
        raise BinanceError(-4060, "Invalid position side.")
    leg = LEGS[wanted]
    if leg is not None and call.account.position_mode is PositionMode.HEDGE and is_true(call, "reduceOnly"):
        raise BinanceError(-1106, "Parameter 'reduceonly' sent when not required.")
    return leg


def time_in_force(call: Call, order_type: OrderType) -> TimeInForce:
    wanted = call.params.get("timeInForce", "")
    if order_type is OrderType.MARKET:
        return TimeInForce.IOC
    if not wanted:
        raise missing("timeInForce")
    if wanted not in TIMES:
        raise BinanceError(-1115, "Invalid timeInForce.")
    return TIMES[wanted]


def create(face: "BinanceFace", call: Call) -> object:
    request = _request(call)
    events = face.act(
        call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
    )
    first = events[0]
    assert isinstance(first, OrderUpdated)
    order = first.order
    if call.params.get("newOrderRespType") == "RESULT":
        order = call.account.order(order.id) or order
    return _without_time(order_row(order))


def test(face: "BinanceFace", call: Call) -> object:
    _request(call)
    return {}


def _request(call: Call) -> Request:
    symbol = symbol_of(call)
    kind = call.params.get("type", "")
    if kind in CONDITIONAL:
        raise BinanceError(
            -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        )
    if kind not in ("LIMIT", "MARKET"):
        raise BinanceError(-1116, "Invalid orderType.") if kind else missing("type")
    order_type = OrderType.LIMIT if kind == "LIMIT" else OrderType.MARKET
    quantity, price = number(call, "quantity"), number(call, "price")
    if quantity is None:
        raise missing("quantity")
    return Request(
        symbol=symbol,
        side=side_of(call),
        order_type=order_type,
        quantity=quantity,
        client_id=client_id_of(call, "newClientOrderId"),
        price=price if order_type is OrderType.LIMIT else None,
        time_in_force=time_in_force(call, order_type),
        is_reduce_only=is_true(call, "reduceOnly"),
        leg=leg_of(call),
    )


def _without_time(row: Row) -> Row:
    """The answer to a write has no `time`, only `updateTime`."""
    return {name: value for name, value in row.items() if name != "time"}


def _in_book(account: Account) -> list[Order]:
    """Plain orders, and conditional ones from the moment they were set off."""
    known = [*account.closed_orders.values(), *account.open_orders.values()]
    return [o for o in known if not o.request.is_spot and (not o.is_conditional or o.triggered_id)]


def find(call: Call, *, code: int, message: str) -> Order:
    wanted, client_id = call.params.get("orderId"), call.params.get("origClientOrderId")
    if not wanted and not client_id:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    symbol = symbol_of(call)
    # Newest first: a client id may have served an earlier order that is closed by now.
    for order in reversed(_in_book(call.account)):
        is_meant = str(wire_id(order)) == wanted if wanted else order.request.client_id == client_id
        if is_meant and order.request.symbol == symbol:
            return order
    raise BinanceError(code, message)


def query(face: "BinanceFace", call: Call) -> object:
    return order_row(find(call, code=-2013, message="Order does not exist."))


def cancel(face: "BinanceFace", call: Call) -> object:
    order = find(call, code=-2011, message="Unknown order sent.")
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return _without_time(order_row(order))


def amend(face: "BinanceFace", call: Call) -> object:
    order = find(call, code=-2013, message="Order does not exist.")
    quantity, price = number(call, "quantity"), number(call, "price")
    if quantity is None or price is None:
        raise missing("quantity" if quantity is None else "price")
    if order.request.order_type is not OrderType.LIMIT:
        raise BinanceError(-5029, "Only LIMIT order is supported.")
    face.act(
        call.who,
        lambda: engine.amend(
            call.account, venue=face.venue, order_id=order.id, now_ms=call.now_ms, quantity=quantity, price=price
        ),
    )
    return _without_time(order_row(order))


def open_orders(face: "BinanceFace", call: Call) -> object:
    symbol = SYMBOLS.get(call.params.get("symbol", ""))
    orders = [order for order in _in_book(call.account) if order.status.is_open]
    return [order_row(order) for order in orders if symbol in (None, order.request.symbol)]


def cancel_all(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    for order in [o for o in _in_book(call.account) if o.status.is_open and o.request.symbol == symbol]:
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def window(call: Call) -> tuple[int, int]:
    """Seven days at most; without times the newest seven."""
    start, end = integer(call, "startTime", 0), integer(call, "endTime", 0)
    if start and end and end - start > SPAN_MS:
        raise BinanceError(-4166, "Search window is restricted to recent 7 days only.")
    end = end or (start + SPAN_MS if start else call.now_ms + 1000)
    return start or end - SPAN_MS, end


def all_orders(face: "BinanceFace", call: Call) -> object:
    """Ascending by id; from `orderId` on, or the newest of the window."""
    symbol = symbol_of(call)
    start, end = window(call)
    first = integer(call, "orderId", 0)
    limit = integer(call, "limit", 500, high=1000)
    found = [
        order
        for order in sorted(_in_book(call.account), key=wire_id)
        if order.request.symbol == symbol and (wire_id(order) >= first if first else start <= order.created_ms <= end)
    ]
    is_forward = first or call.params.get("startTime")
    return [order_row(order) for order in (found[:limit] if is_forward else found[-limit:])]


def user_trades(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    first = integer(call, "fromId", 0)
    if first and (call.params.get("startTime") or call.params.get("endTime")):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    start, end = window(call)
    limit = integer(call, "limit", 500, high=1000)
    rows = [
        trade_row(call.account, fill)
        for fill in call.account.fills
        if fill.symbol == symbol and (fill.id >= first if first else start <= fill.at_ms <= end)
    ]
    if wanted := call.params.get("orderId"):
        rows = [row for row in rows if str(row["orderId"]) == wanted]
    is_forward = first or call.params.get("startTime")
    return rows[:limit] if is_forward else rows[-limit:]
