"""What Binance's user stream says about an account."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.holdings import legs_of, margin_type
from apps.exchanges.paper.binance.rows import (
    NAMES,
    STATUS,
    WORKING_TYPE,
    Row,
    algo_row,
    algo_status,
    order_row,
    wire_id,
)
from apps.exchanges.paper.face import Member
from cts.domain.matching import margin
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.matching.state import BookStatus, EntryKind
from cts.domain.types import Market
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace


def private_messages(face: "BinanceFace", member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """Orders and fills one by one; what they did to account and positions once, before the first fill."""
    events = [event for event in events if not is_spot(event)]
    updates = [event for event in events if isinstance(event, OrderUpdated)]
    first = next((index for index, update in enumerate(updates) if update.fill), len(updates))
    rows = [row for update in updates[:first] for row in _order_messages(update)]
    rows += _account_messages(face, member, events)
    rows += [row for update in updates[first:] for row in _order_messages(update)]
    return [("user", row) for row in rows]


def is_spot(event: Event) -> bool:
    if isinstance(event, OrderUpdated):
        return event.order.request.is_spot
    return isinstance(event, MoneyMoved) and event.entry.market is Market.SPOT


def _account_messages(face: "BinanceFace", member: Member, events: list[Event]) -> list[Row]:
    account = member.account
    entries = [event.entry for event in events if isinstance(event, MoneyMoved)]
    symbols = list(dict.fromkeys(event.leg.symbol for event in events if isinstance(event, LegChanged)))
    if not entries and not symbols:
        return []
    kinds = {entry.kind for entry in entries}
    why = "FUNDING_FEE" if kinds == {EntryKind.FUNDING} else "DEPOSIT" if kinds == {EntryKind.DEPOSIT} else "ORDER"
    positions = []
    for symbol in symbols:
        for name, leg in legs_of(account, symbol):
            positions.append(
                {
                    "s": NAMES[symbol],
                    "pa": text(leg.quantity * leg.side.sign),
                    "ep": text(leg.entry_price),
                    "bep": text(leg.entry_price),
                    "cr": text(leg.realized_pnl),
                    "up": text(leg.unrealized(face.market.quotes[symbol].mark)),
                    "mt": margin_type(account, symbol),
                    "iw": text(leg.isolated_margin),
                    "ps": name,
                }
            )
    wallet = {
        "a": "USDT",
        "wb": text(account.balance),
        "cw": text(account.balance - margin.isolated_total(account)),
        "bc": "0",
    }
    at_ms = events[-1].at_ms
    return [{"e": "ACCOUNT_UPDATE", "E": at_ms, "T": at_ms, "a": {"m": why, "B": [wallet], "P": positions}}]


def _order_messages(event: OrderUpdated) -> list[Row]:
    order = event.order
    if not order.is_conditional:
        return [_order_update(event)]
    if not order.triggered_id:
        return [_algo_update(event, algo_status(order))]
    if event.is_trigger:
        return [_algo_update(event, "TRIGGERING"), _algo_update(event, "TRIGGERED"), _order_update(event)]
    rows = [_order_update(event)] if order.status is not BookStatus.REJECTED else []
    return rows if order.status.is_open else [*rows, _algo_update(event, algo_status(order))]


def _execution_type(event: OrderUpdated) -> str:
    if event.fill:
        return "CALCULATED" if event.fill.is_liquidation else "TRADE"
    if event.is_amend:
        return "AMENDMENT"
    return "NEW" if event.order.status.is_open else STATUS[event.order.status]


def _order_update(event: OrderUpdated) -> Row:
    order, fill = event.order, event.fill
    row = order_row(order)
    body: Row = {
        "s": row["symbol"],
        "c": row["clientOrderId"],
        "S": row["side"],
        "o": row["type"],
        "f": row["timeInForce"],
        "q": row["origQty"],
        "p": row["price"],
        "ap": row["avgPrice"],
        "sp": row["stopPrice"],
        "x": _execution_type(event),
        "X": row["status"],
        "i": wire_id(order),
        "l": text(fill.quantity) if fill else "0",
        "z": row["executedQty"],
        "L": text(fill.price) if fill else "0",
        "T": event.at_ms,
        "t": fill.id if fill else 0,
        "b": "0",
        "a": "0",
        "m": bool(fill and fill.is_maker),
        "R": row["reduceOnly"],
        "wt": row["workingType"],
        "ot": row["origType"],
        "ps": row["positionSide"],
        "cp": row["closePosition"],
        "rp": text(fill.realized_pnl) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
    }
    if fill:
        body |= {"N": "USDT", "n": text(fill.fee)}
    return {"e": "ORDER_TRADE_UPDATE", "E": event.at_ms, "T": event.at_ms, "o": body}


def _algo_update(event: OrderUpdated, status: str) -> Row:
    row = algo_row(event.order)
    is_set_off = status in ("TRIGGERED", "FINISHED")
    body = {
        "caid": row["clientAlgoId"],
        "aid": row["algoId"],
        "at": row["algoType"],
        "o": row["orderType"],
        "s": row["symbol"],
        "S": row["side"],
        "ps": row["positionSide"],
        "f": row["timeInForce"],
        "q": row["quantity"],
        "X": status,
        "ai": row["actualOrderId"] if is_set_off else "",
        "ap": row["actualPrice"],
        "aq": row["actualQty"],
        "AP": row["activatePrice"],
        "cr": row["callbackRate"],
        "act": row["orderType"].removesuffix("_MARKET") if not is_set_off else "MARKET",
        "tp": row["triggerPrice"],
        "p": row["price"],
        "V": "EXPIRE_MAKER",
        "wt": WORKING_TYPE[event.order.request.trigger_by],
        "pm": "NONE",
        "cp": row["closePosition"],
        "pP": False,
        "R": row["reduceOnly"],
        "tt": row["triggerTime"],
        "gtd": 0,
        "rm": event.order.reason if status == "REJECTED" else "",
    }
    return {"e": "ALGO_UPDATE", "T": event.at_ms, "E": event.at_ms, "o": body}
