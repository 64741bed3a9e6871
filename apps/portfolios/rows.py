"""Portfolios as the API serves them and the pages show them."""

from decimal import Decimal
from typing import Any

from apps.orders.rows import text_or_none
from apps.portfolios.guard import limits_of
from apps.portfolios.models import LIMIT_FIELDS, Portfolio
from apps.portfolios.selectors import Window
from apps.portfolios.standing import Standing
from cts.db import iso
from cts.domain.portfolio import Exposure, GroupFacts, GroupLimits, exposures
from cts.domain.units import decimal_text

ZERO = Decimal(0)


def portfolio_row(portfolio: Portfolio) -> dict[str, Any]:
    return {
        "id": portfolio.pk,
        "version": portfolio.version,
        "name": portfolio.name,
        "connections": sorted(row.pk for row in portfolio.connections.all()),
        **{name: getattr(portfolio, name) for name in LIMIT_FIELDS},
        "peak_equity": text_or_none(portfolio.peak_equity),
        "peak_at": iso(portfolio.peak_at),
        "created_at": iso(portfolio.created_at),
        "updated_at": iso(portfolio.updated_at),
    }


def standing_row(portfolio: Portfolio, now: Standing) -> dict[str, Any]:
    """Equity, what is held where and of what, and how much of each limit is used. Money in USDT."""
    facts, exposed = now.facts(portfolio), exposures(now.values())
    return {
        "equity": text_or_none(facts.equity),
        "day_pnl": decimal_text(facts.day_pnl),
        "open_pnl": decimal_text(now.open_pnl),
        "positions": facts.positions,
        "notional": decimal_text(facts.total_notional),
        "drawdown_ratio": facts.drawdown_ratio,
        "day_loss_ratio": facts.day_loss_ratio,
        "allocation": _allocation(now),
        "exposure": [_exposure_row(each, equity=facts.equity) for each in exposed],
        "usage": _usage(facts, exposed, limits=limits_of(portfolio)),
    }


def _allocation(now: Standing) -> list[dict[str, Any]]:
    """Each account's share of the equity, and the value of what it holds."""
    total = sum((row.equity for row in now.balances.values()), ZERO)
    held = {pk: [now.value(row) for row in now.positions if row.connection_id == pk] for pk in now.members}
    rows = [
        {
            "connection": pk,
            "name": connection.name,
            "exchange": connection.exchange,
            "equity": text_or_none(now.balances[pk].equity if pk in now.balances else None),
            "share_ratio": float(now.balances[pk].equity / total) if pk in now.balances and total > 0 else None,
            "positions": len(held[pk]),
            "notional": decimal_text(sum(held[pk], ZERO)),
        }
        for pk, connection in now.members.items()
    ]
    return sorted(rows, key=lambda row: (-(row["share_ratio"] or 0), row["name"]))


def _exposure_row(each: Exposure, *, equity: Decimal | None) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "long": decimal_text(each.long),
        "short": decimal_text(each.short),
        "net": decimal_text(each.net),
        "gross": decimal_text(each.gross),
        "net_ratio": float(each.net / equity) if equity else None,
    }


def _usage(facts: GroupFacts, exposed: list[Exposure], *, limits: GroupLimits) -> list[dict[str, Any]]:
    """Of each limit there is: how much is used by now."""
    equity, largest = facts.equity, max((max(each.long, each.short) for each in exposed), default=ZERO)
    used: dict[str, float | None] = {
        "max_positions": facts.positions,
        "max_total_notional_ratio": float(facts.total_notional / equity) if equity else None,
        "max_symbol_notional_ratio": float(largest / equity) if equity else None,
        "max_daily_loss_ratio": facts.day_loss_ratio,
        "max_drawdown_ratio": facts.drawdown_ratio,
    }
    return [
        {"limit": name, "used": used[name], "allowed": getattr(limits, name)}
        for name in GroupLimits.__struct_fields__
        if getattr(limits, name) is not None
    ]


def window_row(window: Window) -> dict[str, Any]:
    results = window.results
    return {
        "hours": window.hours,
        "trades": results.trades,
        "wins": results.wins,
        "win_rate": results.win_rate,
        "profit_factor": results.profit_factor,
        "net_pnl": decimal_text(results.net_pnl),
        "fees": decimal_text(results.fees),
        "funding": decimal_text(results.funding),
        "expectancy": text_or_none(results.expectancy),
        "equity_change": text_or_none(window.equity_change),
        "drawdown_ratio": window.drawdown_ratio,
    }
