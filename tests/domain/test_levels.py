"""Who rises: base by own results, main and real by rules, real limited to the best of each symbol and side."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.errors import DomainError
from cts.domain.levels import DEFAULT_RULES, Level, Rule, RuleSet, Standing, Standings, base_next, qualify
from cts.domain.types import LineStatistics, PositionSide

GOOD = LineStatistics(
    count=60,
    wins=36,
    win_rate=0.6,
    profit_factor=1.6,
    profit_factor_25=1.5,
    profit_factor_50=1.4,
    mean_gain=0.001,
    expectancy=0.001,
    payoff=1.1,
    drawdown=0.02,
    drawdown_time_h=4,
    recent_24h_of_last_20=15,
    has_loss=True,
)


def numbers(**changes: object) -> LineStatistics:
    return msgspec.structs.replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("state", "changes", "expected"),
    [
        ("evaluating", {"count": 9, "win_rate": 0.1}, "evaluating"),
        ("evaluating", {"count": 10, "win_rate": 0.39}, "failed"),
        ("evaluating", {"count": 10, "win_rate": 0.40, "expectancy": -0.001}, "active"),
        ("active", {"count": 49, "win_rate": 0.38, "expectancy": -0.001}, "active"),
        ("active", {"count": 49, "win_rate": 0.37}, "paused"),
        ("active", {"count": 50, "win_rate": 0.45, "payoff": 1.2, "expectancy": -0.001}, "active"),
        ("active", {"count": 50, "win_rate": 0.44, "payoff": 1.2, "expectancy": -0.001}, "paused"),
        ("active", {"count": 50, "win_rate": 0.45, "payoff": 1.1, "expectancy": -0.001}, "paused"),
        ("active", {"count": 50, "win_rate": 0.39, "payoff": 1.1, "expectancy": 0.0001}, "active"),
        ("active", {"drawdown": 0.31}, "paused"),
        ("paused", {"win_rate": 0.42}, "paused"),
        ("paused", {"win_rate": 0.43}, "active"),
        ("paused", {"win_rate": 0.6, "drawdown": 0.31}, "paused"),
        ("failed", {}, "failed"),
        ("evaluating", {"count": 50, "win_rate": 0.41, "payoff": 1.0, "expectancy": -0.001}, "paused"),
    ],
)
def test_the_base_state_follows_the_results(state: str, changes: dict[str, object], expected: str) -> None:
    assert base_next(state, numbers(**changes)) == expected


@pytest.mark.parametrize(
    ("state", "changes", "expected"),
    [
        ("active", {}, Level.REAL),
        ("evaluating", {}, Level.BASE),
        ("paused", {}, Level.BASE),
        ("active", {"count": 9}, Level.BASE),
        ("active", {"profit_factor_25": 1.09}, Level.BASE),
        ("active", {"profit_factor_25": 1.1}, Level.MAIN),
        ("active", {"profit_factor_25": 1.19}, Level.MAIN),
        ("active", {"profit_factor_50": 1.19}, Level.MAIN),
        ("active", {"recent_24h_of_last_20": 9}, Level.MAIN),
        ("active", {"drawdown_time_h": 12.1}, Level.MAIN),
        ("active", {"profit_factor_25": None, "profit_factor_50": None}, Level.REAL),
        ("active", {"profit_factor_25": None, "wins": 0}, Level.BASE),
    ],
)
def test_the_default_rules_lift_a_line(state: str, changes: dict[str, object], expected: Level) -> None:
    assert qualify(DEFAULT_RULES, base_state=state, statistics=numbers(**changes)) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "luck"},
        {"metric": "profit_factor", "window": 33},
        {"metric": "count", "operator": "eq"},
        {"metric": "count", "level": Level.BASE},
    ],
)
def test_a_rule_nobody_can_measure_is_refused(wrong: dict[str, Any]) -> None:
    sound: dict[str, Any] = {"level": Level.MAIN, "operator": "ge", "threshold": 1.0}
    with pytest.raises(DomainError):
        Rule(**(sound | wrong))


def standing(line_id: int, *, expectancy: float = 0.001, side: str = "long", state: str = "active") -> Standing:
    return Standing(
        line_id=line_id,
        symbol="BTC/USDT:USDT",
        side=PositionSide(side),
        base_state=state,
        statistics=numbers(expectancy=expectancy),
    )


def test_only_the_best_of_a_side_are_real() -> None:
    lines = [standing(n, expectancy=n / 1000) for n in range(1, 6)] + [standing(9, expectancy=0.0001, side="short")]
    assert Standings(DEFAULT_RULES, lines).real_ids == {3, 4, 5, 9}


def test_a_better_line_takes_the_place_of_the_worst() -> None:
    table = Standings(DEFAULT_RULES, [standing(n, expectancy=n / 1000) for n in range(1, 4)])
    assert table.update(standing(7, expectancy=0.01)) == {1: (Level.REAL, Level.MAIN), 7: (Level.BASE, Level.REAL)}
    assert table.update(standing(7, expectancy=0.01)) == {}
    assert table.update(standing(7, state="paused")) == {1: (Level.MAIN, Level.REAL), 7: (Level.REAL, Level.BASE)}
    assert table.level(1, symbol="BTC/USDT:USDT", side=PositionSide.LONG) is Level.REAL


@dataclass(frozen=True)
class Change:
    line_id: int
    expectancy: float
    side: str
    state: str


change_strategy = st.builds(
    Change,
    line_id=st.integers(1, 8),
    expectancy=st.integers(0, 5).map(float),
    side=st.just("long"),
    state=st.sampled_from(["active", "paused"]),
)


@given(st.lists(change_strategy, max_size=40), st.integers(1, 4))
def test_standings_kept_up_to_date_equal_standings_made_anew(changes: list[Change], places: int) -> None:
    rules = RuleSet(rules=DEFAULT_RULES.rules, real_lines_per_side=places)
    table, newest = Standings(rules), dict[int, Standing]()
    levels: dict[int, Level] = {}
    for change in changes:
        now = standing(change.line_id, expectancy=change.expectancy, side=change.side, state=change.state)
        newest[change.line_id] = now
        for line, (before, after) in table.update(now).items():
            assert levels.get(line, Level.BASE) is before
            levels[line] = after
        fresh = Standings(rules, newest.values())
        assert table.real_ids == fresh.real_ids == {n for n, level in levels.items() if level is Level.REAL}
