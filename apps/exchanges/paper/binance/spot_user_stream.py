"""What Binance's account stream says of spot."""

from apps.exchanges.paper.binance.rows import Row
from apps.exchanges.paper.binance.spot_rows import SPOT_NAMES, balances, force_of, kind_of, order_row
from apps.exchanges.paper.face import Member
from cts.domain.matching.events import Event, MoneyMoved, OrderUpdated
from cts.domain.matching.state import BookStatus
from cts.domain.units import decimal_text as text


def spot_messages(member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """Reports of orders one by one; every asset that moved once, at the end."""
    updates = [event for event in events if isinstance(event, OrderUpdated)]
    rows = [_report(event) for event in updates]
    if updates or any(isinstance(event, MoneyMoved) for event in events):
        rows.append(_position(member, events))
    return [("spot-user", {"subscriptionId": 0, "event": row}) for row in rows]


def _position(member: Member, events: list[Event]) -> Row:
    moved = {event.entry.asset for event in events if isinstance(event, MoneyMoved)}
    for event in events:
        if isinstance(event, OrderUpdated):
            moved |= set(event.order.request.symbol.split("/"))
    at_ms = events[-1].at_ms
    told = [
        {"a": asset, "f": text(free), "l": text(locked)}
        for asset, free, locked in balances(member.account)
        if asset in moved
    ]
    return {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": told}


def _execution(event: OrderUpdated, row: Row) -> str:
    if event.fill:
        return "TRADE"
    if event.order.status is BookStatus.REJECTED:
        return "EXPIRED"
    return "NEW" if event.order.status.is_open else str(row["status"])


def _report(event: OrderUpdated) -> Row:
    order, fill, row = event.order, event.fill, order_row(event.order)
    kind = _execution(event, row)
    is_canceled = kind == "CANCELED"
    return {
        "e": "executionReport",
        "E": event.at_ms,
        "s": SPOT_NAMES[order.request.symbol],
        # A cancel is an order to cancel, with an id of its own.
        "c": f"cancel{order.id}" if is_canceled else row["clientOrderId"],
        "S": row["side"],
        "o": kind_of(order),
        "f": force_of(order),
        "q": row["origQty"],
        "p": row["price"],
        "P": row["stopPrice"],
        "F": "0",
        "g": -1,
        "C": row["clientOrderId"] if is_canceled else "",
        "x": kind,
        "X": row["status"],
        "r": "NONE",
        "i": order.id,
        "l": text(fill.quantity) if fill else "0",
        "z": row["executedQty"],
        "L": text(fill.price) if fill else "0",
        "n": text(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": event.at_ms,
        "t": fill.id if fill else -1,
        "I": event.sequence,
        "w": order.is_active,
        "m": bool(fill and fill.is_maker),
        "M": False,
        "O": order.created_ms,
        "Z": row["cummulativeQuoteQty"],
        "Y": text(fill.price * fill.quantity) if fill else "0",
        "Q": "0",
        "W": row["workingTime"],
        "V": "EXPIRE_MAKER",
    }
