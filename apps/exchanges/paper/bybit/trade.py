"""Bybit's doors for orders and executions."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from apps.exchanges.paper.bybit.errors import BybitError, trigger_refusal
from apps.exchanges.paper.bybit.market import category, integer, symbol_of
from apps.exchanges.paper.bybit.rows import (
    SYMBOLS,
    TIME_IN_FORCE,
    Row,
    fill_row,
    funding_row,
    order_id,
    order_number,
    order_row,
)
from apps.exchanges.paper.face import Call, is_sane
from cts.domain.matching import engine
from cts.domain.matching.checks import trigger_reference
from cts.domain.matching.events import OrderUpdated, Refusal, Refused
from cts.domain.matching.state import EntryKind, Order, Request, TriggerBy
from cts.domain.types import OrderType, PositionSide, Side, TimeInForce

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
TYPES = {"Market": OrderType.MARKET, "Limit": OrderType.LIMIT}
TIMES = {name: value for value, name in TIME_IN_FORCE.items()}
TRIGGERS = {"": TriggerBy.LAST, "LastPrice": TriggerBy.LAST, "MarkPrice": TriggerBy.MARK, "IndexPrice": TriggerBy.MARK}
LEGS = {"0": None, "1": PositionSide.LONG, "2": PositionSide.SHORT}
SPAN_MS = 7 * 86_400_000


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
    if trigger_price is not None and direction not in ("1", "2"):
        raise BybitError(10001, "params error: TriggerDirection invalid")
    client_id = call.params.get("orderLinkId", "")
    if len(client_id) > 36 or (not client_id.replace("-", "").replace("_", "").isalnum() and client_id):
        raise BybitError(10001, "params error: OrderLinkID invalid")
    quantity = number(call, "qty")
    if quantity is None:
        raise BybitError(10001, "params error: Qty invalid")
    order_type = TYPES.get(call.params.get("orderType", ""))
    side = SIDES.get(call.params.get("side", ""))
    if side is None or order_type is None:
        raise BybitError(10001, "params error: " + ("side invalid" if side is None else "OrderType invalid"))
    if call.params.get("positionIdx", "0") not in LEGS:
        raise BybitError(10001, "params error: position idx not match position mode")
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
        is_rising=direction == "1",
        is_reduce_only=_is_true(call, "reduceOnly") or _is_true(call, "closeOnTrigger"),
        leg=LEGS[call.params.get("positionIdx", "0")],
    )


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


def _acked(order: Order) -> Row:
    return {"orderId": order_id(order.id), "orderLinkId": order.request.client_id}


def cancel(face: "BybitFace", call: Call) -> Row:
    order = _find(call)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return _acked(order)


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
    return _acked(order)


def cancel_all(face: "BybitFace", call: Call) -> Row:
    if category(call) == "linear" and not any(call.params.get(k) for k in ("symbol", "baseCoin", "settleCoin")):
        raise BybitError(10001, "params error: symbol, baseCoin or settleCoin is required")
    kind = call.params.get("orderFilter", "")
    done = []
    for order in _matching(call, list(call.account.open_orders.values())):
        is_conditional = not order.is_active
        if kind in ("", "StopOrder" if is_conditional else "Order"):
            done.append(order)
    for order in done:
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]
    return {"list": [_acked(order) for order in done], "success": "1"}


def _matching(call: Call, orders: list[Order]) -> list[Order]:
    """Orders by the filters every list shares."""
    name, base = call.params.get("symbol"), call.params.get("baseCoin")
    if name and name not in SYMBOLS:
        raise BybitError(10001, "params error: symbol invalid")
    if settle := call.params.get("settleCoin"):
        orders = orders if settle == "USDT" else []
    if name:
        orders = [order for order in orders if order.request.symbol == SYMBOLS[name]]
    if base:
        orders = [order for order in orders if order.request.symbol.startswith(base + "/")]
    if wire_id := call.params.get("orderId"):
        orders = [order for order in orders if order.id == order_number(wire_id)]
    if link_id := call.params.get("orderLinkId"):
        orders = [order for order in orders if order.request.client_id == link_id]
    return orders


def _page(call: Call, rows: list[Row], *, default: int, largest: int) -> Row:
    start = integer(call, "cursor", 0) if call.params.get("cursor") else 0
    limit = integer(call, "limit", default, low=1, high=largest)
    cursor = str(start + limit) if start + limit < len(rows) else ""
    return {"category": "linear", "list": rows[start : start + limit], "nextPageCursor": cursor}


def realtime(face: "BybitFace", call: Call) -> Row:
    """Open orders and, when asked by id or with openOnly=1, the last 500 closed ones. Newest first."""
    if category(call) == "linear" and not any(call.params.get(k) for k in ("symbol", "baseCoin", "settleCoin")):
        raise BybitError(10001, "Missing some parameters that must be filled in, symbol or baseCoin or settleCoin")
    orders = list(call.account.open_orders.values())
    is_by_id = call.params.get("orderId") or call.params.get("orderLinkId")
    closed = list(call.account.closed_orders.values())[-500:]
    if call.params.get("openOnly", "0") != "0":
        orders = closed
    elif is_by_id:
        orders += closed
    orders = _matching(call, orders)
    if call.params.get("orderFilter") == "StopOrder":
        orders = [order for order in orders if order.is_conditional and not order.triggered_ms]
    rows = [order_row(order) for order in sorted(orders, key=lambda order: -order.id)]
    return _page(call, rows, default=20, largest=50)


def _window(call: Call) -> tuple[int, int]:
    end = integer(call, "endTime", 0)
    start = integer(call, "startTime", 0)
    if start and end and end - start > SPAN_MS:
        raise BybitError(10001, "The time range between startTime and endTime cannot exceed 7 days")
    end = end or (start + SPAN_MS if start else call.now_ms + 1000)
    return start or end - SPAN_MS, end


def history(face: "BybitFace", call: Call) -> Row:
    category(call)
    start, end = _window(call)
    orders = _matching(call, [*call.account.closed_orders.values(), *call.account.open_orders.values()])
    orders = [order for order in orders if start <= order.created_ms <= end and not order.status.is_open]
    rows = [order_row(order) for order in sorted(orders, key=lambda order: -order.id)]
    return _page(call, rows, default=20, largest=50)


def executions(face: "BybitFace", call: Call) -> Row:
    """Fills and fundings, newest first."""
    category(call)
    start, end = _window(call)
    account = call.account
    symbol = SYMBOLS.get(call.params.get("symbol", ""))
    wanted, link_id = order_number(call.params.get("orderId", "")), call.params.get("orderLinkId", "")
    kind = call.params.get("execType", "")
    found: list[tuple[int, Row]] = []
    for fill in account.fills:
        is_meant = symbol in (None, fill.symbol) and wanted in (0, fill.order_id) and link_id in ("", fill.client_id)
        if is_meant and start <= fill.at_ms <= end:
            found.append((fill.id, fill_row(fill, order=account.order(fill.order_id))))
    if not wanted and not link_id:
        for entry in account.ledger:
            if entry.kind is EntryKind.FUNDING and symbol in (None, entry.symbol) and start <= entry.at_ms <= end:
                found.append((entry.id, funding_row(entry)))
    rows = [row for _, row in sorted(found, key=lambda pair: -pair[0]) if kind in ("", row["execType"])]
    return _page(call, rows, default=50, largest=100)
