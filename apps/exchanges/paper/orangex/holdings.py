"""OrangeX's spelling of legs, assets, settings and tickers. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.market import Day, Market
from apps.exchanges.paper.orangex.rows import COINS, NAMES, POLICY, RULES, SIDE, Row, leg_word
from cts.domain.matching import margin, wallet
from cts.domain.matching.state import SETTLE, Account, Leg, Venue
from cts.domain.types import MarginMode, PositionMode, PositionSide
from cts.domain.units import decimal_text as text


def position_row(account: Account, leg: Leg, *, venue: Venue) -> Row:
    """A short's size is below zero; a leg that is gone is told once more, with the direction "zero"."""
    mark = venue.quotes[leg.symbol].mark
    liquidation = margin.liquidation_price(account, leg, venue=venue)
    is_hedged = account.position_mode is PositionMode.HEDGE
    is_isolated = account.margin_mode_of(leg.symbol) is MarginMode.ISOLATED
    maintenance = margin.leg_maintenance(leg, venue=venue)
    return {
        "currency": "PERPETUAL",
        "kind": "perpetual",
        "size": text(leg.side.sign * leg.quantity),
        "direction": SIDE[leg.side.entry_side] if leg.quantity else "zero",
        "leverage": str(account.leverage(leg.symbol)),
        "margin": text(margin.leg_initial(account, leg, venue=venue)),
        "version": str(account.sequence),
        "roe": "0",
        "traceType": 0,
        "pos_id": "0",
        "instrument_name": NAMES[leg.symbol],
        "show_name": leg.symbol.split("/")[0] + "USDT",
        "average_price": text(leg.entry_price),
        "mark_price": text(mark),
        "initial_margin": text(margin.leg_initial(account, leg, venue=venue)),
        "maintenance_margin": text(maintenance),
        "total_profit_loss": text(leg.unrealized(mark)),
        "floating_profit_loss": text(leg.unrealized(mark)),
        "realized_profit_loss": text(leg.realized_pnl),
        "liquid_price": text(liquidation) if liquidation else "0",
        "margin_type": "isolated" if is_isolated else "cross",
        "risk_level": text(_ratio(maintenance, account.balance)),
        "available_withdraw_funds": text(margin.available(account, venue=venue)),
        "order_id": "0",
        "stop_loss_price": "0",
        "stop_loss_type": 1,
        "take_profit_price": "0",
        "take_profit_type": 1,
        "position_side": leg_word(leg.side) if is_hedged else "BOTH",
    }


def position_rows(account: Account, *, venue: Venue, symbol: str | None = None) -> list[Row]:
    """Legs that are held; a flat account has none."""
    legs = [leg for leg in account.open_legs() if symbol in (None, leg.symbol)]
    return [position_row(account, leg, venue=venue) for leg in legs]


def changed_rows(account: Account, symbol: str, sides: set[PositionSide], *, venue: Venue) -> list[Row]:
    """What became of the legs that changed. In one-way mode there is one row a symbol, held or gone."""
    legs = [account.leg(symbol, side) for side in PositionSide if side in sides]
    if account.position_mode is PositionMode.ONE_WAY:
        legs = [leg for leg in legs if leg.quantity] or legs[:1]
    return [position_row(account, leg, venue=venue) for leg in legs]


def assets_row(account: Account, *, venue: Venue) -> Row:
    cross, isolated = Decimal(0), Decimal(0)
    for leg in account.open_legs():
        initial = margin.leg_initial(account, leg, venue=venue)
        if account.margin_mode_of(leg.symbol) is MarginMode.CROSS:
            cross += initial
        else:
            isolated += initial
    unrealized = margin.unrealized(account, venue=venue)
    cross_unrealized = margin.cross_unrealized(account, venue=venue)
    available, frozen = margin.available(account, venue=venue), margin.orders_initial(account)
    return {
        "bonus": "0",
        "global_state": 0,
        "available_funds": text(available),
        "wallet_balance": text(account.balance),
        "available_withdraw_funds": text(available),
        "total_pl": text(unrealized),
        "total_upl": text(unrealized),
        "position_rpl": "0",
        "total_upl_isolated": text(unrealized - cross_unrealized),
        "total_upl_cross": text(cross_unrealized),
        "total_initial_margin_cross": text(cross),
        "total_initial_margin_isolated": text(isolated),
        "total_margin_balance_isolated": text(isolated),
        "total_margin_balance": text(account.balance + unrealized),
        "total_margin_balance_cross": text(account.balance + unrealized - isolated),
        "total_maintenance_margin_cross": text(margin.maintenance_total(account, venue=venue)),
        "total_wallet_balance_isolated": text(isolated),
        "order_frozen": text(frozen),
        "order_cross_frozen": text(frozen),
        "order_isolated_frozen": "0",
        "risk_level": "0",
        "bonus_max": "0",
    }


def spot_assets_row(account: Account) -> Row:
    """Coin by coin, of everything ever held."""
    details = []
    for asset in sorted({SETTLE, *account.assets}):
        total = wallet.total(account, asset, policy=POLICY)
        frozen = wallet.reserved(account, asset, policy=POLICY)
        amounts = {"available": text(total - frozen), "freeze": text(frozen), "total": text(total)}
        details.append({"coin_type": asset, **amounts})
    return {"total": "0", "net": "0", "available": "0", "details": details}


def _ratio(part: Decimal, whole: Decimal) -> Decimal:
    return round(part / whole, 6) if whole > 0 else Decimal(0)


def ticker_row(symbol: str, *, market: Market, day: Day, is_socket: bool = False) -> Row:
    """The socket tells the best prices as numbers, the list as text. Of spot the name lacks its ending."""
    quote, lot = market.quotes[symbol], RULES[symbol].lot_step
    best = {
        "best_bid_price": quote.bid,
        "best_bid_amount": lot * 900,
        "best_ask_price": quote.ask,
        "best_ask_amount": lot * 850,
    }
    return {
        "instrument_name": NAMES[symbol].removesuffix("-SPOT") if symbol in COINS else NAMES[symbol],
        "state": "open",
        "last_price": text(quote.last),
        **{name: float(value) if is_socket else text(value) for name, value in best.items()},
        "mark_price": text(quote.mark),
        "underlying_price": text(quote.mark),
        "open_interest": "50000",
        "stats": {
            "high": f"{max(day.high, float(quote.last)):.10g}",
            "low": f"{min(day.low, float(quote.last)):.10g}",
            "price_change": f"{float(quote.last) / day.open - 1:.4f}",
            "volume": f"{day.volume:.4f}",
            "turnover": f"{day.turnover:.4f}",
        },
        "timestamp": str(quote.at_ms),
    }
