"""What a line's newest results say. One kernel measures live, after a search and in tests; nothing is estimated."""

import math

import msgspec
import numpy as np

from cts.domain.kernel import Floats, Integers, kernel
from cts.domain.types import LineStatistics

KEPT_RESULTS = 250
RECENT = 50
"""Results behind `expectancy`, and behind the base level's second look."""

_DAY_MS, _HOUR_MS = 86_400_000, 3_600_000
_SLACK = 1e-12  # a curve that comes back to its peak has come back, whatever the last bit of the sum
_RATIOS = (
    "win_rate", "profit_factor", "profit_factor_25", "profit_factor_50", "mean_gain", "expectancy", "payoff",
    "drawdown", "drawdown_time_h", "positions_per_24h",
)  # fmt: skip


@kernel
def _factor(gains: Floats, last: int) -> float:
    """Sum of gains over sum of losses of the newest `last`; not a number while there is no loss."""
    won, lost = 0.0, 0.0
    for i in range(max(0, len(gains) - last), len(gains)):
        if gains[i] > 0.0:
            won += gains[i]
        else:
            lost -= gains[i]
    return won / lost if lost > 0.0 else np.nan


@kernel
def _mean(gains: Floats, last: int) -> float:
    total, count = 0.0, min(last, len(gains))
    for i in range(len(gains) - count, len(gains)):
        total += gains[i]
    return total / count if count else np.nan


@kernel
def _curve(gains: Floats, closed_ms: Integers) -> tuple[float, int, int]:
    """(deepest fall, longest time below a former peak, longest losing run) of the cumulated gains.

    The curve starts at zero with the first result's close; a fall that goes on lasts until the newest result.
    """
    total, peak, deepest, longest, losing, run, is_below = 0.0, 0.0, 0.0, 0, 0, 0, False
    peak_ms = closed_ms[0] if len(gains) else 0
    for i in range(len(gains)):
        total += gains[i]
        if total < peak - _SLACK:
            deepest = max(deepest, peak - total)
            is_below = True
        if is_below:
            longest = max(longest, closed_ms[i] - peak_ms)
        if total >= peak - _SLACK:
            peak, peak_ms, is_below = max(peak, total), closed_ms[i], False
        losing = losing + 1 if gains[i] < 0.0 else 0
        run = max(run, losing)
    return deepest, longest, run


@kernel
def _measure(gains: Floats, closed_ms: Integers, now_ms: int, ratios: Floats, counts: Integers) -> None:
    """Fill `ratios` in the order of _RATIOS (not a number: nothing to divide by yet), and `counts`."""
    size, wins, losses, won, lost = len(gains), 0, 0, 0.0, 0.0
    for i in range(size):
        if gains[i] > 0.0:
            wins, won = wins + 1, won + gains[i]
        elif gains[i] < 0.0:
            losses, lost = losses + 1, lost - gains[i]
    recent = 0
    for i in range(max(0, size - 20), size):
        if now_ms - closed_ms[i] <= _DAY_MS:
            recent += 1
    deepest, longest, run = _curve(gains, closed_ms)
    ratios[0] = wins / size if size else np.nan
    ratios[1], ratios[2], ratios[3] = _factor(gains, size), _factor(gains, 25), _factor(gains, 50)
    ratios[4], ratios[5] = _mean(gains, size), _mean(gains, RECENT)
    ratios[6] = (won / wins) / (lost / losses) if wins and losses else np.nan
    ratios[7], ratios[8] = deepest, longest / _HOUR_MS
    span = closed_ms[size - 1] - closed_ms[0] if size else 0
    ratios[9] = (size - 1) * _DAY_MS / span if span > 0 else 0.0
    counts[0], counts[1], counts[2], counts[3], counts[4] = size, wins, run, recent, losses


def measure(gains: Floats, closed_ms: Integers, *, now_ms: int) -> LineStatistics:
    """Statistics of results in order of closing.

    `mean_gain` is over all of them, `expectancy` the same over the newest 50: what a position may be expected to bring
    now. `positions_per_24h` is the rate between the first and the newest close.
    """
    ratios, counts = np.empty(len(_RATIOS)), np.empty(5, dtype=np.int64)
    _measure(gains, closed_ms, now_ms, ratios, counts)
    size, wins, run, recent, losses = counts.tolist()
    numbers = dict(zip(_RATIOS, ratios.tolist(), strict=True))
    known = {name: value for name, value in numbers.items() if not math.isnan(value)}
    return msgspec.convert(
        {
            "count": size,
            "wins": wins,
            "losing_run": run,
            "recent_24h_of_last_20": recent,
            "has_loss": losses > 0,
            **known,
        },
        LineStatistics,
    )


class ResultBook:
    """The newest `keep` results of each line of a lattice, in rings."""

    def __init__(self, lines: int, *, keep: int = KEPT_RESULTS) -> None:
        self._keep = keep
        self._gains = np.zeros((lines, keep))
        self._closed_ms = np.zeros((lines, keep), dtype=np.int64)
        self._counts = np.zeros(lines, dtype=np.int64)

    def add(self, index: int, *, gain_ratio: float, closed_ms: int) -> None:
        """Results of a line come in order of closing; the oldest beyond `keep` is forgotten."""
        slot = self._counts[index] % self._keep
        self._gains[index, slot] = gain_ratio
        self._closed_ms[index, slot] = closed_ms
        self._counts[index] += 1

    def statistics(self, index: int, *, now_ms: int) -> LineStatistics:
        order = self._order(index)
        return measure(self._gains[index, order], self._closed_ms[index, order], now_ms=now_ms)

    def oldest_kept_ms(self, index: int) -> int:
        """Closing time of the oldest result still kept; 0 without results. What closed before may be deleted."""
        order = self._order(index)
        return int(self._closed_ms[index, order[0]]) if len(order) else 0

    def _order(self, index: int) -> Integers:
        count = int(self._counts[index])
        return np.arange(max(0, count - self._keep), count, dtype=np.int64) % self._keep
