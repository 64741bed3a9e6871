"""Pionex's doors for orders and what became of them. Plain orders only: nothing conditional, nothing amended."""

import copy
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import orjson

from apps.exchanges.paper.face import Call, Params, is_sane
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS
from apps.exchanges.paper.pionex.account import symbol_of, symbol_or_none
from apps.exchanges.paper.pionex.errors import parameter
from apps.exchanges.paper.pionex.market import listed
from apps.exchanges.paper.pionex.rows import (
    FORCES,
    LEGS,
    SIDES,
    Row,
    fill_row,
    funding_row,
    order_row,
    own_id,
    wire_id,
)
from cts.domain.matching import engine
from cts.domain.matching.events import Event, OrderUpdated, Refusal, Refused
from cts.domain.matching.state import Account, EntryKind, Order, Request
from cts.domain.types import OrderType, PositionMode, TimeInForce

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

# A client id is known, and taken, for this long.
CLIENT_ID_MS = 2 * 3_600_000
BATCH_MAX = 20
CLIENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}").fullmatch


def number(params: Params, name: str) -> Decimal | None:
    """Zero counts as not given."""
    raw = params.get(name, "")
    try:
        value = Decimal(raw or "0")
    except InvalidOperation:
        raise parameter(name) from None
    if not is_sane(value) or value < 0:
        raise parameter(name)
    return value or None


def integer(call: Call, name: str, default: int, *, high: int = 10**18) -> int:
    raw = call.params.get(name, "")
    if raw in ("", "0"):
        return default
    if not raw.isascii() or not raw.isdigit() or int(raw) > high:
        raise parameter(name)
    return int(raw)


def create(face: "PionexFace", call: Call) -> Row:
    request = _request(call.account, symbol_of(call), call.params, kinds=(*FORCES, "MARKET_QTY"))
    return {"orderId": taken(face, call, request)}


def create_many(face: "PionexFace", call: Call) -> Row:
    """All or none: what one of them would be refused for refuses all."""
    symbol, orders = symbol_of(call), orders_in(call)
    requests = [_request(call.account, symbol, params, kinds=("LIMIT",)) for params in orders]
    trial = copy.deepcopy(call.account)
    for request in requests:
        engine.place(trial, venue=face.venue, request=request, now_ms=call.now_ms)
    ids = [taken(face, call, request) for request in requests]
    rows = zip(ids, orders, strict=True)
    return {"orderIds": [{"orderId": id_, "clientOrderId": params.get("clientOrderId", "")} for id_, params in rows]}


def orders_in(call: Call) -> list[Params]:
    found: Any = orjson.loads(call.request.body or b"{}").get("orders")
    if not isinstance(found, list) or not 0 < len(found) <= BATCH_MAX or not all(isinstance(o, dict) for o in found):
        raise parameter("orders")
    return [as_params(order) for order in found]


def as_params(body: dict[str, object]) -> Params:
    """Every value as text, as the doors take them."""
    return {str(name): _as_text(value) for name, value in body.items() if value is not None}


def _as_text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def taken(face: "PionexFace", call: Call, request: Request) -> int:
    """Its id, once it is in the books."""
    _forget(call.account, request.client_id, now_ms=call.now_ms)
    events: list[Event] = face.act(
        call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
    )
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return wire_id(first.order.id)


def _forget(account: Account, client_id: str, *, now_ms: int) -> None:
    known = account.order_by_client_id(client_id)
    if known and not known.status.is_open and now_ms - known.created_ms > CLIENT_ID_MS:
        del account.client_ids[client_id]


def _request(account: Account, symbol: str, params: Params, *, kinds: Iterable[str]) -> Request:
    side, kind = SIDES.get(params.get("side", "")), params.get("type", "")
    if side is None or kind not in kinds:
        raise parameter("side" if side is None else "type")
    client_id, position_side = params.get("clientOrderId", ""), params.get("positionSide") or "BOTH"
    if client_id and CLIENT_ID(client_id) is None:
        raise parameter("clientOrderId")
    is_hedged = account.position_mode is PositionMode.HEDGE
    is_reduce_only = params.get("reduceOnly") == "true"
    if position_side not in LEGS or (is_hedged and is_reduce_only):
        raise parameter("reduceOnly" if position_side in LEGS else "positionSide")
    size = number(params, "size")
    if size is None:
        raise parameter("size")
    is_market = kind == "MARKET_QTY"
    return Request(
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=size,
        client_id=client_id or f"venue-{account.last_id + 1}",
        price=None if is_market else number(params, "price"),
        time_in_force=TimeInForce.IOC if is_market else FORCES[kind],
        is_reduce_only=is_reduce_only,
        # In one-way mode the side of a position is taken for BOTH, whichever is named.
        leg=LEGS[position_side] if is_hedged else None,
    )


