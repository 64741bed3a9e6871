"""Binance's doors for conditional orders, which live apart from the book until they are set off."""

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.errors import BinanceError, missing
from apps.exchanges.paper.binance.market import integer, symbol_of
from apps.exchanges.paper.binance.rows import SYMBOLS, algo_row
from apps.exchanges.paper.binance.trade import client_id_of, is_true, leg_of, number, side_of, time_in_force, window
from apps.exchanges.paper.face import Call
from cts.domain.matching import engine
from cts.domain.matching.events import OrderUpdated
from cts.domain.matching.state import Account, Order, Request, TriggerBy
from cts.domain.types import OrderType, Side

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

# What it becomes when set off, and whether it takes profit.
TYPES = {
    "STOP_MARKET": (OrderType.MARKET, False),
    "TAKE_PROFIT_MARKET": (OrderType.MARKET, True),
    "STOP": (OrderType.LIMIT, False),
    "TAKE_PROFIT": (OrderType.LIMIT, True),
    "TRAILING_STOP_MARKET": (OrderType.MARKET, False),
}
WORKING = {"CONTRACT_PRICE": TriggerBy.LAST, "MARK_PRICE": TriggerBy.MARK}


def create(face: "BinanceFace", call: Call) -> object:
    request = _request(call)
    events = face.act(
        call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
    )
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return algo_row(first.order)


def _request(call: Call) -> Request:
    symbol = symbol_of(call)
    if call.params.get("algoType") != "CONDITIONAL":
        raise missing("algoType")
    kind = call.params.get("type", "")
    if kind not in TYPES:
        raise BinanceError(-1116, "Invalid orderType.") if kind else missing("type")
    order_type, is_target = TYPES[kind]
    side = side_of(call)
    is_closing = is_true(call, "closePosition")
    is_trailing = kind == "TRAILING_STOP_MARKET"
    quantity, trigger_price = number(call, "quantity"), number(call, "activatePrice" if is_trailing else "triggerPrice")
    ratio = _trail_ratio(call) if is_trailing else None
    if is_closing and (quantity is not None or is_true(call, "reduceOnly")):
        raise BinanceError(-4136, "Target strategy invalid for orderType with closePosition.")
    if trigger_price is None and not is_trailing:
        raise missing("triggerPrice")
    if quantity is None and not is_closing:
        raise missing("quantity")
    working = call.params.get("workingType", "CONTRACT_PRICE")
    if working not in WORKING:
        raise BinanceError(-1102, "Mandatory parameter 'workingType' was malformed.")
    return Request(
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=quantity or Decimal(0),
        client_id=client_id_of(call, "clientAlgoId"),
        price=number(call, "price") if order_type is OrderType.LIMIT else None,
        time_in_force=time_in_force(call, order_type),
        trigger_price=trigger_price,
        trigger_by=WORKING[working],
        trail_ratio=ratio,
        is_rising=(side is Side.BUY) != is_target,
        is_reduce_only=is_true(call, "reduceOnly") or is_closing,
        is_close_position=is_closing,
        leg=leg_of(call),
    )


def _trail_ratio(call: Call) -> Decimal:
    """A percentage from a tenth to ten, in tenths."""
    percent = number(call, "callbackRate")
    if percent is None:
        raise missing("callbackRate")
    if not Decimal("0.1") <= percent <= 10 or percent % Decimal("0.1"):
        raise BinanceError(-2007, "Invalid callBack rate.")
    return percent / 100


def _conditional(account: Account) -> list[Order]:
    known = [*account.closed_orders.values(), *account.open_orders.values()]
    return [order for order in known if order.is_conditional and not order.request.is_spot]


def _find(call: Call, *, code: int, message: str) -> Order:
    wanted, client_id = call.params.get("algoId"), call.params.get("clientAlgoId")
    if not wanted and not client_id:
        raise BinanceError(-1102, "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!")
    for order in reversed(_conditional(call.account)):
        if str(order.id) == wanted or (not wanted and order.request.client_id == client_id):
            return order
    raise BinanceError(code, message)


def query(face: "BinanceFace", call: Call) -> object:
    return algo_row(_find(call, code=-2013, message="Order does not exist."))


def cancel(face: "BinanceFace", call: Call) -> object:
    order = _find(call, code=-2011, message="Unknown order sent.")
    if order.triggered_id:
        raise BinanceError(-2011, "Unknown order sent.")
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return {"algoId": order.id, "clientAlgoId": order.request.client_id, "code": "200", "msg": "success"}


def _waiting(call: Call, symbol: str | None) -> list[Order]:
    orders = [order for order in _conditional(call.account) if order.status.is_open and not order.triggered_id]
    return [order for order in orders if symbol in (None, order.request.symbol)]


def open_orders(face: "BinanceFace", call: Call) -> object:
    orders = _waiting(call, SYMBOLS.get(call.params.get("symbol", "")))
    if wanted := call.params.get("algoId"):
        orders = [order for order in orders if str(order.id) == wanted]
    return [algo_row(order) for order in orders]


def cancel_all(face: "BinanceFace", call: Call) -> object:
    for order in _waiting(call, symbol_of(call)):
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def all_orders(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    start, end = window(call)
    limit = integer(call, "limit", 500, high=1000)
    found = [
        order
        for order in sorted(_conditional(call.account), key=lambda order: order.id)
        if order.request.symbol == symbol and start <= order.created_ms <= end
    ]
    return [algo_row(order) for order in found[-limit:]]
