"""ccxt's words and ours, and what is read from a venue's own row where ccxt has no word for it."""

from collections.abc import Callable
from typing import Any

from apps.exchanges.connectors.parsing import Row
from cts.domain.types import MarginMode, OrderRequest, OrderStatus, OrderType, PositionSide, Side
from cts.domain.units import decimal_text

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
LEGS = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
MARGINS = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
FINAL = {
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
    "closed": OrderStatus.CANCELED,  # when it wasn't filled whole
}
OPEN = frozenset({"open", "canceling"})
# Where venues write what ccxt has no word for: the leg, our id on an execution, the order a trigger became.
LEG_FIELDS = ("positionSide", "posSide", "holdSide", "pos_side", "positionIdx")
LEG_WORDS = {**LEGS, "1": PositionSide.LONG, "2": PositionSide.SHORT}
ID_FIELDS = ("clientOrderId", "orderLinkId", "clOrdId", "clientOid", "client_oid", "client_order_id", "text")
BECAME_FIELDS = ("actualOrderId",)
TRIGGERS = ("triggerPrice", "stopLossPrice", "takeProfitPrice")


def info(row: Row) -> dict[str, Any]:
    found = row.get("info")
    return found if isinstance(found, dict) else {}


def leg_told(row: Row) -> PositionSide | None:
    words = (info(row).get(name) for name in LEG_FIELDS)
    return next(filter(None, (LEG_WORDS.get(str(word).lower()) for word in words if word)), None)


def type_told(row: Row, *, is_conditional: bool) -> OrderType:
    """Of an order somebody else placed. Which way a bare trigger works isn't told: a stop is the more careful reading."""
    word = str(row.get("type") or "").lower().replace("_", "")
    if is_conditional:
        is_target = "takeprofit" in word or bool(row.get("takeProfitPrice"))
        return OrderType.TAKE_PROFIT_MARKET if is_target else OrderType.STOP_MARKET
    return OrderType.MARKET if word == "market" else OrderType.LIMIT


def bare(told: str) -> str:
    """Without the mark one venue wants before every id."""
    return told.removeprefix("t-")


def became(row: Row) -> str:
    """The order a trigger that fired has become, where that is another one."""
    told = next(filter(None, (str(info(row).get(name) or "") for name in BECAME_FIELDS)), "")
    return "" if told == "0" else told


def trigger_words(request: OrderRequest, *, is_closing: bool, can: Callable[[str], bool]) -> dict[str, str]:
    """ccxt's name for the trigger. Most venues take its named stops and targets for exits only."""
    assert request.trigger_price is not None
    price, is_target = decimal_text(request.trigger_price), request.order_type is OrderType.TAKE_PROFIT_MARKET
    name = "takeProfitPrice" if is_target else "stopLossPrice"
    if can(name) and (is_closing or (is_target and not can("triggerDirection"))):
        return {name: price}
    words = {"triggerPrice": price}
    if can("triggerDirection"):
        is_above = (request.side is Side.BUY) is not is_target
        words["triggerDirection"] = "ascending" if is_above else "descending"
    return words
