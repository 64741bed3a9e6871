"""Pionex's spelling of positions and balances. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.pionex.rows import NAMES, Row, isolated_word
from cts.domain.matching import margin
from cts.domain.matching.state import Account, Leg, Venue
from cts.domain.types import PositionMode, PositionSide
from cts.domain.units import decimal_text as text


def _leg_named(account: Account, leg: Leg) -> PositionSide | None:
    return leg.side if account.position_mode is PositionMode.HEDGE else None


def bare_position_row(account: Account, leg: Leg) -> Row:
    """What the stream tells of a leg: nothing that moves with the mark price. Sizes are signed, and so are amounts."""
    signed, is_long = leg.side.sign * leg.quantity, leg.side is PositionSide.LONG
    spent = text(-leg.side.sign * leg.cost)
    return {
        "positionId": f"{account.number}_{NAMES[leg.symbol]}_{leg.side}",
        "symbol": NAMES[leg.symbol],
        "isolatedMode": isolated_word(account, leg.symbol, _leg_named(account, leg)),
        "positionSide": "LONG" if is_long else "SHORT",
        "netSize": text(signed),
        "avgPrice": text(leg.entry_price),
        "sizeLong": text(signed) if is_long else "0",
        "sizeShort": "0" if is_long else text(signed),
        "amountLong": spent if is_long else "0",
        "amountShort": "0" if is_long else spent,
        "amountSettled": "0",
        "sizeLiquidated": "0",
        "amountLiquidated": "0",
        "sizeTakeover": "0",
        "createTime": leg.opened_ms,
        "updateTime": leg.updated_ms,
    }


def position_row(account: Account, leg: Leg, *, venue: Venue) -> Row:
    mark = venue.quotes[leg.symbol].mark
    liquidation = margin.liquidation_price(account, leg, venue=venue)
    row = bare_position_row(account, leg)
    del row["sizeTakeover"]
    return row | {
        "riskState": "" if margin.is_cross(account, leg.symbol) else "TRADING",
        "unrealizedPnL": text(leg.unrealized(mark)),
        "markPrice": text(mark),
        "initialMargin": text(margin.leg_initial(account, leg, venue=venue)),
        "maintMargin": text(margin.leg_maintenance(leg, venue=venue)),
        "liquidationPrice": text(liquidation) if liquidation else "0",
        "leverage": str(account.leverage(leg.symbol)),
    }


def cross_row(account: Account) -> Row:
    """The account's own coins, without what isolated legs carry."""
    frozen = margin.orders_initial(account)
    held = account.balance - margin.isolated_total(account)
    return {"coin": "USDT", "free": _eight(held - frozen), "frozen": _eight(frozen), "debts": "0"}


def isolated_row(leg: Leg) -> Row:
    return {"coin": "USDT", "free": _eight(leg.isolated_margin), "frozen": _eight(Decimal(0)), "debts": "0"}


def isolated_legs(account: Account) -> list[Leg]:
    return [leg for leg in account.open_legs() if not margin.is_cross(account, leg.symbol)]


def detail(account: Account, *, venue: Venue) -> Row:
    """All of it at once. The unrealized profit of a coin is that of the cross legs; isolated ones tell their own."""
    balance = cross_row(account) | {
        "assets": text(account.balance - margin.isolated_total(account)),
        "transferable": text(margin.available(account, venue=venue)),
        "available": text(margin.available(account, venue=venue)),
        "unrealizedPnL": text(margin.cross_unrealized(account, venue=venue)),
        "totalInitialMargin": text(
            margin.positions_initial(account, venue=venue)
            - margin.isolated_total(account)
            + margin.orders_initial(account)
        ),
    }
    positions = []
    for leg in account.open_legs():
        row = position_row(account, leg, venue=venue)
        row["createdTime"], row["updatedTime"] = row.pop("createTime"), row.pop("updateTime")
        is_cross = margin.is_cross(account, leg.symbol)
        margins = {"totalInitialMargin": text(leg.isolated_margin), "transferable": "0"}
        positions.append(row | {"balances": None if is_cross else [isolated_row(leg) | margins]})
    return {
        "quoteRisks": [{"quote": "USDT", "riskState": "TRADING"}],
        "balances": [balance] if account.balance else None,
        "positions": positions or None,
    }


def _eight(value: Decimal) -> str:
    return f"{value:.8f}"
