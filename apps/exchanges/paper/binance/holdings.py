"""Binance's spelling of balances and positions. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.binance.rows import NAMES, RULES, Row, position_side
from cts.domain.matching import margin
from cts.domain.matching.state import ZERO, Account, Leg, Venue
from cts.domain.types import MarginMode, PositionMode, PositionSide
from cts.domain.units import decimal_text as text


def legs_of(account: Account, symbol: str) -> list[tuple[str, Leg]]:
    """(positionSide, leg) of a symbol: one in one-way mode, two in hedge mode."""
    if account.position_mode is PositionMode.HEDGE:
        return [(position_side(side), account.leg(symbol, side)) for side in PositionSide]
    held = next((side for side in PositionSide if account.held(symbol, side)), PositionSide.LONG)
    return [("BOTH", account.leg(symbol, held))]


def has_orders(account: Account, symbol: str) -> bool:
    return any(order.request.symbol == symbol and order.is_active for order in account.open_orders.values())


def margin_type(account: Account, symbol: str) -> str:
    return "isolated" if account.margin_mode_of(symbol) is MarginMode.ISOLATED else "cross"


def position_row(account: Account, leg: Leg, *, name: str, venue: Venue, version: int) -> Row:
    mark = venue.quotes[leg.symbol].mark
    liquidation = margin.liquidation_price(account, leg, venue=venue)
    amount = leg.quantity * leg.side.sign
    initial = margin.leg_initial(account, leg, venue=venue) if leg.quantity else ZERO
    row: Row = {
        "symbol": NAMES[leg.symbol],
        "positionSide": name,
        "positionAmt": text(amount),
        "entryPrice": text(leg.entry_price),
        "breakEvenPrice": text(leg.entry_price),
        "markPrice": text(mark),
        "unRealizedProfit": text(leg.unrealized(mark)),
        "liquidationPrice": text(liquidation or ZERO),
        "isolatedMargin": text(leg.isolated_margin),
        "notional": text(amount * mark),
        "isolatedWallet": text(leg.isolated_margin),
        "updateTime": leg.updated_ms,
    }
    if version == 2:
        kind = margin_type(account, leg.symbol)
        return row | {
            "leverage": str(account.leverage(leg.symbol)),
            "marginType": kind,
            "isAutoAddMargin": "false",
            "maxNotionalValue": "100000000",
        }
    return row | {
        "marginAsset": "USDT",
        "initialMargin": text(initial),
        "maintMargin": text(margin.leg_maintenance(leg, venue=venue)),
        "positionInitialMargin": text(initial),
        "openOrderInitialMargin": text(margin.orders_initial(account, symbol=leg.symbol)),
        "adl": 2,
        "bidNotional": "0",
        "askNotional": "0",
    }


def position_rows(account: Account, *, venue: Venue, version: int, symbol: str | None = None) -> list[Row]:
    """Version 3 tells only what is held or has orders; version 2 everything."""
    rows = []
    for name in [symbol] if symbol else list(RULES):
        for label, leg in legs_of(account, name):
            if version == 2 or leg.quantity or has_orders(account, name):
                rows.append(position_row(account, leg, name=label, venue=venue, version=version))
    return rows


def balance_row(account: Account, *, venue: Venue, now_ms: int) -> Row:
    cross_wallet = account.balance - margin.isolated_total(account)
    available = margin.available(account, venue=venue)
    return {
        "accountAlias": f"paper{account.number}",
        "asset": "USDT",
        "balance": text(account.balance),
        "crossWalletBalance": text(cross_wallet),
        "crossUnPnl": text(margin.cross_unrealized(account, venue=venue)),
        "availableBalance": text(available),
        "maxWithdrawAmount": text(min(available, account.balance)),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def account_row(account: Account, *, venue: Venue, now_ms: int, version: int) -> Row:
    unrealized = margin.unrealized(account, venue=venue)
    positions_initial = margin.positions_initial(account, venue=venue)
    orders_initial = margin.orders_initial(account)
    balance = balance_row(account, venue=venue, now_ms=now_ms)
    asset = {
        "asset": "USDT",
        "walletBalance": text(account.balance),
        "unrealizedProfit": text(unrealized),
        "marginBalance": text(account.balance + unrealized),
        "maintMargin": text(margin.maintenance_total(account, venue=venue)),
        "initialMargin": text(positions_initial + orders_initial),
        "positionInitialMargin": text(positions_initial),
        "openOrderInitialMargin": text(orders_initial),
        "crossWalletBalance": balance["crossWalletBalance"],
        "crossUnPnl": balance["crossUnPnl"],
        "availableBalance": balance["availableBalance"],
        "maxWithdrawAmount": balance["maxWithdrawAmount"],
        "marginAvailable": True,
        "updateTime": now_ms,
    }
    totals = {
        "totalInitialMargin": asset["initialMargin"],
        "totalMaintMargin": asset["maintMargin"],
        "totalWalletBalance": asset["walletBalance"],
        "totalUnrealizedProfit": asset["unrealizedProfit"],
        "totalMarginBalance": asset["marginBalance"],
        "totalPositionInitialMargin": asset["positionInitialMargin"],
        "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
        "totalCrossWalletBalance": asset["crossWalletBalance"],
        "totalCrossUnPnl": asset["crossUnPnl"],
        "availableBalance": asset["availableBalance"],
        "maxWithdrawAmount": asset["maxWithdrawAmount"],
    }
    head = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False, "updateTime": 0}
    rows = position_rows(account, venue=venue, version=version)
    positions = [_account_position(account, row, version=version) for row in rows]
    return {**(head if version == 2 else {}), **totals, "assets": [asset], "positions": positions}


def _account_position(account: Account, row: Row, *, version: int) -> Row:
    symbol = next(symbol for symbol, name in NAMES.items() if name == row["symbol"])
    found: Row = {
        "symbol": row["symbol"],
        "positionSide": row["positionSide"],
        "positionAmt": row["positionAmt"],
        "unrealizedProfit": row["unRealizedProfit"],
        "isolatedMargin": row["isolatedMargin"],
        "notional": row["notional"],
        "isolatedWallet": row["isolatedWallet"],
        "initialMargin": row.get("initialMargin", _initial(account, row, symbol)),
        "maintMargin": text(abs(Decimal(row["notional"])) * RULES[symbol].maintenance_ratio),
        "updateTime": row["updateTime"],
    }
    if version == 2:
        found |= {
            "leverage": row["leverage"],
            "isolated": row["marginType"] == "isolated",
            "entryPrice": row["entryPrice"],
            "breakEvenPrice": row["entryPrice"],
            "positionInitialMargin": found["initialMargin"],
            "openOrderInitialMargin": "0",
            "maxNotional": "100000000",
            "bidNotional": "0",
            "askNotional": "0",
        }
    return found


def _initial(account: Account, row: Row, symbol: str) -> str:
    if account.margin_mode_of(symbol) is MarginMode.ISOLATED:
        return str(row["isolatedMargin"])
    return text(abs(Decimal(row["notional"])) / account.leverage(symbol))
