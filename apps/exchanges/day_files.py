"""Bars as Parquet, one file per venue, symbol, timeframe and UTC day, listed in CandleFile. Whole at every moment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings
from django.db.models import QuerySet
from polars.datatypes import DataTypeClass

from apps.exchanges.models import CandleFile
from cts.files import draft_of

DAY_MS = 86_400_000
Schema = Mapping[str, DataTypeClass]


@dataclass(frozen=True)
class Shelf:
    """Where the bars of one symbol and timeframe are kept."""

    exchange: str
    environment: str
    market: str
    symbol: str
    timeframe_s: int

    def files(self) -> QuerySet[CandleFile]:
        return CandleFile.objects.filter(**self.names())

    def names(self) -> dict[str, Any]:
        return {
            "exchange": self.exchange,
            "environment": self.environment,
            "market": self.market,
            "symbol": self.symbol,
            "timeframe_s": self.timeframe_s,
        }

    def path(self, day: date) -> Path:
        """Relative to the data folder."""
        name = self.symbol.replace("/", "-").replace(":", "-")
        venue = (self.exchange, self.environment, self.market)
        return Path("candles", *venue, name, f"{self.timeframe_s}s", f"{day.isoformat()}.parquet")


def day_files_read(shelf: Shelf, *, schema: Schema, since_ms: int, until_ms: int) -> pl.DataFrame:
    """Stored bars with since_ms <= open_ms < until_ms, ascending."""
    files = shelf.files().filter(last_ms__gte=since_ms, first_ms__lt=until_ms).order_by("day")
    frames = [pl.read_parquet(settings.DATA_DIR / file.path) for file in files]
    whole = pl.concat(frames) if frames else pl.DataFrame(schema=schema)
    return whole.filter(pl.col("open_ms").is_between(since_ms, until_ms, closed="left"))


def day_files_add(shelf: Shelf, bars: pl.DataFrame, *, joined: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Write `bars` into the files of their days. `joined` settles which of two bars of the same time is kept."""
    for day, rows in _by_day(bars):
        _day_write(shelf, day, rows, joined)


def day_of(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def _by_day(bars: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    for (number,), rows in bars.group_by(pl.col("open_ms") // DAY_MS, maintain_order=True):
        assert isinstance(number, int)
        yield day_of(number * DAY_MS), rows


def _day_write(shelf: Shelf, day: date, fresh: pl.DataFrame, joined: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """The day's file anew, with `fresh` in it: Parquet can't be appended to, and a reader must never see half a file."""
    relative = shelf.path(day)
    path = settings.DATA_DIR / relative
    whole = joined(pl.concat([pl.read_parquet(path), fresh]) if path.exists() else fresh)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    whole.write_parquet(draft)
    draft.replace(path)
    CandleFile.objects.update_or_create(
        **shelf.names(),
        day=day,
        defaults={
            "path": str(relative),
            "rows": whole.height,
            "first_ms": int(whole["open_ms"][0]),
            "last_ms": int(whole["open_ms"][-1]),
        },
    )
