"""OKX's doors for orders and executions. Each item of a write has an outcome of its own."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import orjson

from apps.exchanges.paper.face import Call, Params
from apps.exchanges.paper.okx.account import margin_mode_use
from apps.exchanges.paper.okx.errors import REFUSALS, OkxError, parameter
from apps.exchanges.paper.okx.listing import RULES, SIZES, kind_of
from apps.exchanges.paper.okx.market import FOREVER_MS, integer, number, swap_of, symbol_of, symbols_of
from apps.exchanges.paper.okx.rows import (
    LIMITS,
    OWN_ID,
    Row,
    client_id,
    fill_row,
    has_become,
    order_id,
    order_row,
)
from cts.domain.matching import engine
from cts.domain.matching.events import OrderUpdated, Refusal, Refused
from cts.domain.matching.state import BookStatus, Order, Request
from cts.domain.types import OrderType, PositionSide, Side, TimeInForce
from cts.domain.units import floor_to_step

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
LEGS = {"": None, "net": None, "long": PositionSide.LONG, "short": PositionSide.SHORT}
FORCES = {word: force for force, word in LIMITS.items()} | {"optimal_limit_ioc": TimeInForce.IOC}
MAX_ITEMS = 20
# Of an order canceled unfilled the venue remembers two hours.
UNFILLED_KEPT_MS = 2 * 3_600_000
Verb = Callable[["OkxFace", Call], Row]


class Failed(Exception):
    """Every item was refused, or some: the envelope says which, the items say why."""

    def __init__(self, rows: list[Row], *, code: str) -> None:
        super().__init__(code)
        self.rows = rows
        self.code = code


def as_text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def as_params(value: object) -> Params:
    if not isinstance(value, dict):
        raise OkxError(50002, "JSON syntax error", status=400)
    return {str(name): as_text(entry) for name, entry in value.items() if entry not in (None, [])}


def items(face: "OkxFace", call: Call, verb: Verb, *, names: tuple[str, str], most: int = MAX_ITEMS) -> list[Row]:
    """The verb for every item of the body, or for the body where it is one item."""
    body = orjson.loads(call.request.body or b"{}")
    wanted = [as_params(entry) for entry in body] if isinstance(body, list) else [as_params(body)]
    if not 0 < len(wanted) <= most:
        raise OkxError(51000 if wanted else 50014, f"Between 1 and {most} items")
    rows = []
    for params in wanted:
        told = {name: params.get(name, "") for name in names} | {"tag": params.get("tag", "")}
        try:
            row = verb(face, msgspec.structs.replace(call, params=params))
            rows.append({**told, **row, "sCode": "0", "sMsg": "", "ts": str(call.now_ms)})
        except Refused as refused:
            code, message = REFUSALS[refused.reason]
            rows.append({**told, "sCode": code, "sMsg": message, "ts": str(call.now_ms)})
        except OkxError as error:
            rows.append({**told, "sCode": error.code, "sMsg": error.message, "ts": str(call.now_ms)})
    failures = sum(row["sCode"] != "0" for row in rows)
    if failures:
        raise Failed(rows, code="1" if failures == len(rows) else "2")
    return rows


NAMES = ("clOrdId", "ordId")


def place(face: "OkxFace", call: Call) -> list[Row]:
    return items(face, call, _place, names=NAMES)


def cancel(face: "OkxFace", call: Call) -> list[Row]:
    return items(face, call, _cancel, names=NAMES)


def amend(face: "OkxFace", call: Call) -> list[Row]:
    return items(face, call, _amend, names=NAMES)


def _place(face: "OkxFace", call: Call) -> Row:
    request = _request(face, call)
    margin_mode_use(face, call, symbol=request.symbol)
    events = face.act(
        call.who, lambda: engine.place(call.account, venue=face.venue, request=request, now_ms=call.now_ms)
    )
    first = events[0]
    assert isinstance(first, OrderUpdated)
    return {"ordId": str(first.order.id)}


def own_client_id(call: Call, name: str) -> str:
    told = call.params.get(name, "")
    if told and (len(told) > 32 or not told.isalnum() or not told.isascii()):
        raise parameter(name)
    return told or f"{OWN_ID}{call.account.last_id + 1}"


def terms(call: Call) -> Row:
    """What every order says: where, which way, how much, of which leg."""
    symbol, side, leg = symbol_of(call), SIDES.get(call.params.get("side", "")), call.params.get("posSide", "")
    if side is None or leg not in LEGS:
        raise parameter("side" if side is None else "posSide")
    if call.params.get("attachAlgoOrds"):
        raise parameter("attachAlgoOrds")
    is_reduce_only = call.params.get("reduceOnly", "false").lower() == "true"
    if kind_of(symbol) == "SPOT":
        return {"symbol": symbol, "side": side, "leg": None, "is_reduce_only": False}
    # Legs of their own close by their side alone: the flag is ignored.
    return {"symbol": symbol, "side": side, "leg": LEGS[leg], "is_reduce_only": is_reduce_only and not LEGS[leg]}


def quantity_of(face: "OkxFace", call: Call, told: Row, size: Decimal, *, is_market: bool) -> Decimal:
    """In coins; a spot buy at market is in quote, unless it says otherwise."""
    symbol = told["symbol"]
    is_in_quote = is_market and told["side"] is Side.BUY and call.params.get("tgtCcy") != "base_ccy"
    if kind_of(symbol) == "SPOT" and is_in_quote:
        return floor_to_step(size / face.market.quotes[symbol].ask, RULES[symbol].lot_step)
    return size * SIZES[symbol]


def _request(face: "OkxFace", call: Call) -> Request:
    kind, size = call.params.get("ordType", ""), number(call, "sz")
    if kind != "market" and kind not in FORCES:
        raise parameter("ordType")
    if not size:
        raise parameter("sz")
    told = terms(call)
    is_market = kind in ("market", "optimal_limit_ioc")
    return Request(
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=quantity_of(face, call, told, size, is_market=is_market),
        client_id=own_client_id(call, "clOrdId"),
        price=None if is_market else number(call, "px") or None,
        time_in_force=TimeInForce.IOC if is_market else FORCES[kind],
        **told,
    )


def _find(call: Call) -> Order:
    """An ordinary order, or what a conditional one has become."""
    wanted, client = call.params.get("ordId", ""), call.params.get("clOrdId", "")
    if not wanted and not client:
        raise OkxError(50015, "Either parameter ordId or clOrdId is required")
    found = None
    if wanted:
        found = plain_by_id(call, wanted)
    elif (named := call.account.order_by_client_id(client)) and not named.is_conditional:
        found = named
    if found is None or found.request.symbol != symbol_of(call):
        raise Refused(Refusal.NOT_FOUND)
    return found


def plain_by_id(call: Call, wanted: str) -> Order | None:
    return next((order for order in _plain(call) if order_id(order) == wanted), None)


def _plain(call: Call) -> list[Order]:
    """Newest first."""
    account = call.account
    known = [*account.closed_orders.values(), *account.open_orders.values()]
    plain = [order for order in known if not order.is_conditional or has_become(order)]
    return sorted(plain, key=lambda order: -int(order_id(order)))


def _cancel(face: "OkxFace", call: Call) -> Row:
    try:
        order = _find(call)
    except Refused:
        raise OkxError(51400, REFUSALS[Refusal.ALREADY_FINAL][1]) from None
    if order.status is BookStatus.FILLED:
        raise OkxError(51402, "Cancellation failed as the order is already completed.")
    if not order.status.is_open:
        raise OkxError(51401, "Cancellation failed as the order is already canceled.")
    face.act(call.who, lambda: engine.cancel(call.account, order_id=order.id, now_ms=call.now_ms))
    return {"ordId": order_id(order), "clOrdId": client_id(order)}


def _amend(face: "OkxFace", call: Call) -> Row:
    try:
        order = _find(call)
    except Refused:
        raise OkxError(
            51503, "Order modification failed as the order has been filled, canceled or does not exist."
        ) from None
    if not order.status.is_open:
        raise OkxError(51509, "Modification failed as the order has been canceled.")
    size, price = number(call, "newSz"), number(call, "newPx")
    quantity = size * SIZES[order.request.symbol] if size else None
    face.act(
        call.who,
        lambda: engine.amend(
            call.account,
            venue=face.venue,
            order_id=order.id,
            now_ms=call.now_ms,
            quantity=quantity,
            price=price or None,
        ),
    )
    return {"ordId": order_id(order), "clOrdId": client_id(order), "reqId": call.params.get("reqId", "")}


def page(call: Call, rows: list[Row], *, cursor: str, most: int = 100) -> list[Row]:
    """Rows newest first; `after` asks for older ones than it, `before` for newer ones."""
    after, before = integer(call, "after", 10**18), integer(call, "before", 0)
    wanted = [row for row in rows if before < int(row[cursor]) < after]
    return wanted[: integer(call, "limit", most, low=1, high=most)]


def query(face: "OkxFace", call: Call) -> list[Row]:
    order = _find(call)
    is_gone = not order.status.is_open and not order.filled_quantity
    if is_gone and call.now_ms - order.updated_ms > UNFILLED_KEPT_MS:
        raise Refused(Refusal.NOT_FOUND)
    fill = next((fill for fill in reversed(call.account.fills) if fill.order_id == order.id), None)
    return [order_row(call.account, order, fill=fill)]


def _listed(call: Call, *, is_open: bool) -> list[Row]:
    symbols, kind, state = symbols_of(call), call.params.get("ordType", ""), call.params.get("state", "")
    rows = [
        order_row(call.account, order)
        for order in _plain(call)
        if order.request.symbol in symbols and order.status.is_open is is_open
    ]
    kinds = kind.split(",") if kind else []
    return [row for row in rows if (not kinds or row["ordType"] in kinds) and state in ("", row["state"])]


def pending(face: "OkxFace", call: Call) -> list[Row]:
    return page(call, _listed(call, is_open=True), cursor="ordId")


def history(face: "OkxFace", call: Call) -> list[Row]:
    if not call.params.get("instType"):
        raise OkxError(50014, "Parameter instType can not be empty.", status=400)
    start, end = integer(call, "begin", 0), integer(call, "end", FOREVER_MS)
    rows = [row for row in _listed(call, is_open=False) if start <= int(row["cTime"]) <= end]
    return page(call, rows, cursor="ordId")


def fills(face: "OkxFace", call: Call) -> list[Row]:
    account, symbols, wanted = call.account, symbols_of(call), call.params.get("ordId", "")
    start, end = integer(call, "begin", 0), integer(call, "end", FOREVER_MS)
    rows = [
        fill_row(fill, order=account.order(fill.order_id))
        for fill in reversed(account.fills)
        if fill.symbol in symbols and start <= fill.at_ms <= end
    ]
    return page(call, [row for row in rows if wanted in ("", row["ordId"])], cursor="billId")


def close(face: "OkxFace", call: Call) -> list[Row]:
    """Close a whole leg at market."""
    symbol, account, leg = swap_of(call), call.account, call.params.get("posSide", "")
    if leg not in LEGS:
        raise parameter("posSide")
    side = LEGS[leg] or next((side for side in PositionSide if account.held(symbol, side)), None)
    if side is None or not account.held(symbol, side):
        raise OkxError(51023, "Position does not exist.")
    request = Request(
        symbol=symbol,
        side=side.exit_side,
        order_type=OrderType.MARKET,
        quantity=account.held(symbol, side),
        client_id=own_client_id(call, "clOrdId"),
        is_reduce_only=True,
        leg=LEGS[leg],
    )
    face.act(call.who, lambda: engine.place(account, venue=face.venue, request=request, now_ms=call.now_ms))
    return [
        {"instId": call.params["instId"], "posSide": leg or "net", "clOrdId": call.params.get("clOrdId", ""), "tag": ""}
    ]
