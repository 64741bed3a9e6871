"""Pionex's doors for spot orders and the spot account. Limit and market orders, and a flag for what isn't to wait."""

import copy
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Call, Params
from apps.exchanges.paper.pionex.errors import PionexError, parameter
from apps.exchanges.paper.pionex.market import listed
from apps.exchanges.paper.pionex.rows import SIDES, Row, own_id, wire_id
from apps.exchanges.paper.pionex.spot_rows import (
    AMOUNT,
    SPOT_RULES,
    SPOT_SYMBOLS,
    balance_rows,
    fill_row,
    order_row,
)
from apps.exchanges.paper.pionex.trade import CLIENT_ID, CLIENT_ID_MS, integer, number, orders_in, taken
from cts.domain.matching import engine
from cts.domain.matching.events import Refusal, Refused
from cts.domain.matching.state import Order, Request
from cts.domain.types import OrderType, Side, TimeInForce
from cts.domain.units import floor_to_step

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

FILLS_MAX = 100


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if not name:
        raise parameter("symbol")
    if name not in SPOT_SYMBOLS:
        raise PionexError("TRADE_INVALID_SYMBOL", "Invalid symbol")
    return SPOT_SYMBOLS[name]


def balances(face: "PionexFace", call: Call) -> Row:
    return {"balances": balance_rows(call.account)}


# --- orders -------------------------------------------------------------------------------------------------------------
def create(face: "PionexFace", call: Call) -> Row:
    request = _request(face, call, symbol_of(call), call.params)
    return {"orderId": taken(face, call, request), "clientOrderId": call.params.get("clientOrderId", "")}


def create_many(face: "PionexFace", call: Call) -> Row:
    """Limit orders; all or none."""
    symbol, orders = symbol_of(call), orders_in(call)
    if any(params.get("type") != "LIMIT" for params in orders):
        raise parameter("type")
    requests = [_request(face, call, symbol, params) for params in orders]
    trial = copy.deepcopy(call.account)
    for request in requests:
        engine.place(trial, venue=face.venue, request=request, now_ms=call.now_ms)
    ids = [taken(face, call, request) for request in requests]
    rows = zip(ids, orders, strict=True)
    return {"orderIds": [{"orderId": id_, "clientOrderId": params.get("clientOrderId", "")} for id_, params in rows]}


def _request(face: "PionexFace", call: Call, symbol: str, params: Params) -> Request:
    side, kind = SIDES.get(params.get("side", "")), params.get("type", "")
    if side is None or kind not in ("LIMIT", "MARKET"):
        raise parameter("side" if side is None else "type")
    client_id = params.get("clientOrderId", "")
    if client_id and CLIENT_ID(client_id) is None:
        raise parameter("clientOrderId")
    is_market, amount = kind == "MARKET", number(params, "amount")
    is_by_amount = is_market and side is Side.BUY
    size = _bought_for(face, symbol, amount) if is_by_amount else number(params, "size")
    if size is None:
        raise parameter("amount" if is_by_amount else "size")
    is_immediate = is_market or params.get("IOC") == "true"
    return Request(
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=size,
        client_id=client_id or f"venue-{call.account.last_id + 1}",
        price=None if is_market else number(params, "price"),
        time_in_force=TimeInForce.IOC if is_immediate else TimeInForce.GTC,
        attached_as=f"{AMOUNT}{params['amount']}" if is_by_amount else "",
    )


def _bought_for(face: "PionexFace", symbol: str, amount: Decimal | None) -> Decimal | None:
    if amount is None:
        return None
    return floor_to_step(amount / face.market.quotes[symbol].ask, SPOT_RULES[symbol].lot_step)


def _spot(order: Order | None) -> Order:
    if order is None or not order.request.is_spot:
        raise Refused(Refusal.NOT_FOUND)
    return order


def _by_id(call: Call) -> Order:
    if not call.params.get("orderId"):
        raise parameter("orderId")
    return _spot(call.account.order(own_id(integer(call, "orderId", 0))))


def query(face: "PionexFace", call: Call) -> Row:
    return order_row(_by_id(call))


def query_by_client_id(face: "PionexFace", call: Call) -> Row:
    if not call.params.get("clientOrderId"):
        raise parameter("clientOrderId")
    order = _spot(call.account.order_by_client_id(call.params["clientOrderId"]))
    if call.now_ms - order.created_ms > CLIENT_ID_MS:
        raise Refused(Refusal.NOT_FOUND)
    return order_row(order)


def cancel(face: "PionexFace", call: Call) -> None:
    symbol, order = symbol_of(call), _by_id(call)
    if order.request.symbol != symbol:
        raise Refused(Refusal.NOT_FOUND)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))


def cancel_all(face: "PionexFace", call: Call) -> None:
    for order in _open_in(call, symbol_of(call)):
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]


# --- lists --------------------------------------------------------------------------------------------------------------
def _open_in(call: Call, symbol: str) -> list[Order]:
    return [order for order in call.account.open_orders.values() if order.request.symbol == symbol]


def _newest(orders: list[Order]) -> list[Order]:
    return sorted(orders, key=lambda order: (order.created_ms, order.id), reverse=True)


def open_orders(face: "PionexFace", call: Call) -> Row:
    return {"orders": listed([order_row(order) for order in _newest(_open_in(call, symbol_of(call)))])}


def all_orders(face: "PionexFace", call: Call) -> Row:
    """Open and closed."""
    symbol = symbol_of(call)
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    closed = [order for order in call.account.closed_orders.values() if order.request.symbol == symbol]
    found = [order for order in _open_in(call, symbol) + closed if start <= order.created_ms <= end]
    return {"orders": listed([order_row(order) for order in _newest(found)[: integer(call, "limit", 50, high=200)]])}


def fills(face: "PionexFace", call: Call) -> Row:
    """Newest first, a hundred at most."""
    symbol = symbol_of(call)
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    found = [fill for fill in call.account.fills if fill.symbol == symbol and start <= fill.at_ms <= end]
    return {"fills": listed([fill_row(fill) for fill in reversed(found)][:FILLS_MAX])}


def fills_of_order(face: "PionexFace", call: Call) -> Row:
    """Of an order nobody knows none; `fromId` gives those before it."""
    if not call.params.get("orderId"):
        raise parameter("orderId")
    order_id, before = own_id(integer(call, "orderId", 0)), integer(call, "fromId", 10**18)
    rules = SPOT_RULES
    found = [
        fill
        for fill in call.account.fills
        if fill.symbol in rules and fill.order_id == order_id and wire_id(fill.id) < before
    ]
    return {"fills": listed([fill_row(fill) for fill in reversed(found)][:FILLS_MAX])}
