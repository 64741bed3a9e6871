"""Bybit's spelling of positions, the wallet and tickers. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.bybit.listing import NAMES, RULES
from apps.exchanges.paper.bybit.rows import SIDE, Row, category_of
from apps.exchanges.paper.market import Day, Market
from cts.domain.matching import margin, wallet
from cts.domain.matching.state import SETTLE, Account, Leg, Order, Venue
from cts.domain.types import MarginMode, PositionMode, PositionSide
from cts.domain.units import decimal_text as text


def attached(account: Account, leg: Leg, kind: str) -> Order | None:
    """The stop or target hanging on this leg."""
    for order in account.open_orders.values():
        request = order.request
        if request.attached_as == kind and request.symbol == leg.symbol and request.side is leg.side.exit_side:
            return order
    return None


def _level(account: Account, leg: Leg, kind: str) -> str:
    order = attached(account, leg, kind) if leg.quantity else None
    return text(order.trigger_price) if order and order.trigger_price is not None else ""


def position_row(account: Account, symbol: str, *, side: PositionSide | None, index: int, venue: Venue) -> Row:
    leg = account.leg(symbol, side) if side else Leg(symbol=symbol, side=PositionSide.LONG)
    mark = venue.quotes[symbol].mark
    is_held = leg.quantity > 0
    liquidation = margin.liquidation_price(account, leg, venue=venue) if is_held else None
    is_isolated = account.margin_mode_of(symbol) is MarginMode.ISOLATED
    return {
        "positionIdx": index,
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": NAMES[symbol],
        "side": SIDE[leg.side.entry_side] if is_held else "",
        "size": text(leg.quantity),
        "avgPrice": text(leg.entry_price),
        "entryPrice": text(leg.entry_price),
        "positionValue": text(leg.cost),
        "tradeMode": int(is_isolated),
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": str(account.leverage(symbol)),
        "markPrice": text(mark),
        "liqPrice": text(liquidation) if liquidation else "",
        "bustPrice": "",
        "positionIM": text(margin.leg_initial(account, leg, venue=venue)),
        "positionMM": text(margin.leg_maintenance(leg, venue=venue)),
        "positionBalance": text(leg.isolated_margin),
        "tpslMode": "Full",
        "takeProfit": _level(account, leg, "TakeProfit"),
        "stopLoss": _level(account, leg, "StopLoss"),
        "trailingStop": "0",
        "unrealisedPnl": text(leg.unrealized(mark)) if is_held else "",
        "curRealisedPnl": text(leg.realized_pnl),
        "cumRealisedPnl": text(leg.realized_pnl),
        "sessionAvgPrice": "",
        "adlRankIndicator": 2 if is_held else 0,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(leg.opened_ms),
        "updatedTime": str(leg.updated_ms),
        "seq": account.sequence,
    }


def position_rows(account: Account, symbol: str, *, venue: Venue) -> list[Row]:
    """One row in one-way mode, both legs in hedge mode, held or not."""
    if account.position_mode is PositionMode.HEDGE:
        legs = ((PositionSide.LONG, 1), (PositionSide.SHORT, 2))
        return [position_row(account, symbol, side=side, index=index, venue=venue) for side, index in legs]
    held = next((side for side in PositionSide if account.held(symbol, side)), None)
    return [position_row(account, symbol, side=held, index=0, venue=venue)]


def wallet_row(account: Account, *, venue: Venue) -> Row:
    unrealized = margin.unrealized(account, venue=venue)
    coins = [_coin(account, asset, venue=venue) for asset, total in sorted(account.assets.items()) if total]
    held = sum((Decimal(row["usdValue"]) for row in coins), Decimal(0))
    equity = account.balance + unrealized
    positions_initial = margin.positions_initial(account, venue=venue)
    orders_initial = margin.orders_initial(account)
    maintenance = margin.maintenance_total(account, venue=venue)
    coin = {
        "coin": "USDT",
        "equity": text(equity),
        "usdValue": text(equity),
        "walletBalance": text(account.balance),
        "locked": text(wallet.reserved(account, SETTLE, policy=venue.policy)),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": text(orders_initial),
        "totalPositionIM": text(positions_initial),
        "totalPositionMM": text(maintenance),
        "unrealisedPnl": text(unrealized),
        "cumRealisedPnl": "0",
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
    }
    return {
        "accountType": "UNIFIED",
        "accountLTV": "",
        "accountIMRate": text(_ratio(positions_initial + orders_initial, equity)),
        "accountMMRate": text(_ratio(maintenance, equity)),
        "totalEquity": text(equity + held),
        "totalWalletBalance": text(account.balance + held),
        "totalMarginBalance": text(equity),
        "totalAvailableBalance": text(margin.available(account, venue=venue)),
        "totalPerpUPL": text(unrealized),
        "totalInitialMargin": text(positions_initial + orders_initial),
        "totalMaintenanceMargin": text(maintenance),
        "coin": [coin, *coins],
    }


def _coin(account: Account, asset: str, *, venue: Venue) -> Row:
    """A coin of spot: it is held, and margin for nothing."""
    total = account.assets[asset]
    value = total * venue.quotes[f"{asset}/{SETTLE}"].last
    return {
        "coin": asset,
        "equity": text(total),
        "usdValue": text(value),
        "walletBalance": text(total),
        "locked": text(wallet.reserved(account, asset, policy=venue.policy)),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "totalPositionMM": "0",
        "unrealisedPnl": "0",
        "cumRealisedPnl": "0",
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": False,
    }


def _ratio(part: Decimal, whole: Decimal) -> Decimal:
    return round(part / whole, 4) if whole > 0 else Decimal(0)


def ticker_row(symbol: str, *, market: Market, day: Day) -> Row:
    quote = market.quotes[symbol]
    change = float(quote.last) / day.open - 1
    lot = RULES[symbol].lot_step
    plain = {
        "symbol": NAMES[symbol],
        "lastPrice": text(quote.last),
        "prevPrice24h": f"{day.open:.10g}",
        "price24hPcnt": f"{change:.6f}",
        "highPrice24h": f"{max(day.high, float(quote.last)):.10g}",
        "lowPrice24h": f"{min(day.low, float(quote.last)):.10g}",
        "turnover24h": f"{day.turnover:.4f}",
        "volume24h": f"{day.volume:.4f}",
        "bid1Price": text(quote.bid),
        "bid1Size": text(lot * 900),
        "ask1Price": text(quote.ask),
        "ask1Size": text(lot * 850),
    }
    if category_of(symbol) == "spot":
        return plain | {"usdIndexPrice": text(quote.mark)}
    return plain | {
        "indexPrice": text(quote.mark),
        "markPrice": text(quote.mark),
        "prevPrice1h": f"{day.open:.10g}",
        "openInterest": "50000",
        "openInterestValue": text(Decimal(50_000) * quote.mark),
        "fundingRate": text(market.funding_rate(symbol, at_ms=quote.at_ms)),
        "nextFundingTime": str(market.next_funding_ms(at_ms=quote.at_ms)),
    }
