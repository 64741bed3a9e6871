"""OKX's doors for conditional orders, which live apart from the book until they are set off."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.okx.account import margin_mode_use
from apps.exchanges.paper.okx.errors import TRIGGER_REFUSALS, OkxError, parameter
from apps.exchanges.paper.okx.listing import SIZES
from apps.exchanges.paper.okx.market import number, symbol_of, symbols_of
from apps.exchanges.paper.okx.plans import Plan
from apps.exchanges.paper.okx.rows import Row, algo_row
from apps.exchanges.paper.okx.trade import items, own_client_id, page, quantity_of, terms
from cts.domain.matching import engine
from cts.domain.matching.events import OrderUpdated, Refusal, Refused
from cts.domain.matching.state import Account, BookStatus, Order, Request, TriggerBy
from cts.domain.types import OrderType, Side

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

TRIGGERS = {"": TriggerBy.LAST, "last": TriggerBy.LAST, "mark": TriggerBy.MARK, "index": TriggerBy.MARK}
NAMES = ("algoClOrdId", "algoId")
KINDS = ("conditional", "oco", "trigger", "move_order_stop")
# The list takes one kind at a time, except these two together.
TOGETHER = {"conditional", "oco"}
RATIO_MIN, RATIO_MAX = Decimal("0.001"), Decimal(1)


def place(face: "OkxFace", call: Call) -> list[Row]:
    return items(face, call, _place, names=NAMES, most=1)


def cancel(face: "OkxFace", call: Call) -> list[Row]:
    return items(face, call, _cancel, names=NAMES, most=10)


def amend(face: "OkxFace", call: Call) -> list[Row]:
    return items(face, call, _amend, names=NAMES, most=1)


def _place(face: "OkxFace", call: Call) -> Row:
    request, plan = _request(face, call)
    margin_mode_use(face, call, symbol=request.symbol)
    # Kept before the order is told: what is told is spelled by it.
    face.plan_expect(call.account, plan)
    try:
        events = face.act(
            call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
        )
    except Refused as refused:
        if refused.reason is Refusal.TRIGGER_SIDE:
            code, message = TRIGGER_REFUSALS[plan.way == "tp", request.side is Side.BUY]
            raise OkxError(int(code), message) from None
        raise
    first = events[0]
    assert isinstance(first, OrderUpdated)
    face.plan_keep(first.order, plan)
    return {"algoId": str(first.order.id)}


def _request(face: "OkxFace", call: Call) -> tuple[Request, Plan]:
    told, kind, size = terms(call), call.params.get("ordType", ""), number(call, "sz")
    is_closing = call.params.get("closeFraction", "") == "1"
    if kind not in KINDS or kind == "oco":
        raise parameter("ordType")
    if not size and not is_closing:
        raise parameter("sz")
    how, plan = _trailing(call) if kind == "move_order_stop" else _triggered(face, call, told)
    request = Request(
        quantity=quantity_of(face, call, told, size or Decimal(0), is_market=how["order_type"] is OrderType.MARKET),
        client_id=own_client_id(call, "algoClOrdId" if call.params.get("algoClOrdId") else "clOrdId"),
        is_close_position=is_closing,
        **told | how | ({"is_reduce_only": True} if is_closing and told["leg"] is None else {}),
    )
    return request, plan


def _triggered(face: "OkxFace", call: Call, told: Row) -> tuple[dict[str, Any], Plan]:
    kind = call.params["ordType"]
    # Of a stop and a target told at once the venue heeds the stop.
    way = "" if kind == "trigger" else "sl" if call.params.get("slTriggerPx") else "tp"
    field = f"{way}TriggerPx" if way else "triggerPx"
    trigger, raw = number(call, field), call.params.get(f"{way}OrdPx" if way else "orderPx", "")
    trigger_by = TRIGGERS.get(call.params.get(f"{field}Type", ""))
    if not trigger or trigger_by is None or not raw:
        raise parameter(field if not trigger else f"{way}OrdPx" if trigger_by is not None else f"{field}Type")
    price = None if raw == "-1" else number(call, f"{way}OrdPx" if way else "orderPx")
    side, last = told["side"], face.market.quotes[told["symbol"]].last
    # A plain trigger is reached from wherever the price is; the others know their side.
    is_rising = trigger > last if not way else (side is Side.BUY) == (way == "sl")
    how = {
        "order_type": OrderType.MARKET if price is None else OrderType.LIMIT,
        "price": price,
        "trigger_price": trigger,
        "trigger_by": trigger_by,
        "is_rising": is_rising,
    }
    return how, Plan(kind=kind, way=way)


def _trailing(call: Call) -> tuple[dict[str, Any], Plan]:
    ratio, active = number(call, "callbackRatio"), number(call, "activePx")
    if ratio is None or not RATIO_MIN <= ratio < RATIO_MAX:
        raise parameter("callbackRatio")
    how = {"order_type": OrderType.MARKET, "trigger_price": active or None, "trail_ratio": ratio}
    return how, Plan(kind="move_order_stop")


def _conditional(account: Account) -> list[Order]:
    """Newest first."""
    known = [*account.closed_orders.values(), *account.open_orders.values()]
    return sorted((order for order in known if order.is_conditional), key=lambda order: -order.id)


def _find(call: Call) -> Order:
    wanted, client = call.params.get("algoId", ""), call.params.get("algoClOrdId", "")
    if not wanted and not client:
        raise OkxError(50015, "Either parameter algoId or algoClOrdId is required")
    for order in _conditional(call.account):
        if str(order.id) == wanted or (not wanted and order.request.client_id == client):
            return order
    raise Refused(Refusal.NOT_FOUND)


def _row(face: "OkxFace", call: Call, order: Order) -> Row:
    return algo_row(call.account, order, plan=face.plan(order))


def query(face: "OkxFace", call: Call) -> list[Row]:
    return [_row(face, call, _find(call))]


def _open(call: Call, *, code: int) -> Order:
    symbol_of(call)
    try:
        order = _find(call)
    except Refused:
        raise OkxError(code, "The order has been filled, canceled or does not exist.") from None
    if order.status is not BookStatus.UNTRIGGERED:
        raise OkxError(code, "The order has been filled, canceled or does not exist.")
    return order


def _cancel(face: "OkxFace", call: Call) -> Row:
    order = _open(call, code=51400)
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return {"algoId": str(order.id)}


def _amend(face: "OkxFace", call: Call) -> Row:
    order = _open(call, code=51503)
    plan, size = face.plan(order), number(call, "newSz")
    if plan.kind == "move_order_stop":
        raise parameter("ordType")
    field = {"sl": "newSlTriggerPx", "tp": "newTpTriggerPx"}.get(plan.way, "newTriggerPx")
    face.act(
        call.who,
        lambda: engine.amend(
            call.account,
            venue=face.venue,
            order_id=order.id,
            now_ms=call.now_ms,
            quantity=size * SIZES[order.request.symbol] if size else None,
            trigger_price=number(call, field) or None,
        ),
    )
    return {"algoId": str(order.id), "reqId": call.params.get("reqId", "")}


def _listed(face: "OkxFace", call: Call) -> list[Row]:
    kinds, symbols = set(call.params.get("ordType", "").split(",")), symbols_of(call)
    if not kinds <= set(KINDS) or (len(kinds) > 1 and not kinds <= TOGETHER):
        raise parameter("ordType")
    orders = [order for order in _conditional(call.account) if order.request.symbol in symbols]
    return [row for row in (_row(face, call, order) for order in orders) if row["ordType"] in kinds]


def pending(face: "OkxFace", call: Call) -> list[Row]:
    rows = [row for row in _listed(face, call) if row["state"] == "live"]
    wanted = call.params.get("algoId", "")
    return page(call, [row for row in rows if wanted in ("", row["algoId"])], cursor="algoId")


def history(face: "OkxFace", call: Call) -> list[Row]:
    """By outcome, or one by its id."""
    state, wanted = call.params.get("state", ""), call.params.get("algoId", "")
    if not state and not wanted:
        raise OkxError(50015, "Either parameter state or algoId is required")
    rows = [row for row in _listed(face, call) if row["state"] != "live"]
    rows = [row for row in rows if state in ("", row["state"]) and wanted in ("", row["algoId"])]
    return page(call, rows, cursor="algoId")
