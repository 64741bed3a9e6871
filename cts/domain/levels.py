"""Levels of a line: base by its own results, main and real by a rule set, real limited to the best of a symbol and side."""

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from operator import ge, gt, le, lt

import msgspec

from cts.domain.errors import DomainError
from cts.domain.types import LineStatistics, PositionSide

EVALUATING, ACTIVE, PAUSED, FAILED = "evaluating", "active", "paused", "failed"


class Level(StrEnum):
    BASE = "base"
    MAIN = "main"
    REAL = "real"


# What a rule may look at: (metric, newest positions; 0 is all kept) -> field of the statistics.
METRICS: dict[tuple[str, int], str] = {
    ("count", 0): "count",
    ("win_rate", 0): "win_rate",
    ("profit_factor", 0): "profit_factor",
    ("profit_factor", 25): "profit_factor_25",
    ("profit_factor", 50): "profit_factor_50",
    ("mean_gain", 0): "mean_gain",
    ("expectancy", 50): "expectancy",
    ("payoff", 0): "payoff",
    ("drawdown", 0): "drawdown",
    ("drawdown_time_h", 0): "drawdown_time_h",
    ("losing_run", 0): "losing_run",
    ("positions_per_24h", 0): "positions_per_24h",
    ("inside_24h", 20): "recent_24h_of_last_20",
}
_OPERATORS: dict[str, Callable[[float, float], bool]] = {"ge": ge, "le": le, "gt": gt, "lt": lt}
# Nothing lost yet: better than any number.
_UNBOUNDED = frozenset({"profit_factor", "profit_factor_25", "profit_factor_50", "payoff"})


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`metric` over the newest `window` positions must be `operator` `threshold`, given `min_count` positions."""

    level: Level
    metric: str
    operator: str
    threshold: float
    window: int = 0
    min_count: int = 0

    def __post_init__(self) -> None:
        if (self.metric, self.window) not in METRICS:
            windows = sorted(window for metric, window in METRICS if metric == self.metric)
            detail = f"{self.metric} is known over {windows} positions" if windows else f"There is no {self.metric}"
            raise DomainError("rule_metric_unknown", detail, field="metric")
        if self.operator not in _OPERATORS or self.level is Level.BASE:
            raise DomainError("rule_invalid", "A rule is of level main or real and compares by ge, le, gt or lt")

    def holds(self, statistics: LineStatistics) -> bool:
        if statistics.count < self.min_count:
            return False
        value = value_of(statistics, METRICS[self.metric, self.window])
        return value is not None and _OPERATORS[self.operator](value, self.threshold)


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """What a line needs for main and for real, and how many real ones a symbol and side may have."""

    rules: tuple[Rule, ...]
    real_lines_per_side: int = 3


class BaseRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a line's own results make it active, pause it, or fail it."""

    first_look: int = 10
    first_win_rate: float = 0.40
    second_look: int = 50
    second_win_rate: float = 0.45
    second_payoff: float = 1.2
    pause_win_rate: float = 0.38
    pause_drawdown: float = 0.30
    resume_win_rate: float = 0.43


DEFAULT_BASE_RULES = BaseRules()
DEFAULT_RULES = RuleSet(
    rules=(
        Rule(level=Level.MAIN, metric="count", operator="ge", threshold=10),
        Rule(level=Level.MAIN, metric="profit_factor", window=25, operator="ge", threshold=1.1, min_count=10),
        Rule(level=Level.REAL, metric="inside_24h", window=20, operator="ge", threshold=10),
        Rule(level=Level.REAL, metric="profit_factor", window=25, operator="ge", threshold=1.2, min_count=10),
        Rule(level=Level.REAL, metric="profit_factor", window=50, operator="ge", threshold=1.2, min_count=10),
        Rule(level=Level.REAL, metric="drawdown_time_h", operator="le", threshold=12),
    )
)


def value_of(statistics: LineStatistics, field: str) -> float | None:
    """A field as a number to compare: a factor without losses is above all others, an absent number is none."""
    value: float | None = getattr(statistics, field)
    if value is None and field in _UNBOUNDED and statistics.wins > 0:
        return math.inf
    return value


