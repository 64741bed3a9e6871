"""BingX's doors for spot orders and the spot account."""

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.errors import invalid
from apps.exchanges.paper.bingx.market import integer
from apps.exchanges.paper.bingx.rows import KEPT_APART, POLICY, Row, order_number
from apps.exchanges.paper.bingx.spot_market import symbol_of, symbols_of
from apps.exchanges.paper.bingx.spot_rows import SPOT_RULES, ack_row, balances, kind, order_row, status_of, trade_row
from apps.exchanges.paper.bingx.trade import TIMES, number, side_of
from apps.exchanges.paper.face import Call
from cts.domain.matching import engine
from cts.domain.matching.events import OrderUpdated, Refusal, Refused
from cts.domain.matching.state import Order, Request
from cts.domain.types import OrderType, Side, TimeInForce
from cts.domain.units import decimal_text as text
from cts.domain.units import floor_to_step

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

# What it is when it reaches the book, and whether it waits. The two that wait match alike: from whichever side the price
# has to come, and with nothing set aside before.
TYPES = {
    "LIMIT": (OrderType.LIMIT, False),
    "MARKET": (OrderType.MARKET, False),
    "TAKE_STOP_LIMIT": (OrderType.LIMIT, True),
    "TAKE_STOP_MARKET": (OrderType.MARKET, True),
    "TRIGGER_LIMIT": (OrderType.LIMIT, True),
    "TRIGGER_MARKET": (OrderType.MARKET, True),
}


def balance(face: "BingxFace", call: Call) -> object:
    rows = [
        {"asset": asset, "free": text(free), "locked": text(locked)} for asset, free, locked in balances(call.account)
    ]
    return {"balances": rows}


def commission_rate(face: "BingxFace", call: Call) -> object:
    symbol_of(call)
    taker, maker = float(POLICY.spot_taker_fee_rate), float(POLICY.spot_maker_fee_rate)
    return {"takerCommissionRate": taker, "makerCommissionRate": maker}


def create(face: "BingxFace", call: Call) -> object:
    request = _request(face, call)
    events = face.act(
        call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
    )
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return ack_row(call.account.order(first.order.id) or first.order, at_ms=call.now_ms)


def _request(face: "BingxFace", call: Call) -> Request:
    symbol, side, wanted = symbol_of(call), side_of(call), call.params.get("type", "")
    if wanted not in TYPES:
        raise invalid("type")
    order_type, is_waiting = TYPES[wanted]
    trigger = number(call, "stopPrice") if is_waiting else None
    if is_waiting and trigger is None:
        raise invalid("stopPrice")
    return Request(
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=_quantity(face, call, symbol),
        client_id=_client_id(call, "newClientOrderId") or f"{KEPT_APART}{call.account.last_id + 1}",
        price=number(call, "price") if order_type is OrderType.LIMIT else None,
        time_in_force=_time_in_force(call, order_type),
        trigger_price=trigger,
        is_rising=trigger is not None and trigger > face.market.quotes[symbol].last,
        # What the venue calls it; nothing hangs on a position here.
        attached_as=wanted if is_waiting else "",
    )


def _quantity(face: "BingxFace", call: Call, symbol: str) -> Decimal:
    """In base; without it, what an amount of quote buys or sells for at market."""
    quantity, cost = number(call, "quantity"), number(call, "quoteOrderQty")
    if quantity is None and cost is not None:
        quote = face.market.quotes[symbol]
        price = quote.ask if side_of(call) is Side.BUY else quote.bid
        quantity = floor_to_step(cost / price, SPOT_RULES[symbol].lot_step)
    if quantity is None:
        raise invalid("quantity")
    return quantity


def _time_in_force(call: Call, order_type: OrderType) -> TimeInForce:
    wanted = call.params.get("timeInForce") or "GTC"
    if wanted not in TIMES:
        raise invalid("timeInForce")
    return TIMES[wanted] if order_type is OrderType.LIMIT else TimeInForce.IOC


def _client_id(call: Call, name: str) -> str:
    """Letters, digits and underscores, up to forty."""
    given = call.params.get(name, "")
    if given and (len(given) > 40 or not given.isascii() or not given.replace("_", "").isalnum()):
        raise invalid(name)
    return given


def _orders(call: Call) -> list[Order]:
    known = [*call.account.closed_orders.values(), *call.account.open_orders.values()]
    return [order for order in known if order.request.is_spot]


def find(call: Call) -> Order:
    raw, client = call.params.get("orderId", ""), _client_id(call, "clientOrderID")
    if not raw and not client:
        raise invalid("orderId")
    found = call.account.order(order_number(raw)) if raw else call.account.order_by_client_id(client)
    if found is None or found.request.symbol != symbol_of(call):
        raise Refused(Refusal.NOT_FOUND)
    return found


def query(face: "BingxFace", call: Call) -> object:
    return order_row(find(call))


def _canceled(face: "BingxFace", call: Call, order: Order) -> Row:
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return ack_row(order, at_ms=call.now_ms)


def cancel(face: "BingxFace", call: Call) -> object:
    return _canceled(face, call, find(call))


def cancel_all(face: "BingxFace", call: Call) -> object:
    symbols = symbols_of(call)
    found = [order for order in _orders(call) if order.status.is_open and order.request.symbol in symbols]
    return {"orders": [_canceled(face, call, order) for order in found]}


def open_orders(face: "BingxFace", call: Call) -> object:
    symbols = symbols_of(call)
    found = [order for order in _orders(call) if order.status.is_open and order.request.symbol in symbols]
    return {"orders": [order_row(order) for order in found]}


def history(face: "BingxFace", call: Call) -> object:
    """What is over, newest first, page by page."""
    symbols, first = symbols_of(call), order_number(call.params.get("orderId", ""))
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms + 1000)
    size, page = integer(call, "pageSize", 100, high=100), integer(call, "pageIndex", 1, high=100)
    wanted, state = call.params.get("type", ""), call.params.get("status", "")
    found = [
        order
        for order in sorted(_orders(call), key=lambda order: -order.id)
        if not order.status.is_open
        and order.request.symbol in symbols
        and order.id >= first
        and start <= order.created_ms <= end
        and wanted in ("", kind(order))
        and state in ("", status_of(order))
    ]
    return {"orders": [order_row(order) for order in found[(page - 1) * size : page * size]], "total": len(found)}


def my_trades(face: "BingxFace", call: Call) -> object:
    """Oldest first; both bounds belong to the window. With no start, the newest."""
    symbol, wanted = symbol_of(call), call.params.get("orderId", "")
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms + 1000)
    limit, first = integer(call, "limit", 500, high=1000), integer(call, "fromId", 0)
    found = [
        fill
        for fill in call.account.fills
        if fill.symbol == symbol
        and start <= fill.at_ms <= end
        and fill.id >= first
        and (not wanted or fill.order_id == order_number(wanted))
    ]
    return {"fills": [trade_row(fill) for fill in (found[:limit] if start or first else found[-limit:])]}
