"""BingX's doors for many orders at once, and for what became of them."""

from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from apps.exchanges.paper.bingx.errors import ILLEGAL, REFUSALS, SPOT_ILLEGAL, SPOT_REFUSALS, BingxError, invalid
from apps.exchanges.paper.bingx.market import integer, symbol_of
from apps.exchanges.paper.bingx.rows import RULES, SYMBOLS, Row, fill_order_row, fill_row, kind, order_number
from apps.exchanges.paper.bingx.trade import ack_row, find, place, told
from apps.exchanges.paper.face import Call
from cts.domain.matching import engine
from cts.domain.matching.events import Refused
from cts.domain.matching.state import Fill, Order

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

PLACED_AT_ONCE, CANCELED_AT_ONCE = 5, 10
SPAN_MS = 7 * 86_400_000
FILLS_SPAN_MS = 30 * 86_400_000


def listed(call: Call, name: str) -> list[Any]:
    try:
        found = orjson.loads(call.params.get(name, ""))
    except orjson.JSONDecodeError:
        raise invalid(name) from None
    if not isinstance(found, list) or not found:
        raise invalid(name)
    return found


def as_text(value: object) -> str:
    """Values inside JSON as they would stand in a query."""
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else str(value)


def place_many(face: "BingxFace", call: Call) -> object:
    """Each on its own: one that is refused doesn't hold up the others."""
    wanted = listed(call, "batchOrders")
    if len(wanted) > PLACED_AT_ONCE or not all(isinstance(entry, dict) for entry in wanted):
        raise invalid("batchOrders")
    orders: list[Row] = []
    errors: list[Row] = []
    for entry in wanted:
        params = {str(name): as_text(value) for name, value in entry.items()}
        try:
            orders.append(ack_row(place(face, msgspec.structs.replace(call, params=params))))
        except (BingxError, Refused) as error:
            code, message = refusal(error)
            client = params.get("clientOrderId") or params.get("clientOrderID") or ""
            errors.append({"clientOrderId": client.lower(), "errorCode": code, "errorMessage": message})
    return {"orders": orders, "errors": errors or None}


def refusal(error: BingxError | Refused, *, is_spot: bool = False) -> tuple[int, str]:
    if isinstance(error, Refused):
        return (SPOT_REFUSALS if is_spot else REFUSALS).get(error.reason) or REFUSALS[error.reason]
    return SPOT_ILLEGAL if is_spot and error.code == ILLEGAL else error.code, error.message


def cancel_many(face: "BingxFace", call: Call) -> object:
    symbol_of(call)
    names = ("orderIdList", "clientOrderIdList", "clientOrderIDList")
    given = next((name for name in names if call.params.get(name)), None)
    if given is None:
        raise invalid("orderIdList")
    wanted = [as_text(value) for value in listed(call, given)]
    if len(wanted) > CANCELED_AT_ONCE:
        raise invalid(given)
    success: list[Row] = []
    failed: list[Row] = []
    for value in wanted:
        params = {"symbol": call.params["symbol"], "orderId" if given == "orderIdList" else "clientOrderId": value}
        try:
            success.append(cancel_one(face, call, find(msgspec.structs.replace(call, params=params))))
        except (BingxError, Refused) as error:
            code, message = refusal(error)
            order_id = int(value) if given == "orderIdList" and value.isdigit() else 0
            failed.append({"orderId": order_id, "errorCode": code, "errorMessage": message})
    return {"success": success or None, "failed": failed or None}


def cancel_one(face: "BingxFace", call: Call, order: Order) -> Row:
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return told(call.who, order)


def chosen(call: Call, orders: list[Order]) -> list[Order]:
    """By symbol and kind, where they are named."""
    symbol = symbol_of(call) if call.params.get("symbol") else None
    wanted = call.params.get("type", "")
    return [
        o for o in orders if not o.request.is_spot and symbol in (None, o.request.symbol) and wanted in ("", kind(o))
    ]


def cancel_all(face: "BingxFace", call: Call) -> object:
    orders = chosen(call, list(call.account.open_orders.values()))
    return {"success": [cancel_one(face, call, order) for order in orders] or None, "failed": None}


def open_orders(face: "BingxFace", call: Call) -> object:
    orders = chosen(call, list(call.account.open_orders.values()))
    return {"orders": [told(call.who, order) for order in orders]}


def window(call: Call, start_name: str, end_name: str, *, span_ms: int) -> tuple[int, int]:
    start, end = integer(call, start_name, 0), integer(call, end_name, 0)
    if start and end and end - start > span_ms:
        raise BingxError(109400, f"the time range must not exceed {span_ms // 86_400_000} days")
    end = end or (start + span_ms if start else call.now_ms + 1000)
    return start or end - span_ms, end


def history(face: "BingxFace", call: Call) -> object:
    """Newest first; with an order id named, what came after it."""
    start, end = window(call, "startTime", "endTime", span_ms=SPAN_MS)
    after = order_number(call.params.get("orderId", ""))
    orders = chosen(call, [*call.account.closed_orders.values(), *call.account.open_orders.values()])
    orders = [order for order in orders if start <= order.created_ms <= end and order.id > after]
    newest = sorted(orders, key=lambda order: -order.id)[: integer(call, "limit", 500, high=1000)]
    return {"orders": [told(call.who, order) for order in newest]}


def _fills(call: Call) -> list[Fill]:
    for name in ("startTs", "endTs"):
        if not call.params.get(name):
            raise invalid(name)
    start, end = window(call, "startTs", "endTs", span_ms=FILLS_SPAN_MS)
    wanted = call.params.get("orderId", "")
    symbol = SYMBOLS.get(call.params.get("symbol", ""))
    return [
        fill
        for fill in reversed(call.account.fills)
        if fill.symbol in ([symbol] if symbol else RULES)
        and start <= fill.at_ms <= end
        and (not wanted or fill.order_id == order_number(wanted))
    ]


def all_fill_orders(face: "BingxFace", call: Call) -> object:
    unit = call.params.get("tradingUnit", "")
    if unit not in ("COIN", "CONT"):
        raise invalid("tradingUnit")
    rows = [fill_order_row(call.account, fill, is_in_contracts=unit == "CONT") for fill in _fills(call)]
    return {"fill_orders": rows}


def fill_history(face: "BingxFace", call: Call) -> object:
    symbol_of(call)
    size, page = integer(call, "pageSize", 50, high=1000), integer(call, "pageIndex", 1, high=100_000)
    fills = _fills(call)
    rows = [fill_row(call.account, fill) for fill in fills[(page - 1) * size : page * size]]
    return {"fill_history_orders": rows or None, "total": len(fills)}