def base_next(state: str, statistics: LineStatistics, *, rules: BaseRules = DEFAULT_BASE_RULES) -> str:
    """The base state after these results: `evaluating -> active | failed`, then `active <-> paused`.

    The first look decides between trial and failure; from the second look on, a line must also have been worth it.
    """
    win_rate = statistics.win_rate or 0.0
    if state == FAILED or statistics.count < rules.first_look:
        return state
    if state == EVALUATING and win_rate < rules.first_win_rate:
        return FAILED
    if not _is_worth_it(statistics, rules) or statistics.drawdown > rules.pause_drawdown:
        return PAUSED
    needed = rules.resume_win_rate if state == PAUSED else rules.pause_win_rate
    return ACTIVE if win_rate >= needed else PAUSED


def _is_worth_it(statistics: LineStatistics, rules: BaseRules) -> bool:
    if statistics.count < rules.second_look or (statistics.expectancy or 0.0) > 0.0:
        return True
    payoff = value_of(statistics, "payoff") or 0.0
    return (statistics.win_rate or 0.0) >= rules.second_win_rate and payoff >= rules.second_payoff


def qualify(rule_set: RuleSet, *, base_state: str, statistics: LineStatistics) -> Level:
    """The level a line's own numbers entitle it to; of those fit for real, `Standings` picks the best."""
    if base_state != ACTIVE or not _all_hold(rule_set, Level.MAIN, statistics):
        return Level.BASE
    return Level.REAL if _all_hold(rule_set, Level.REAL, statistics) else Level.MAIN


def _all_hold(rule_set: RuleSet, level: Level, statistics: LineStatistics) -> bool:
    return all(rule.holds(statistics) for rule in rule_set.rules if rule.level is level)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A line as levels see it."""

    line_id: int
    symbol: str
    side: PositionSide
    base_state: str
    statistics: LineStatistics


class Standings:
    """Who stands where under one rule set, kept up to date line by line."""

    def __init__(self, rule_set: RuleSet, standings: Iterable[Standing] = ()) -> None:
        self.rule_set = rule_set
        self._expectancies: dict[tuple[str, PositionSide], dict[int, float]] = {}
        self._real: dict[tuple[str, PositionSide], frozenset[int]] = {}
        self._main: set[int] = set()
        for standing in standings:
            self._place(standing)
        for market in self._expectancies:
            self._rank(market)

    @property
    def real_ids(self) -> set[int]:
        return set().union(*self._real.values())

    def is_real(self, line_id: int, *, symbol: str, side: PositionSide) -> bool:
        return line_id in self._real.get((symbol, side), ())

    def level(self, line_id: int, *, symbol: str, side: PositionSide) -> Level:
        if self.is_real(line_id, symbol=symbol, side=side):
            return Level.REAL
        return Level.MAIN if line_id in self._main else Level.BASE

    def update(self, standing: Standing) -> dict[int, tuple[Level, Level]]:
        """Take in a line's new numbers. Which lines of its symbol and side changed level: id -> (before, after)."""
        market = (standing.symbol, standing.side)
        concerned = {standing.line_id, *self._real.get(market, ())}
        before = {line: self.level(line, symbol=standing.symbol, side=standing.side) for line in concerned}
        self._place(standing)
        self._rank(market)
        concerned |= self._real[market]
        for line in self._real[market] - before.keys():
            before[line] = Level.MAIN
        after = {line: self.level(line, symbol=standing.symbol, side=standing.side) for line in concerned}
        return {line: (before[line], after[line]) for line in sorted(concerned) if before[line] is not after[line]}

    def _place(self, standing: Standing) -> None:
        level = qualify(self.rule_set, base_state=standing.base_state, statistics=standing.statistics)
        fit = self._expectancies.setdefault((standing.symbol, standing.side), {})
        self._main.discard(standing.line_id)
        fit.pop(standing.line_id, None)
        if level is not Level.BASE:
            self._main.add(standing.line_id)
        if level is Level.REAL:
            fit[standing.line_id] = standing.statistics.expectancy or 0.0

    def _rank(self, market: tuple[str, PositionSide]) -> None:
        # Of equals the older line stays, so that rank does not flicker.
        best = sorted((-expectancy, line) for line, expectancy in self._expectancies[market].items())
        self._real[market] = frozenset(line for _, line in best[: self.rule_set.real_lines_per_side])
