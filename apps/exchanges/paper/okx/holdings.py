"""OKX's spelling of positions, the balance and tickers. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.market import Day, Market, perpetual_of
from apps.exchanges.paper.okx.listing import NAMES, SIZES, contracts, kind_of
from apps.exchanges.paper.okx.rows import MARGIN, Row
from cts.domain.matching import margin, spot, wallet
from cts.domain.matching.state import SETTLE, Account, Leg, Venue
from cts.domain.types import MarginMode, PositionMode, PositionSide
from cts.domain.units import decimal_text as text


def position_row(account: Account, leg: Leg, *, venue: Venue) -> Row:
    """Net amounts are signed, hedge legs named and unsigned. A flat one keeps its row, with little in it."""
    symbol, mark, is_held = leg.symbol, venue.quotes[leg.symbol].mark, leg.quantity > 0
    mode, is_hedged = account.margin_mode_of(symbol), account.position_mode is PositionMode.HEDGE
    is_isolated = mode is MarginMode.ISOLATED
    amount = contracts(symbol, leg.quantity if is_hedged else leg.quantity * leg.side.sign)
    unrealized = leg.unrealized(mark)
    initial = margin.leg_initial(account, leg, venue=venue)
    maintenance = margin.leg_maintenance(leg, venue=venue)
    liquidation = margin.liquidation_price(account, leg, venue=venue) if is_held else None
    backing = leg.isolated_margin if is_isolated else account.balance
    held = {
        "avgPx": text(leg.entry_price),
        "lever": str(account.leverage(symbol)),
        "liqPx": text(liquidation) if liquidation else "",
        "imr": "" if is_isolated else text(initial),
        "margin": text(leg.isolated_margin) if is_isolated else "",
        "mmr": text(maintenance),
        "mgnRatio": f"{(backing + unrealized) / maintenance:.6f}" if maintenance else "",
        "notionalUsd": text(leg.quantity * mark),
        "upl": text(unrealized),
        "uplRatio": f"{unrealized / initial:.8f}" if initial else "",
    }
    return {
        "adl": "1" if is_held else "",
        "availPos": contracts(symbol, leg.quantity) if is_held else "",
        "cTime": str(leg.opened_ms),
        "ccy": "USDT",
        "instId": NAMES[symbol],
        "instType": "SWAP",
        "interest": "",
        "last": text(venue.quotes[symbol].last),
        "liab": "",
        "liabCcy": "",
        "markPx": text(mark),
        "mgnMode": MARGIN[mode],
        "pos": amount,
        "posCcy": "",
        "posId": f"{account.number}{list(NAMES).index(symbol)}{int(leg.side is PositionSide.SHORT)}",
        "posSide": leg.side.value if is_hedged else "net",
        "realizedPnl": text(leg.realized_pnl),
        "tradeId": "",
        "uTime": str(leg.updated_ms),
        **(held if is_held else dict.fromkeys(held, "")),
    }


def position_rows(account: Account, *, venue: Venue, symbol: str | None = None) -> list[Row]:
    return [position_row(account, leg, venue=venue) for leg in account.open_legs() if symbol in (None, leg.symbol)]


def balance_row(account: Account, *, venue: Venue, now_ms: int) -> Row:
    unrealized = margin.unrealized(account, venue=venue)
    equity, free = account.balance + unrealized, margin.available(account, venue=venue)
    initial = margin.positions_initial(account, venue=venue) + margin.orders_initial(account)
    isolated = text(margin.isolated_total(account))
    detail = {
        "availBal": text(spot.available(account, SETTLE, venue=venue)),
        "availEq": text(free),
        "cashBal": text(account.balance),
        "ccy": "USDT",
        "disEq": text(equity),
        "eq": text(equity),
        "eqUsd": text(equity),
        "frozenBal": text(max(equity - free, Decimal(0))),
        "imr": text(initial),
        "interest": "",
        "isoEq": isolated,
        "isoUpl": "0",
        "liab": "",
        "mgnRatio": "",
        "mmr": text(margin.maintenance_total(account, venue=venue)),
        "notionalLever": "0",
        "ordFrozen": text(margin.orders_initial(account)),
        "uTime": str(now_ms),
        "upl": text(unrealized),
        "uplLiab": "",
    }
    whole = dict.fromkeys(("adjEq", "imr", "mgnRatio", "mmr", "notionalUsd", "ordFroz", "upl"), "")
    coins = [_coin(account, asset, venue=venue, now_ms=now_ms) for asset in account.assets]
    total = equity + sum((Decimal(coin["eqUsd"]) for coin in coins), Decimal(0))
    return {**whole, "details": [detail, *coins], "isoEq": isolated, "totalEq": text(total), "uTime": str(now_ms)}


def _coin(account: Account, asset: str, *, venue: Venue, now_ms: int) -> Row:
    """A coin of spot: it is held, and margin for nothing."""
    held, value = account.assets[asset], account.assets[asset] * venue.quotes[f"{asset}/{SETTLE}"].last
    empty = ("availEq", "interest", "liab", "mgnRatio", "mmr", "imr", "upl", "uplLiab")
    return {
        **dict.fromkeys(empty, ""),
        "availBal": text(spot.available(account, asset, venue=venue)),
        "cashBal": text(held),
        "ccy": asset,
        "disEq": text(value),
        "eq": text(held),
        "eqUsd": text(value),
        "frozenBal": text(wallet.reserved(account, asset, policy=venue.policy)),
        "isoEq": "0",
        "isoUpl": "0",
        "notionalLever": "0",
        "ordFrozen": text(wallet.reserved(account, asset, policy=venue.policy)),
        "uTime": str(now_ms),
    }


def ticker_row(symbol: str, *, market: Market, day: Day) -> Row:
    quote = market.quotes[symbol]
    return {
        "instType": kind_of(symbol),
        "instId": NAMES[symbol],
        "last": text(quote.last),
        "lastSz": contracts(symbol, market.trades[perpetual_of(symbol)][-1].quantity),
        "askPx": text(quote.ask),
        "askSz": "850",
        "bidPx": text(quote.bid),
        "bidSz": "900",
        "open24h": f"{day.open:.10g}",
        "high24h": f"{max(day.high, float(quote.last)):.10g}",
        "low24h": f"{min(day.low, float(quote.last)):.10g}",
        # In coins; of spot in quote.
        "volCcy24h": f"{day.volume if kind_of(symbol) == 'SWAP' else day.turnover:.4f}",
        "vol24h": f"{day.volume / float(SIZES[symbol]):.4f}",
        "ts": str(quote.at_ms),
        "sodUtc0": f"{day.open:.10g}",
        "sodUtc8": f"{day.open:.10g}",
    }
