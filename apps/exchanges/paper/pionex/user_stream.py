"""What Pionex's private topics say about an account."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Member
from apps.exchanges.paper.pionex.holdings import bare_position_row, cross_row, isolated_legs, isolated_row
from apps.exchanges.paper.pionex.rows import NAMES, Row, fill_row, order_row
from apps.exchanges.paper.pionex.spot_rows import SPOT_NAMES, balance_rows
from apps.exchanges.paper.pionex.spot_rows import fill_row as spot_fill_row
from apps.exchanges.paper.pionex.spot_rows import order_row as spot_order_row
from apps.exchanges.paper.pionex.streams import key
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.matching.state import Account, Leg
from cts.domain.types import Market, PositionMode

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

Messages = list[tuple[str, object]]
# Both accounts call theirs BALANCE.
SPOT_BALANCE = "BALANCE of spot"


def private_messages(face: "PionexFace", member: Member, events: list[Event]) -> Messages:
    """An order's state, with what was just filled of it before; positions and balances at the end."""
    account, now_ms = member.account, face.now_ms()
    messages: Messages = []
    legs: dict[str, Leg] = {}
    has_money = False
    for event in events:
        if isinstance(event, OrderUpdated):
            if event.order.request.is_spot:
                continue
            if event.fill:
                messages.append(_of("FILL", event.fill.symbol, fill_row(event.fill), at_ms=event.at_ms))
            row = order_row(account, event.order)
            messages.append(_of("ORDER", event.order.request.symbol, row, at_ms=event.at_ms))
        elif isinstance(event, LegChanged):
            legs[f"{event.leg.symbol} {event.leg.side}"] = event.leg
        elif isinstance(event, MoneyMoved):
            has_money = has_money or event.entry.market is not Market.SPOT
    for leg in legs.values():
        messages.append(_of("POSITION", leg.symbol, bare_position_row(account, leg), at_ms=now_ms))
    return messages + (_balances(account, at_ms=now_ms) if has_money else [])


def spot_messages(face: "PionexFace", member: Member, events: list[Event]) -> Messages:
    """As above; balances follow what an order set aside, too."""
    messages: Messages = []
    has_money = False
    for event in events:
        if isinstance(event, OrderUpdated) and event.order.request.is_spot:
            symbol = event.order.request.symbol
            if event.fill:
                messages.append(_of("FILL", symbol, _bare(spot_fill_row(event.fill)), at_ms=event.at_ms))
            messages.append(_of("ORDER", symbol, spot_order_row(event.order), at_ms=event.at_ms))
            has_money = True
        elif isinstance(event, MoneyMoved):
            has_money = has_money or event.entry.market is Market.SPOT
    if has_money:
        now_ms = face.now_ms()
        data = {"balances": balance_rows(member.account), "timestamp": now_ms}
        messages.append((SPOT_BALANCE, {"topic": "BALANCE", "timestamp": now_ms, "data": data}))
    return messages


def _bare(row: Row) -> Row:
    """An execution's symbol is told around it."""
    return {name: value for name, value in row.items() if name != "symbol"}


def _of(topic: str, symbol: str, row: Row, *, at_ms: int) -> tuple[str, object]:
    name = NAMES.get(symbol) or SPOT_NAMES[symbol]
    return key(topic, name), {"topic": topic, "symbol": name, "timestamp": at_ms, "data": row}


def _balances(account: Account, *, at_ms: int) -> Messages:
    rows: list[Row] = [{"type": "CROSS", "balances": [cross_row(account)], "timestamp": at_ms}]
    is_hedged = account.position_mode is PositionMode.HEDGE
    for leg in isolated_legs(account):
        kind = f"ISOLATE_{leg.side.upper() if is_hedged else 'BOTH'}"
        margins = {"symbol": NAMES[leg.symbol], "balances": [isolated_row(leg)]}
        rows.append({"type": kind, **margins, "timestamp": at_ms})
    return [("BALANCE", {"topic": "BALANCE", "timestamp": at_ms, "data": row}) for row in rows]
