"""What OrangeX's private channels say about an account."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Member
from apps.exchanges.paper.orangex.holdings import assets_row, changed_rows, spot_assets_row
from apps.exchanges.paper.orangex.rows import LISTS, NAMES, Row, currency_of, fill_row, order_row
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.types import Market, PositionSide

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

CHANGES = {currency: f"user.changes.{currency.lower()}.{currency}.raw" for currency in LISTS}
ASSETS = {currency: f"user.asset.{currency}" for currency in LISTS}


def notice(channel: str, data: object) -> Row:
    return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}


def private_messages(face: "OrangeXFace", member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """One message per state of an order, with its trade; the legs and the assets follow."""
    messages: list[tuple[str, object]] = []
    legs: dict[str, set[PositionSide]] = {}
    has_money = has_coins = False
    for event in events:
        if isinstance(event, OrderUpdated):
            messages += _order_messages(event)
            has_coins = has_coins or event.order.request.is_spot
        elif isinstance(event, LegChanged):
            legs.setdefault(event.leg.symbol, set()).add(event.leg.side)
        elif isinstance(event, MoneyMoved):
            has_coins = has_coins or event.entry.market is Market.SPOT
            has_money = has_money or event.entry.market is not Market.SPOT
    for symbol, sides in legs.items():
        rows = changed_rows(member.account, symbol, sides, venue=face.venue)
        messages.append(_told(CHANGES["PERPETUAL"], _changes(symbol, positions=rows)))
    if has_money or legs:
        messages.append(_told(ASSETS["PERPETUAL"], {"PERPETUAL": assets_row(member.account, venue=face.venue)}))
    if has_coins:
        messages.append(_told(ASSETS["SPOT"], {"SPOT": spot_assets_row(member.account)}))
    return messages


def _told(channel: str, data: object) -> tuple[str, object]:
    return channel, notice(channel, data)


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
        _told(CHANGES[currency_of(symbol)], _changes(symbol, orders=[order], trades=trades)),
        _told(by_symbol, order),
    ]
    if trades:
        channel = f"user.trades.{NAMES[symbol]}.raw"
        messages.append(_told(channel, trades))
    return messages
