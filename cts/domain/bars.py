"""A run of bars as columns, the shape in which history reaches the kernels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from cts.domain.kernel import Floats, Integers
from cts.domain.types import Candle


@dataclass(frozen=True, slots=True)
class Bars:
    """Ascending, without doubles, gaps allowed. `open_ms` is the start of a bar's interval of `timeframe_s`."""

    timeframe_s: int
    open_ms: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def __len__(self) -> int:
        return len(self.open_ms)

    @property
    def end_ms(self) -> int:
        """Where the newest bar ends; 0 without bars."""
        return int(self.open_ms[-1]) + 1000 * self.timeframe_s if len(self) else 0

    def between(self, since_ms: int, until_ms: int) -> "Bars":
        """The bars that open in [since_ms, until_ms)."""
        first, last = np.searchsorted(self.open_ms, [since_ms, until_ms])
        return self._cut(slice(int(first), int(last)))

    def rows(self) -> Iterator[tuple[int, float, float, float, float]]:
        """(open_ms, open, high, low, close), oldest first, as plain numbers."""
        columns = (self.open_ms, self.open, self.high, self.low, self.close)
        return zip(*(column.tolist() for column in columns), strict=True)

    def _cut(self, part: slice) -> "Bars":
        return Bars(
            self.timeframe_s, self.open_ms[part], self.open[part], self.high[part], self.low[part], self.close[part]
        )


def bars_from_columns(timeframe_s: int, columns: Iterable[Iterable[float]]) -> Bars:
    """Bars from the columns open_ms, open, high, low, close in any order of time; the later of two equals wins."""
    table = [np.asarray(list(column), dtype=np.float64) for column in columns]
    open_ms = table[0].astype(np.int64)
    # Reversed, because np.unique keeps the first of equals.
    _, first = np.unique(open_ms[::-1], return_index=True)
    order = len(open_ms) - 1 - first
    prices = [column[order] for column in table[1:5]]
    if not all(np.isfinite(column).all() and (column > 0).all() for column in prices):
        raise ValueError("A bar holds a price that is not a positive number")
    return Bars(timeframe_s, open_ms[order], *prices)


def bars_from_candles(timeframe_s: int, candles: Iterable[Candle]) -> Bars:
    rows = [(candle.open_ms, candle.open, candle.high, candle.low, candle.close) for candle in candles]
    return bars_from_columns(timeframe_s, zip(*rows, strict=True) if rows else [[]] * 5)


def bars_join(timeframe_s: int, parts: Iterable[Bars]) -> Bars:
    """Several runs as one; where they overlap, the later part wins."""
    columns: list[list[float]] = [[], [], [], [], []]
    for part in parts:
        for column, values in zip(columns, (part.open_ms, part.open, part.high, part.low, part.close), strict=True):
            column.extend(values.tolist())
    return bars_from_columns(timeframe_s, columns)
