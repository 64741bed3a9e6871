"""Binance's doors for spot orders and the spot account."""

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.errors import BinanceError, missing
from apps.exchanges.paper.binance.market import integer
from apps.exchanges.paper.binance.rows import POLICY, Row
from apps.exchanges.paper.binance.spot_market import DAY_MS, symbol_of, symbols_of
from apps.exchanges.paper.binance.spot_rows import (
    REFUSALS,
    SPOT_NAMES,
    SPOT_RULES,
    balances,
    order_row,
    trade_row,
)
from apps.exchanges.paper.binance.trade import SIDES, client_id_of, number
from apps.exchanges.paper.face import Call
from cts.domain.matching import engine
from cts.domain.matching.events import Event, OrderUpdated, Refused
from cts.domain.matching.state import Order, Request
from cts.domain.types import OrderType, Side, TimeInForce
from cts.domain.units import decimal_text as text
from cts.domain.units import floor_to_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.exchanges.paper.binance.face import BinanceFace

# What it is when it reaches the book, whether it waits, and whether it then takes profit.
TYPES = {
    "LIMIT": (OrderType.LIMIT, False, False),
    "LIMIT_MAKER": (OrderType.LIMIT, False, False),
    "MARKET": (OrderType.MARKET, False, False),
    "STOP_LOSS": (OrderType.MARKET, True, False),
    "STOP_LOSS_LIMIT": (OrderType.LIMIT, True, False),
    "TAKE_PROFIT": (OrderType.MARKET, True, True),
    "TAKE_PROFIT_LIMIT": (OrderType.LIMIT, True, True),
}
TIMES = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def account(face: "BinanceFace", call: Call) -> object:
    rows = [
        {"asset": asset, "free": text(free), "locked": text(locked)} for asset, free, locked in balances(call.account)
    ]
    if call.params.get("omitZeroBalances", "").lower() == "true":
        rows = [row for row in rows if Decimal(row["free"]) or Decimal(row["locked"])]
    maker, taker = text(POLICY.spot_maker_fee_rate), text(POLICY.spot_taker_fee_rate)
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": maker, "taker": taker, "buyer": "0", "seller": "0"},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.now_ms,
        "accountType": "SPOT",
        "balances": rows,
        "permissions": ["SPOT"],
        "uid": call.account.number,
    }


# --- orders ---------------------------------------------------------------------------------------------------------------
def create(face: "BinanceFace", call: Call) -> object:
    request = _request(face, call)
    events = _act(face, call, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms))
    first = events[0]
    assert isinstance(first, OrderUpdated)
    order = call.account.order(first.order.id) or first.order
    head = {
        "symbol": SPOT_NAMES[request.symbol],
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": request.client_id,
        "transactTime": call.now_ms,
    }
    wanted = call.params.get("newOrderRespType", "FULL" if request.trigger_price is None else "ACK")
    if wanted == "ACK":
        return head
    row = {name: value for name, value in order_row(order).items() if name not in ("time", "updateTime", "isWorking")}
    fills = [trade_row(fill) for fill in call.account.fills if fill.order_id == order.id]
    told = [{"price": f["price"], "qty": f["qty"], "commission": f["commission"],
             "commissionAsset": f["commissionAsset"], "tradeId": f["id"]} for f in fills]  # fmt: skip
    return head | row | ({"fills": told} if wanted == "FULL" else {})


def test(face: "BinanceFace", call: Call) -> object:
    _request(face, call)
    return {}


def _act(face: "BinanceFace", call: Call, verb: "Callable[[], list[Event]]") -> list[Event]:
    try:
        return face.act(call.who, verb)
    except Refused as refused:
        if told := REFUSALS.get(refused.reason):
            raise BinanceError(*told) from None
        raise


def _request(face: "BinanceFace", call: Call) -> Request:
    symbol, kind, side = symbol_of(call), call.params.get("type", ""), SIDES.get(call.params.get("side", ""))
    if kind not in TYPES:
        raise BinanceError(-1116, "Invalid orderType.") if kind else missing("type")
    if side is None:
        raise BinanceError(-1117, "Invalid side.")
    order_type, is_waiting, is_target = TYPES[kind]
    trigger_price = number(call, "stopPrice")
    if is_waiting is (trigger_price is None):
        raise (
            missing("stopPrice") if is_waiting else BinanceError(-1106, "Parameter 'stopPrice' sent when not required.")
        )
    return Request(
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=_quantity(face, call, symbol),
        client_id=client_id_of(call, "newClientOrderId"),
        price=number(call, "price") if order_type is OrderType.LIMIT else None,
        time_in_force=_time_in_force(call, kind, order_type),
        trigger_price=trigger_price,
        is_rising=is_waiting and (side is Side.BUY) != is_target,
    )


