"""BingX's spelling of balances and positions. Reads only."""

from apps.exchanges.paper.bingx.rows import NAMES, Row
from cts.domain.matching import margin
from cts.domain.matching.state import Account, Leg, Venue
from cts.domain.types import MarginMode, PositionMode
from cts.domain.units import decimal_text as text


def is_isolated(account: Account, symbol: str) -> bool:
    return account.margin_mode_of(symbol) is MarginMode.ISOLATED


def position_row(account: Account, leg: Leg, *, venue: Venue) -> Row:
    """Amounts have no sign; the side is named in one-way mode too. The liquidation price is a number."""
    mark = venue.quotes[leg.symbol].mark
    initial = margin.leg_initial(account, leg, venue=venue)
    unrealized = leg.unrealized(mark)
    return {
        "positionId": str(2_000_000_000_000_000_000 + leg.opened_ms),
        "symbol": NAMES[leg.symbol],
        "currency": "USDT",
        "positionAmt": text(leg.quantity),
        "availableAmt": text(leg.quantity),
        "positionSide": leg.side.value.upper(),
        "isolated": is_isolated(account, leg.symbol),
        "avgPrice": text(leg.entry_price),
        "initialMargin": text(initial),
        "margin": text(initial + unrealized),
        "leverage": account.leverage(leg.symbol),
        "unrealizedProfit": text(unrealized),
        "realisedProfit": text(leg.realized_pnl),
        "liquidationPrice": float(margin.liquidation_price(account, leg, venue=venue) or 0),
        "pnlRatio": f"{unrealized / initial:.4f}" if initial else "0.0000",
        "maxMarginReduction": "0.0000",
        "riskRate": "0.0008",
        "markPrice": text(mark),
        "positionValue": text(leg.quantity * mark),
        "onlyOnePosition": account.position_mode is PositionMode.ONE_WAY,
        "updateTime": leg.updated_ms,
    }


def balance_row(account: Account, *, venue: Venue) -> Row:
    unrealized = margin.unrealized(account, venue=venue)
    return {
        "userId": str(account.number),
        "asset": "USDT",
        "balance": text(account.balance),
        "equity": text(account.balance + unrealized),
        "unrealizedProfit": text(unrealized),
        "realisedProfit": "0",
        "availableMargin": text(margin.available(account, venue=venue)),
        "usedMargin": text(margin.positions_initial(account, venue=venue)),
        "freezedMargin": text(margin.orders_initial(account)),
        "shortUid": str(account.number),
    }
