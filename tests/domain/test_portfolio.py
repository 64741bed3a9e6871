"""Limits of several accounts together, what they hold against each other, and how they did."""

from decimal import Decimal

import pytest

from cts.domain.portfolio import GroupFacts, GroupLimits, deepest_fall_ratio, exposures, group_checks, performance
from cts.domain.types import PositionSide

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def facts(**fields: object) -> GroupFacts:
    values = {
        "name": "All",
        "equity": Decimal(1000),
        "peak_equity": Decimal(1000),
        "positions": 2,
        "total_notional": Decimal(1500),
        "symbol_notional": Decimal(400),
        "day_pnl": Decimal(0),
    }
    return GroupFacts(**{**values, **fields})  # type: ignore[arg-type]


def codes(limits: GroupLimits, given: GroupFacts | None = None, notional: int = 100) -> dict[str, bool]:
    found = group_checks(given or facts(), limits=limits, notional=Decimal(notional), symbol=BTC)
    return {check.code: check.is_passed for check in found}


def test_without_limits_nothing_is_checked() -> None:
    assert codes(GroupLimits()) == {}


@pytest.mark.parametrize(
    ("limits", "given", "expected"),
    [
        (GroupLimits(max_positions=3), facts(), {"portfolio_positions": True}),
        (GroupLimits(max_positions=2), facts(), {"portfolio_positions": False}),
        (GroupLimits(max_total_notional_ratio=1.6), facts(), {"portfolio_notional": True}),
        (GroupLimits(max_total_notional_ratio=1.59), facts(), {"portfolio_notional": False}),
        (GroupLimits(max_symbol_notional_ratio=0.5), facts(), {"portfolio_symbol": True}),
        (GroupLimits(max_symbol_notional_ratio=0.49), facts(), {"portfolio_symbol": False}),
        (GroupLimits(max_daily_loss_ratio=0.05), facts(day_pnl=Decimal(-50)), {"portfolio_daily_loss": True}),
        # It began with 1060 and has lost 60 of them.
        (GroupLimits(max_daily_loss_ratio=0.05), facts(day_pnl=Decimal(-60)), {"portfolio_daily_loss": False}),
        (GroupLimits(max_drawdown_ratio=0.2), facts(peak_equity=Decimal(1249)), {"portfolio_drawdown": True}),
        (GroupLimits(max_drawdown_ratio=0.2), facts(peak_equity=Decimal(1250)), {"portfolio_drawdown": False}),
        (GroupLimits(max_positions=9), facts(equity=None), {"portfolio_equity": False}),
    ],
)
def test_each_limit(limits: GroupLimits, given: GroupFacts, expected: dict[str, bool]) -> None:
    assert codes(limits, given) == expected


def test_a_refusal_names_the_portfolio_and_the_numbers() -> None:
    [check] = group_checks(
        facts(day_pnl=Decimal(-60)), limits=GroupLimits(max_daily_loss_ratio=0.05), notional=Decimal(1), symbol=BTC
    )
    assert check.sentence == ("portfolio All has lost 5.66 % since 00:00 UTC; from 5.00 % no entries until tomorrow")


def test_exposure_is_by_symbol_the_largest_first_long_against_short() -> None:
    held = [(ETH, LONG, Decimal(50)), (BTC, LONG, Decimal(300)), (BTC, SHORT, Decimal(100)), (BTC, LONG, Decimal(10))]
    found = [(each.symbol, *map(int, (each.long, each.short, each.net, each.gross))) for each in exposures(held)]
    assert found == [(BTC, 310, 100, 210, 410), (ETH, 50, 0, 50, 50)]


def test_results_by_hand() -> None:
    rows = [(Decimal(3), Decimal("0.5"), Decimal("-0.1")), (Decimal(-1), Decimal("0.5"), Decimal(0)), (Decimal(0),) * 3]
    found = performance(rows)
    assert (found.trades, found.wins, int(found.net_pnl), int(found.fees)) == (3, 1, 2, 1)
    assert found.funding == Decimal("-0.1")
    assert (found.win_rate, found.profit_factor, found.expectancy) == (1 / 3, 3.0, Decimal(2) / 3)


def test_of_nothing_nothing_is_said() -> None:
    found = performance([])
    assert (found.trades, int(found.net_pnl)) == (0, 0)
    assert [found.win_rate, found.profit_factor, found.expectancy] == [None] * 3


def test_the_deepest_fall_is_from_the_peak_before_it() -> None:
    assert deepest_fall_ratio([Decimal(n) for n in (100, 120, 90, 130, 117)]) == 0.25
    assert deepest_fall_ratio([]) == 0.0