def _quantity(face: "BinanceFace", call: Call, symbol: str) -> Decimal:
    quantity, cost = number(call, "quantity"), number(call, "quoteOrderQty")
    if quantity is None and cost is not None:
        quantity = floor_to_step(cost / face.market.quotes[symbol].ask, SPOT_RULES[symbol].lot_step)
    if quantity is None:
        raise missing("quantity")
    return quantity


def _time_in_force(call: Call, kind: str, order_type: OrderType) -> TimeInForce:
    wanted = call.params.get("timeInForce", "")
    if order_type is OrderType.MARKET:
        return TimeInForce.IOC
    if kind == "LIMIT_MAKER":
        return TimeInForce.POST_ONLY
    if wanted not in TIMES:
        raise BinanceError(-1115, "Invalid timeInForce.") if wanted else missing("timeInForce")
    return TIMES[wanted]


def _orders(call: Call) -> list[Order]:
    known = [*call.account.closed_orders.values(), *call.account.open_orders.values()]
    return [order for order in known if order.request.is_spot]


def _find(call: Call, *, code: int, message: str) -> Order:
    wanted, client_id = call.params.get("orderId"), call.params.get("origClientOrderId")
    if not wanted and not client_id:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    symbol = symbol_of(call)
    for order in reversed(_orders(call)):
        is_meant = str(order.id) == wanted if wanted else order.request.client_id == client_id
        if is_meant and order.request.symbol == symbol:
            return order
    raise BinanceError(code, message)


def query(face: "BinanceFace", call: Call) -> object:
    return order_row(_find(call, code=-2013, message="Order does not exist."))


def _canceled(face: "BinanceFace", call: Call, order: Order) -> Row:
    _act(face, call, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return order_row(order) | {"origClientOrderId": order.request.client_id, "transactTime": call.now_ms}


def cancel(face: "BinanceFace", call: Call) -> object:
    return _canceled(face, call, _find(call, code=-2011, message="Unknown order sent."))


def cancel_all(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    found = [order for order in _orders(call) if order.status.is_open and order.request.symbol == symbol]
    if not found:
        raise BinanceError(-2011, "Unknown order sent.")
    return [_canceled(face, call, order) for order in found]


def open_orders(face: "BinanceFace", call: Call) -> object:
    symbols = symbols_of(call)
    return [order_row(order) for order in _orders(call) if order.status.is_open and order.request.symbol in symbols]


def _window(call: Call) -> tuple[int, int]:
    """A day at most; without times all there is."""
    start, end = integer(call, "startTime", 0), integer(call, "endTime", 0)
    if start and end and end - start > DAY_MS:
        raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")
    return start, end or (start + DAY_MS if start else call.now_ms + 1000)


def all_orders(face: "BinanceFace", call: Call) -> object:
    symbol, (start, end), first = symbol_of(call), _window(call), integer(call, "orderId", 0)
    found = [order for order in sorted(_orders(call), key=lambda order: order.id) if order.request.symbol == symbol]
    found = [order for order in found if (order.id >= first if first else start <= order.created_ms <= end)]
    return [order_row(order) for order in found[-integer(call, "limit", 500, high=1000) :]]


def my_trades(face: "BinanceFace", call: Call) -> object:
    symbol, first, wanted = symbol_of(call), integer(call, "fromId", 0), call.params.get("orderId", "")
    if (first or wanted) and (call.params.get("startTime") or call.params.get("endTime")):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    start, end = _window(call)
    fills = [fill for fill in call.account.fills if fill.symbol == symbol and wanted in ("", str(fill.order_id))]
    fills = [fill for fill in fills if (fill.id >= first if first else start <= fill.at_ms <= end)]
    limit = integer(call, "limit", 500, high=1000)
    is_forward = first or call.params.get("startTime")
    return [trade_row(fill) for fill in (fills[:limit] if is_forward else fills[-limit:])]
