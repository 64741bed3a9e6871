"""What BingX's account stream says about an account."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.holdings import is_isolated
from apps.exchanges.paper.bingx.rows import NAMES, WORKING_TYPE, Row, client_id, kind, position_side, status, wire_id
from apps.exchanges.paper.face import Member
from cts.domain.matching import margin
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.matching.state import ZERO, BookStatus, EntryKind
from cts.domain.types import Market
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

DONE = {BookStatus.CANCELED: "CANCELED", BookStatus.EXPIRED: "EXPIRED", BookStatus.REJECTED: "EXPIRED"}


def private_messages(face: "BingxFace", member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """Orders one by one, then what they did to balances and positions. A trigger alone isn't told of."""
    updates = [e for e in events if isinstance(e, OrderUpdated) and not e.is_trigger and not e.order.request.is_spot]
    rows = [_order_message(update) for update in updates]
    return [("user", row) for row in [*rows, *_account_messages(face, member, events)]]


def _order_message(event: OrderUpdated) -> Row:
    order, fill, request = event.order, event.fill, event.order.request
    is_waiting = order.is_conditional and request.trail_ratio is None
    done = DONE.get(order.status, "NEW")
    body: Row = {
        "s": NAMES[request.symbol],
        "c": client_id(order),
        "i": str(wire_id(order.id)),
        "S": request.side.value.upper(),
        "o": kind(order),
        "q": text(order.quantity),
        "p": text(order.price or ZERO),
        "sp": text(order.trigger_price or ZERO) if is_waiting else "0",
        "ap": text(order.average_price or ZERO),
        "x": "TRADE" if fill else done,
        "X": {"PENDING": "NEW", "CANCELLED": "CANCELED"}.get(status(order), status(order)),
        "N": "USDT",
        "n": text(-fill.fee) if fill else "0",
        "T": event.at_ms if fill else 0,
        "wt": WORKING_TYPE[request.trigger_by],
        "ps": position_side(request.leg),
        "rp": text(fill.realized_pnl) if fill else "0",
        "z": text(order.filled_quantity),
        "sg": "false",
        "ro": request.is_reduce_only,
    }
    if fill:
        body["td"] = str(fill.id)
    return {"e": "ORDER_TRADE_UPDATE", "E": event.at_ms, "o": body}


def _account_messages(face: "BingxFace", member: Member, events: list[Event]) -> list[Row]:
    account = member.account
    entries = [e.entry for e in events if isinstance(e, MoneyMoved) and e.entry.market is Market.LINEAR]
    legs = {(e.leg.symbol, e.leg.side): None for e in events if isinstance(e, LegChanged)}
    if not entries and not legs:
        return []
    kinds = {entry.kind for entry in entries}
    why = "FUNDING_FEE" if kinds == {EntryKind.FUNDING} else "DEPOSIT" if kinds == {EntryKind.DEPOSIT} else "ORDER"
    positions = []
    for symbol, side in legs:
        leg = account.leg(symbol, side)
        positions.append(
            {
                "s": NAMES[symbol],
                "pa": text(leg.quantity),
                "ep": text(leg.entry_price),
                "up": text(leg.unrealized(face.market.quotes[symbol].mark)),
                "mt": "isolated" if is_isolated(account, symbol) else "cross",
                "iw": text(leg.isolated_margin),
                "ps": side.value.upper(),
                "cr": text(leg.realized_pnl),
            }
        )
    moved = sum((entry.amount for entry in entries), ZERO)
    crossed = account.balance - margin.isolated_total(account)
    wallet = {"a": "USDT", "wb": text(account.balance), "cw": text(crossed), "bc": text(moved)}
    return [{"e": "ACCOUNT_UPDATE", "E": events[-1].at_ms, "a": {"m": why, "B": [wallet], "P": positions}}]


def config_message(face: "BingxFace", member: Member, *, now_ms: int) -> Row:
    """Leverage and margin mode of a symbol, told again and again whether or not they changed."""
    symbol = next(iter(member.account.leverages), next(iter(NAMES)))
    leverage = member.account.leverage(symbol)
    config = {"s": NAMES[symbol], "l": leverage, "S": leverage}
    config["mt"] = "isolated" if is_isolated(member.account, symbol) else "cross"
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "ac": config}
