"""Prices sampled once per interval: a ring for the live stream, and the same samples cut out of a run of bars."""

from dataclasses import dataclass

import numpy as np

from cts.domain.bars import Bars
from cts.domain.errors import DomainError
from cts.domain.kernel import Floats, Integers


@dataclass(frozen=True, slots=True)
class Samples:
    """Sampled prices, oldest first, with what an indication needs to read them."""

    prices: Floats
    timeframe_s: int
    position_cost_ratio: float

    def __len__(self) -> int:
        return len(self.prices)

    @property
    def moves(self) -> Floats:
        """u_i = (p_i / p_(i-1) - 1) / PC: one fewer than prices, in steps."""
        return (self.prices[1:] / self.prices[:-1] - 1.0) / self.position_cost_ratio


class Window:
    """The newest `capacity` samples of one symbol.

    A sample is the last price known when an interval of `timeframe_s` (counted from the epoch) ends; an interval
    without a price repeats the one before. Whatever comes first in a new interval closes the samples before it, so a
    signal on the newest sample enters at a price that the signal has not seen.
    """

    def __init__(self, *, capacity: int, timeframe_s: int, position_cost_ratio: float) -> None:
        if capacity < 2:
            raise ValueError("A window holds at least two prices")
        self.capacity = capacity
        self._timeframe_s = timeframe_s
        self._timeframe_ms = 1000 * timeframe_s
        self._position_cost_ratio = position_cost_ratio
        # Written twice as wide as needed, so that the newest `capacity` are always one contiguous piece.
        self._ring = np.zeros(2 * capacity)
        self._end = 0
        self._bucket: int | None = None
        self._last_price = 0.0

    @property
    def samples(self) -> Samples:
        """A view: valid until the next `advance`."""
        prices = self._ring[max(0, self._end - self.capacity) : self._end]
        return Samples(prices, self._timeframe_s, self._position_cost_ratio)

    def __len__(self) -> int:
        return min(self._end, self.capacity)

    @property
    def last_price(self) -> float:
        return self._last_price

    def advance(self, at_ms: int) -> bool:
        """Close the intervals that ended by `at_ms`. True when that made a sample, so that signals are to be looked at."""
        bucket = at_ms // self._timeframe_ms
        if self._bucket is None:
            self._bucket = bucket
            return False
        passed = bucket - self._bucket
        if passed <= 0:
            return False
        for _ in range(min(passed, self.capacity)):
            self._append(self._last_price)
        self._bucket = bucket
        return True

    def see(self, price: float) -> None:
        """The newest price of the interval now running."""
        self._last_price = price

    def _append(self, price: float) -> None:
        if self._end == len(self._ring):
            self._ring[: self.capacity] = self._ring[self.capacity :]
            self._end = self.capacity
        self._ring[self._end] = price
        self._end += 1


@dataclass(frozen=True, slots=True)
class SampledBars:
    """All samples of a run of bars. `entry_bar[k]` is the bar in which a signal on sample k enters, -1 for none."""

    samples: Samples
    entry_bar: Integers


def sample_bars(bars: Bars, *, timeframe_s: int, position_cost_ratio: float) -> SampledBars:
    """The samples a `Window` would have taken while these bars went by."""
    if timeframe_s % bars.timeframe_s:
        raise DomainError(
            "history_too_coarse",
            f"Bars of {bars.timeframe_s} s cannot be sampled every {timeframe_s} s; choose a multiple",
            field="timeframe_s",
        )
    step_ms = 1000 * timeframe_s
    if not len(bars):
        return SampledBars(Samples(np.zeros(0), timeframe_s, position_cost_ratio), np.zeros(0, dtype=np.int64))
    first, last = int(bars.open_ms[0]) // step_ms, int(bars.open_ms[-1]) // step_ms
    ends_ms = np.arange(first + 1, last + 1, dtype=np.int64) * step_ms
    next_bar = np.searchsorted(bars.open_ms, ends_ms)
    # A signal whose next price comes only after its interval is stale: the window looks at the newest sample alone.
    is_fresh = bars.open_ms[next_bar] < ends_ms + step_ms
    entry_bar = np.where(is_fresh, next_bar, -1).astype(np.int64)
    return SampledBars(Samples(bars.close[next_bar - 1], timeframe_s, position_cost_ratio), entry_bar)
