"""What OrangeX's private channels say about an account."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Member
from apps.exchanges.paper.orangex.holdings import assets_row, changed_rows
from apps.exchanges.paper.orangex.rows import NAMES, Row, fill_row, order_row
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.types import PositionSide

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

CHANGES = "user.changes.perpetual.PERPETUAL.raw"
ASSETS = "user.asset.PERPETUAL"


def notice(channel: str, data: object) -> Row:
    return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}


def private_messages(face: "OrangeXFace", member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """One message per state of an order, with its trade; the legs and the assets follow."""
    messages: list[tuple[str, object]] = []
    legs: dict[str, set[PositionSide]] = {}
    has_money = False
    for event in events:
        if isinstance(event, OrderUpdated):
            messages += _order_messages(event)
        elif isinstance(event, LegChanged):
            legs.setdefault(event.leg.symbol, set()).add(event.leg.side)
        elif isinstance(event, MoneyMoved):
            has_money = True
    for symbol, sides in legs.items():
        rows = changed_rows(member.account, symbol, sides, venue=face.venue)
        messages.append((CHANGES, notice(CHANGES, _changes(symbol, positions=rows))))
    if has_money or legs:
        messages.append((ASSETS, assets_message(face, member)))
    return messages


def assets_message(face: "OrangeXFace", member: Member) -> Row:
    return notice(ASSETS, {"PERPETUAL": assets_row(member.account, venue=face.venue)})


def _changes(
    symbol: str, *, orders: list[Row] | None = None, positions: list[Row] | None = None, trades: list[Row] | None = None
) -> Row:
    return {
        "orders": orders or [],
        "positions": positions or [],
        "trades": trades or [],
        "instrument_name": NAMES[symbol],
    }


def _order_messages(event: OrderUpdated) -> list[tuple[str, object]]:
    """To those who want all changes, and to those who want one symbol's orders or trades."""
    order, symbol = order_row(event.order), event.order.request.symbol
    trades = [fill_row(event.fill, order=event.order)] if event.fill else []
    by_symbol = f"user.orders.{NAMES[symbol]}.raw"
    messages: list[tuple[str, object]] = [
        (CHANGES, notice(CHANGES, _changes(symbol, orders=[order], trades=trades))),
        (by_symbol, notice(by_symbol, order)),
    ]
    if trades:
        channel = f"user.trades.{NAMES[symbol]}.raw"
        messages.append((channel, notice(channel, trades)))
    return messages
