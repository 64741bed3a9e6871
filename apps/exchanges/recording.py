"""1-second bars of what a feed heard, kept as Parquet: a file per venue, symbol and UTC day."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from apps.exchanges.day_files import Shelf, day_files_add, day_files_read
from cts.domain.types import Tick

TIMEFRAME_S = 1
# `ticks` counts price changes heard; a ticker stream doesn't tell volumes, so there is no volume column.
SCHEMA = {
    "open_ms": pl.Int64,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "ticks": pl.UInt32,
}
Bar = tuple[int, float, float, float, float, int]
Venue = tuple[str, str, str]


@dataclass
class _Open:
    """The bar of the second that is still going on."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    ticks: int = 1

    def closed(self) -> Bar:
        return self.open_ms, self.open, self.high, self.low, self.close, self.ticks


class BarRecorder:
    """`add` is for the stream's thread and cheap; `flush` writes, from another thread, at the caller's pace."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._open: dict[str, _Open] = {}
        self._closed: dict[str, list[Bar]] = defaultdict(list)
        self._lock = threading.Lock()

    def add(self, ticks: Iterable[Tick]) -> None:
        with self._lock:
            for tick in ticks:
                self._add(tick)

    def _add(self, tick: Tick) -> None:
        open_ms = tick.at_ms - tick.at_ms % (TIMEFRAME_S * 1000)
        bar = self._open.get(tick.symbol)
        if bar is not None and open_ms < bar.open_ms:
            return  # Late: its bar is closed, and may be written already.
        if bar is None or open_ms > bar.open_ms:
            if bar is not None:
                self._closed[tick.symbol].append(bar.closed())
            self._open[tick.symbol] = _Open(open_ms, tick.price, tick.price, tick.price, tick.price)
            return
        bar.high, bar.low = max(bar.high, tick.price), min(bar.low, tick.price)
        bar.close = tick.price
        bar.ticks += 1

    def flush(self, *, is_last: bool = False) -> int:
        """Write the closed bars; with `is_last` also the ones still open. Returns how many were written."""
        with self._lock:
            closed, self._closed = self._closed, defaultdict(list)
            if is_last:
                for symbol, bar in self._open.items():
                    closed[symbol].append(bar.closed())
                self._open = {}
        for symbol, bars in closed.items():
            fresh = pl.DataFrame(bars, schema=SCHEMA, orient="row")
            day_files_add(Shelf(*self._venue, symbol, TIMEFRAME_S), fresh, joined=_joined)
        return sum(map(len, closed.values()))


def bars_read(venue: Venue, symbol: str, *, since_ms: int, until_ms: int) -> pl.DataFrame:
    """Recorded bars with since_ms <= open_ms < until_ms, ascending; seconds without a tick are absent."""
    shelf = Shelf(*venue, symbol, TIMEFRAME_S)
    return day_files_read(shelf, schema=SCHEMA, since_ms=since_ms, until_ms=until_ms)


def _joined(bars: pl.DataFrame) -> pl.DataFrame:
    """A restarted feed hears a second again that its predecessor wrote in part."""
    return (
        bars.sort("open_ms", maintain_order=True)
        .group_by("open_ms", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("ticks").sum(),
        )
        .cast(SCHEMA)  # type: ignore[arg-type]
    )
