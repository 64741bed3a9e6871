"""Candles of the past, fetched once and kept: gaps found and filled, taken up again where a download was broken off."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import polars as pl

from apps.exchanges.connectors.base import Connector
from apps.exchanges.day_files import DAY_MS, Shelf, day_files_add, day_files_read, day_of
from apps.exchanges.factory import public_connector
from apps.exchanges.selectors import instrument_for, spec_for
from cts.domain.errors import DomainError, RateLimited
from cts.domain.types import Candle

log = logging.getLogger(__name__)

SCHEMA = {
    "open_ms": pl.Int64,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
}
DAY_S = 86_400
# A venue that closes its doors for longer is better asked again later, by hand: what is stored stays.
LONGEST_WAIT_S = 120.0
Sleep = Callable[[float], None]


@dataclass
class CandlesProgress:
    """How far a download is. `bars` counts those fetched now, not those found stored."""

    days: int
    done: int = 0
    bars: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def ratio(self) -> float:
        return self.done / self.days if self.days else 1.0

    @property
    def left_s(self) -> float | None:
        """At the pace so far; None before anything has been done."""
        return (time.monotonic() - self.started) * (self.days - self.done) / self.done if self.done else None


def candles_sync(
    shelf: Shelf,
    *,
    since_ms: int,
    until_ms: int,
    on_progress: Callable[[CandlesProgress], None] = lambda _: None,
    sleep: Sleep = time.sleep,
) -> CandlesProgress:
    """Fetch what is missing of [since_ms, until_ms), a day at a time, each stored as soon as it is there.

    Days that are stored whole cost nothing, so a download that was broken off goes on where it stopped.

    Raises:
        DomainError: `unknown_exchange`, `unknown_market`, `unknown_symbol`, `unknown_timeframe`, `nothing_to_fetch`.
        ExchangeError: the venue can't be asked now; what was fetched is kept.
    """
    _timeframe_check(shelf)
    connector = public_connector(shelf.exchange, shelf.environment, shelf.market)
    instrument_for((shelf.exchange, shelf.environment, shelf.market), shelf.symbol)
    now_ms = connector.server_time_ms()
    until_ms = min(until_ms, now_ms - now_ms % (shelf.timeframe_s * 1000))
    if since_ms >= until_ms:
        raise DomainError("nothing_to_fetch", "The beginning must lie before the end, and in the past", field="since")
    source = _Source(connector, shelf, sleep)
    days = list(_days(max(since_ms, source.first_day_ms(since_ms)), until_ms))
    progress = CandlesProgress(days=len(days))
    for day_ms in days:
        progress.bars += _day_fill(source, day_ms, until_ms=until_ms)
        progress.done += 1
        on_progress(progress)
    return progress


def candles_read(shelf: Shelf, *, since_ms: int, until_ms: int) -> pl.DataFrame:
    """Stored candles with since_ms <= open_ms < until_ms, ascending."""
    return day_files_read(shelf, schema=SCHEMA, since_ms=since_ms, until_ms=until_ms)


def candle_gaps(shelf: Shelf, *, since_ms: int, until_ms: int) -> list[tuple[int, int]]:
    """Spans of [since_ms, until_ms) without stored candles that the venue may still fill."""
    whole = set(shelf.files().filter(is_whole=True).values_list("day", flat=True))
    step_ms = shelf.timeframe_s * 1000
    since_ms = -(-since_ms // step_ms) * step_ms
    gaps = []
    for day_ms in _days(since_ms, until_ms):
        if day_of(day_ms) not in whole:
            gaps += list(_gaps(shelf, max(day_ms, since_ms), min(day_ms + DAY_MS, until_ms)))
    return _merged(gaps)


@dataclass(frozen=True)
class _Source:
    connector: Connector
    shelf: Shelf
    sleep: Sleep

    def first_day_ms(self, since_ms: int) -> int:
        """The first day the venue tells of, found by its daily candles: the years before a listing cost no calls."""
        day_ms = since_ms - since_ms % DAY_MS
        if DAY_S not in spec_for(self.shelf.exchange, self.shelf.market).timeframes:
            return day_ms
        days = self.candles(day_ms, count=1000, timeframe_s=DAY_S)
        return days[0].open_ms if days else day_ms

    def candles(self, since_ms: int, *, count: int, timeframe_s: int) -> list[Candle]:
        waited = 0.0
        while True:
            try:
                return self.connector.candles(
                    self.shelf.symbol, timeframe_s=timeframe_s, since_ms=since_ms, limit=count
                )
            except RateLimited as limited:
                wait_s = 1.0
                if limited.retry_at is not None:
                    wait_s = max(0.1, (limited.retry_at - datetime.now(UTC)).total_seconds())
                waited += wait_s
                if waited > LONGEST_WAIT_S:
                    raise
                self.sleep(wait_s)


def _day_fill(source: _Source, day_ms: int, *, until_ms: int) -> int:
    """The day's missing candles; how many there were."""
    shelf = source.shelf
    end_ms = min(day_ms + DAY_MS, until_ms)
    if shelf.files().filter(day=day_of(day_ms), is_whole=True).exists():
        return 0
    step_ms = shelf.timeframe_s * 1000
    fetched: list[Candle] = []
    for first, last in _gaps(shelf, day_ms, end_ms):
        told = source.candles(first, count=(last - first) // step_ms, timeframe_s=shelf.timeframe_s)
        fetched += [candle for candle in told if candle.is_closed and first <= candle.open_ms < last]
    if fetched:
        day_files_add(shelf, _frame(fetched), joined=_newest)
    if end_ms == day_ms + DAY_MS:
        shelf.files().filter(day=day_of(day_ms)).update(is_whole=True)
    return len(fetched)


def _gaps(shelf: Shelf, since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    step_ms = shelf.timeframe_s * 1000
    stored = candles_read(shelf, since_ms=since_ms, until_ms=until_ms)["open_ms"].to_list()
    for before, after in pairwise([since_ms - step_ms, *stored, until_ms]):
        if after - before > step_ms:
            yield before + step_ms, after


def _merged(gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbors over midnight are one."""
    merged: list[tuple[int, int]] = []
    for first, last in gaps:
        if merged and merged[-1][1] == first:
            first = merged.pop()[0]
        merged.append((first, last))
    return merged


def _days(since_ms: int, until_ms: int) -> range:
    return range(since_ms - since_ms % DAY_MS, until_ms, DAY_MS)


def _frame(candles: list[Candle]) -> pl.DataFrame:
    rows = [(c.open_ms, c.open, c.high, c.low, c.close, c.volume) for c in candles]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _newest(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.unique("open_ms", keep="last").sort("open_ms")


def _timeframe_check(shelf: Shelf) -> None:
    spec = spec_for(shelf.exchange, shelf.market)
    offered = sorted(seconds for seconds in spec.timeframes if seconds <= DAY_S)
    if shelf.timeframe_s not in offered:
        told = ", ".join(map(str, offered))
        raise DomainError("unknown_timeframe", f"{spec.label} has bars of {told} seconds", field="timeframe")