def _found(order: Order | None, *, symbol: str) -> Order:
    if order is None or order.request.symbol != symbol:
        raise Refused(Refusal.NOT_FOUND)
    return order


def _by_id(call: Call) -> Order:
    if not call.params.get("orderId"):
        raise parameter("orderId")
    return _found(call.account.order(own_id(integer(call, "orderId", 0))), symbol=symbol_of(call))


def query(face: "PionexFace", call: Call) -> Row:
    return order_row(call.account, _by_id(call))


def query_by_client_id(face: "PionexFace", call: Call) -> Row:
    """Only for a while after it was placed."""
    if not call.params.get("clientOrderId"):
        raise parameter("clientOrderId")
    order = _found(call.account.order_by_client_id(call.params["clientOrderId"]), symbol=symbol_of(call))
    if call.now_ms - order.created_ms > CLIENT_ID_MS:
        raise Refused(Refusal.NOT_FOUND)
    return order_row(call.account, order)


def cancel(face: "PionexFace", call: Call) -> None:
    order = _by_id(call)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))


def cancel_all(face: "PionexFace", call: Call) -> None:
    symbol = symbol_of(call)
    for order in [order for order in call.account.open_orders.values() if order.request.symbol == symbol]:
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]


def open_orders(face: "PionexFace", call: Call) -> Row:
    """The end doesn't belong to them, unlike elsewhere."""
    end = integer(call, "endTime", call.now_ms + 1)
    orders = [
        order for order in call.account.open_orders.values() if order.created_ms < end and not order.request.is_spot
    ]
    return _orders(call, orders, limit=integer(call, "limit", 100, high=500))


def history(face: "PionexFace", call: Call) -> Row:
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    orders = [
        order
        for order in call.account.closed_orders.values()
        if start <= order.created_ms <= end and not order.request.is_spot
    ]
    return _orders(call, orders, limit=integer(call, "limit", 50, high=200))


def _orders(call: Call, orders: list[Order], *, limit: int) -> Row:
    symbol = symbol_or_none(call)
    meant = [order for order in orders if symbol in (None, order.request.symbol)]
    newest = sorted(meant, key=lambda order: (order.created_ms, order.id), reverse=True)[:limit]
    return {"orders": listed([order_row(call.account, order) for order in newest])}


def fills(face: "PionexFace", call: Call) -> Row:
    symbol = symbol_of(call)
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    found = [fill for fill in call.account.fills if fill.symbol == symbol and start <= fill.at_ms <= end]
    limit = integer(call, "limit", 100, high=200)
    return {"fills": listed([fill_row(fill) for fill in reversed(found)][:limit])}


def fills_of_order(face: "PionexFace", call: Call) -> Row:
    order, first = _by_id(call), integer(call, "fromId", 0)
    found = [fill for fill in call.account.fills if fill.order_id == order.id and wire_id(fill.id) >= first]
    limit = integer(call, "limit", 100, high=200)
    return {"fills": listed([fill_row(fill) for fill in reversed(found)][:limit])}


def funding_fees(face: "PionexFace", call: Call) -> Row:
    symbol, account = symbol_or_none(call), call.account
    start, end = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    rows = [
        funding_row(account, entry, rate=face.market.funding_rate(entry.symbol, at_ms=_interval_of(entry.at_ms)))
        for entry in reversed(account.ledger)
        if entry.kind is EntryKind.FUNDING and symbol in (None, entry.symbol) and start <= entry.at_ms <= end
    ]
    return {"fundings": listed(rows[: integer(call, "limit", 100, high=200)])}


def _interval_of(at_ms: int) -> int:
    """A funding at the end of an interval is that interval's."""
    return at_ms - 1 if at_ms % FUNDING_INTERVAL_MS == 0 else at_ms
