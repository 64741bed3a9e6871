"""Which configurations earned something lately: a sample of the grid over recent bars, by the kernels that trade live."""

from collections.abc import Sequence

import msgspec
import numpy as np

from cts.domain import simulation
from cts.domain.bars import Bars
from cts.domain.configurations import Configuration
from cts.domain.indications.registry import SignalTable
from cts.domain.lattice import Closed, Costs, LineState, exit_table
from cts.domain.levels import EVALUATING, FAILED, base_next, value_of
from cts.domain.statistics import KEPT_RESULTS, measure
from cts.domain.types import LineStatistics, PositionSide
from cts.domain.window import sample_bars

MIN_POSITIONS = 10
"""A configuration with fewer positions has shown nothing yet."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One line over the bars: its newest results, and where it stood when they ended."""

    configuration: Configuration
    side: PositionSide
    statistics: LineStatistics
    results: tuple[Closed, ...]
    state: LineState


class Simulated:
    """All configurations on both sides over one symbol's bars. Lines are numbered: long 0..n-1, short n..2n-1."""

    def __init__(
        self,
        configurations: Sequence[Configuration],
        bars: Bars,
        *,
        timeframe_s: int,
        position_cost_ratio: float,
        costs: Costs,
        keep: int = KEPT_RESULTS,
    ) -> None:
        self.configurations = configurations
        self.end_ms = bars.end_ms
        sampled = sample_bars(bars, timeframe_s=timeframe_s, position_cost_ratio=position_cost_ratio)
        signals = SignalTable([(each.indication, each.parameters) for each in configurations])
        lines = [
            each.line(0, symbol="", side=side, position_cost_ratio=position_cost_ratio)
            for side in PositionSide
            for each in configurations
        ]
        count = len(lines)
        self._keep = keep
        self._times = np.zeros((count, keep, 2), dtype=np.int64)
        self._values = np.zeros((count, keep, 3))
        self._reasons = np.zeros((count, keep), dtype=np.int8)
        self._counts = np.zeros(count, dtype=np.int64)
        self._left, self._left_ms = np.zeros((count, 2)), np.zeros((count, 2), dtype=np.int64)
        simulation.simulate(
            bars.open_ms, bars.open, bars.high, bars.low, sampled.entry_bar, signals.sides(sampled.samples, first=0),
            np.concatenate([signals.index, signals.index]), exit_table(lines), costs.rates, costs.times_ms,
            self._times, self._values, self._reasons, self._counts, self._left, self._left_ms,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, line: int) -> int:
        """Positions closed over the whole run, kept or not."""
        return int(self._counts[line])

    def side(self, line: int) -> PositionSide:
        return PositionSide.LONG if line < len(self.configurations) else PositionSide.SHORT

    def statistics(self, line: int) -> LineStatistics:
        order = self._order(line)
        return measure(self._values[line, order, 2], self._times[line, order, 1], now_ms=self.end_ms)

    def found(self, line: int) -> Found:
        return Found(
            configuration=self.configurations[line % len(self.configurations)],
            side=self.side(line),
            statistics=self.statistics(line),
            results=tuple(self._result(line, slot) for slot in self._order(line)),
            state=self._state(line),
        )

    def best(self, per_side: int) -> list[Found]:
        """The best of each side by what they earned in all, then profit factor; only those the base level lets live."""
        chosen: list[Found] = []
        for side in PositionSide:
            shown = [line for line in range(len(self)) if self.side(line) is side and self.count(line) >= MIN_POSITIONS]
            numbers = {line: self.statistics(line) for line in shown}
            alive = [line for line in shown if base_next(EVALUATING, numbers[line]) != FAILED]
            ranked = sorted((_rank(numbers[line]), line) for line in alive)
            chosen += [self.found(line) for _, line in ranked[:per_side]]
        return chosen

    def _order(self, line: int) -> list[int]:
        count = int(self._counts[line])
        return [number % self._keep for number in range(max(0, count - self._keep), count)]

    def _result(self, line: int, slot: int) -> Closed:
        opened, closed = self._times[line, slot].tolist()
        entry, leave, gain = self._values[line, slot].tolist()
        return Closed(
            index=line,
            opened_ms=opened,
            closed_ms=closed,
            entry_price=entry,
            exit_price=leave,
            gain_ratio=gain,
            reason=simulation.REASONS[int(self._reasons[line, slot])],
        )

    def _state(self, line: int) -> LineState:
        (entry, best), (opened, quiet) = self._left[line].tolist(), self._left_ms[line].tolist()
        if not entry:
            return LineState(quiet_until_ms=quiet)
        return LineState(quiet_until_ms=quiet, entry_price=entry, best_price=best, opened_ms=opened)


def _rank(statistics: LineStatistics) -> tuple[float, float]:
    """Sorts the best first. By the sum, not the mean: a few lucky positions prove less than many good ones."""
    return -(statistics.mean_gain or 0.0) * statistics.count, -(value_of(statistics, "profit_factor") or 0.0)
