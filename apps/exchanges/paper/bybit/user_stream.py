"""What Bybit's private topics say about an account."""

import time
from typing import TYPE_CHECKING

from apps.exchanges.paper.bybit.holdings import position_rows, wallet_row
from apps.exchanges.paper.bybit.rows import Row, category_of, fill_row, funding_row, order_row
from apps.exchanges.paper.face import Member
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.matching.state import Account, EntryKind

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace


def private_messages(face: "BybitFace", member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """Events as the private topics tell them. One message per order state and fill; position and wallet at the end."""
    account = member.account
    messages: list[tuple[str, object]] = []
    symbols: dict[str, None] = {}
    has_money = False
    for event in events:
        if isinstance(event, OrderUpdated):
            messages += _order_messages(event)
        elif isinstance(event, LegChanged):
            symbols[event.leg.symbol] = None
        elif isinstance(event, MoneyMoved):
            has_money = True
            if event.entry.kind is EntryKind.FUNDING:
                messages += _both("execution", funding_row(event.entry), at_ms=event.at_ms)
    for symbol in symbols:
        messages += [m for row in position_rows(account, symbol, venue=face.venue) for m in _both("position", row)]
    return messages + (_wallet_message(face, account) if has_money else [])


def _order_messages(event: OrderUpdated) -> list[tuple[str, object]]:
    messages: list[tuple[str, object]] = []
    kind = category_of(event.order.request.symbol)
    if event.fill:
        row = fill_row(event.fill, order=event.order)
        messages += _both("execution", row, at_ms=event.at_ms, category=kind)
    row = order_row(event.order)
    if event.is_trigger:
        messages += _both("order", {**row, "orderStatus": "Triggered"}, at_ms=event.at_ms, category=kind)
    return messages + _both("order", row, at_ms=event.at_ms, category=kind)


def _both(topic: str, row: Row, *, at_ms: int | None = None, category: str = "linear") -> list[tuple[str, object]]:
    """Readers choose the plain topic or the one of their category."""
    stamp = at_ms or int(time.time() * 1000)
    data = [{**row, "category": category}]
    return [
        (name, {"id": f"paper_{stamp}", "topic": name, "creationTime": stamp, "data": data})
        for name in (topic, f"{topic}.{category}")
    ]


def _wallet_message(face: "BybitFace", account: Account) -> list[tuple[str, object]]:
    now_ms = face.now_ms()
    row = wallet_row(account, venue=face.venue)
    return [("wallet", {"id": f"paper_{now_ms}", "topic": "wallet", "creationTime": now_ms, "data": [row]})]
