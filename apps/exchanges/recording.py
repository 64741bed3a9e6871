"""1-second bars of what a feed heard, kept as Parquet: one file per venue, symbol and UTC day, listed in CandleFile."""

import os
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from django.conf import settings

from apps.exchanges.models import CandleFile
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
_DAY_MS = 86_400_000


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
            by_day: dict[int, list[Bar]] = defaultdict(list)
            for bar_row in bars:
                by_day[bar_row[0] // _DAY_MS].append(bar_row)
            for day, rows in by_day.items():
                _day_append(self._venue, symbol, day=_day(day), rows=rows)
        return sum(map(len, closed.values()))


def bars_read(venue: Venue, symbol: str, *, since_ms: int, until_ms: int) -> pl.DataFrame:
    """Recorded bars with since_ms <= open_ms < until_ms, ascending; seconds without a tick are absent."""
    files = CandleFile.objects.filter(
        exchange=venue[0],
        environment=venue[1],
        market=venue[2],
        symbol=symbol,
        timeframe_s=TIMEFRAME_S,
        last_ms__gte=since_ms,
        first_ms__lt=until_ms,
    ).order_by("day")
    frames = [pl.read_parquet(settings.DATA_DIR / file.path) for file in files]
    whole = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
    return whole.filter(pl.col("open_ms").is_between(since_ms, until_ms, closed="left"))


def _day(number: int) -> date:
    return datetime.fromtimestamp(number * _DAY_MS / 1000, UTC).date()


def _path(venue: Venue, symbol: str, day: date) -> Path:
    name = symbol.replace("/", "-").replace(":", "-")
    return Path("candles", *venue, name, f"{TIMEFRAME_S}s", f"{day.isoformat()}.parquet")


def _day_append(venue: Venue, symbol: str, *, day: date, rows: list[Bar]) -> None:
    """The day's file anew, with `rows` in it: Parquet can't be appended to, and a reader must never see half a file."""
    relative = _path(venue, symbol, day)
    path = settings.DATA_DIR / relative
    whole = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    if path.exists():
        whole = pl.concat([pl.read_parquet(path), whole])
    # A restarted feed hears a second again that its predecessor wrote in part.
    whole = (
        whole.sort("open_ms", maintain_order=True)
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
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    whole.write_parquet(draft)
    draft.replace(path)
    CandleFile.objects.update_or_create(
        exchange=venue[0],
        environment=venue[1],
        market=venue[2],
        symbol=symbol,
        timeframe_s=TIMEFRAME_S,
        day=day,
        defaults={
            "path": str(relative),
            "rows": whole.height,
            "first_ms": int(whole["open_ms"][0]),
            "last_ms": int(whole["open_ms"][-1]),
        },
    )
