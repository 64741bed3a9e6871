"""Bybit's doors for lists of orders and executions, and the one that cancels all of a list."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bybit.errors import BybitError
from apps.exchanges.paper.bybit.market import category, integer, listed
from apps.exchanges.paper.bybit.rows import Row, category_of, fill_row, funding_row, order_number, order_row
from apps.exchanges.paper.bybit.trade import acked
from apps.exchanges.paper.face import Call
from cts.domain.matching import engine
from cts.domain.matching.state import EntryKind, Order

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

SPAN_MS = 7 * 86_400_000


def cancel_all(face: "BybitFace", call: Call) -> Row:
    if category(call) == "linear" and not any(call.params.get(k) for k in ("symbol", "baseCoin", "settleCoin")):
        raise BybitError(10001, "params error: symbol, baseCoin or settleCoin is required")
    kind = call.params.get("orderFilter", "Order" if category(call) == "spot" else "")
    done = []
    for order in _matching(call, list(call.account.open_orders.values())):
        is_conditional = not order.is_active
        if kind in ("", "StopOrder" if is_conditional else "Order"):
            done.append(order)
    for order in done:
        face.act(call.who, lambda order=order: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))  # type: ignore[misc]
    return {"list": [acked(order) for order in done], "success": "1"}


def _matching(call: Call, orders: list[Order]) -> list[Order]:
    """Orders by the filters every list shares."""
    name, base, wanted = call.params.get("symbol"), call.params.get("baseCoin"), category(call)
    if name and name not in listed(call):
        raise BybitError(10001, "params error: symbol invalid")
    orders = [order for order in orders if category_of(order.request.symbol) == wanted]
    if settle := call.params.get("settleCoin"):
        orders = orders if settle == "USDT" else []
    if name:
        orders = [order for order in orders if order.request.symbol == listed(call)[name]]
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
    return {"category": category(call), "list": rows[start : start + limit], "nextPageCursor": cursor}


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
    wanted_category = category(call)
    start, end = _window(call)
    account = call.account
    symbol = listed(call).get(call.params.get("symbol", ""))
    wanted, link_id = order_number(call.params.get("orderId", "")), call.params.get("orderLinkId", "")
    kind = call.params.get("execType", "")
    found: list[tuple[int, Row]] = []
    for fill in account.fills:
        is_meant = symbol in (None, fill.symbol) and wanted in (0, fill.order_id) and link_id in ("", fill.client_id)
        is_meant = is_meant and category_of(fill.symbol) == wanted_category
        if is_meant and start <= fill.at_ms <= end:
            found.append((fill.id, fill_row(fill, order=account.order(fill.order_id))))
    if wanted_category == "linear" and not wanted and not link_id:
        for entry in account.ledger:
            if entry.kind is EntryKind.FUNDING and symbol in (None, entry.symbol) and start <= entry.at_ms <= end:
                found.append((entry.id, funding_row(entry)))
    rows = [row for _, row in sorted(found, key=lambda pair: -pair[0]) if kind in ("", row["execType"])]
    return _page(call, rows, default=50, largest=100)
