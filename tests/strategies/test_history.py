"""Bars for studies: our own recording first, the venue where it has holes, pages fetched to the end."""

import time
from pathlib import Path

import polars as pl
import pytest
from pytest_django import Settings

from apps.exchanges import history as module
from apps.exchanges.candles import SCHEMA
from apps.exchanges.day_files import Shelf, day_files_add
from apps.exchanges.history import history_bars
from apps.exchanges.recording import BarRecorder
from cts.domain.errors import Unavailable
from cts.domain.types import Candle, Tick
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
SYMBOL = "BTC/USDT:USDT"
VENUE = ("bybit", "paper", "linear")
# A venue tells so many days only: three hours ago, on the hour.
SINCE_MS = (int(time.time()) // 3600 - 3) * 3_600_000


@pytest.fixture(autouse=True)
def _venue(moving_paper_venue: PaperVenueControl, settings: Settings, tmp_path: Path) -> None:
    settings.PAPER_URL, settings.DATA_DIR = moving_paper_venue.url, tmp_path


def test_the_paper_venue_tells_every_second_over_several_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAPER_PAGE", 250)
    bars = history_bars(*VENUE, SYMBOL, SINCE_MS, SINCE_MS + 1_001_000)
    assert bars.timeframe_s == 1
    assert bars.open_ms.tolist() == list(range(SINCE_MS, SINCE_MS + 1_001_000, 1000))
    assert (bars.high >= bars.low).all()


def test_minutes_are_asked_for_where_minutes_are_enough() -> None:
    bars = history_bars(*VENUE, SYMBOL, SINCE_MS, SINCE_MS + 7_200_000, finest_s=60)
    assert (bars.timeframe_s, len(bars)) == (60, 120)


def test_our_own_recording_comes_first_and_the_venue_fills_the_rest() -> None:
    recorder = BarRecorder(VENUE)
    recorder.add(Tick(SYMBOL, 1.0 + second, 1.0, 1.0, SINCE_MS + 1000 * second) for second in range(100, 200))
    recorder.flush(is_last=True)
    bars = history_bars(*VENUE, SYMBOL, SINCE_MS, SINCE_MS + 300_000)
    assert len(bars) == 300
    assert bars.close[100:200].tolist() == [1.0 + second for second in range(100, 200)]
    assert (bars.close[200:] > 1000).all()


def test_a_recording_without_holes_asks_nobody(settings: Settings) -> None:
    settings.PAPER_URL = "http://127.0.0.1:1"
    recorder = BarRecorder(VENUE)
    recorder.add(Tick(SYMBOL, 5.0, 5.0, 5.0, SINCE_MS + 1000 * second) for second in range(0, 300, 3))
    recorder.add([Tick(SYMBOL, 6.0, 6.0, 6.0, SINCE_MS + 299_000)])
    recorder.flush(is_last=True)
    assert len(history_bars(*VENUE, SYMBOL, SINCE_MS, SINCE_MS + 300_000)) == 101


def test_a_venue_that_does_not_answer_is_said(settings: Settings) -> None:
    settings.PAPER_URL = "http://127.0.0.1:1"
    with pytest.raises(Unavailable, match="No history"):
        history_bars(*VENUE, SYMBOL, SINCE_MS, SINCE_MS + 10_000)


def test_klines_are_fetched_to_the_end_without_the_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    class Minutes:
        """A venue that tells 1,000 minutes at a time; the newest one is not finished."""

        def candles(self, symbol: str, *, timeframe_s: int, since_ms: int, limit: int) -> list[Candle]:
            opens = range(since_ms, min(since_ms + limit * 60_000, SINCE_MS + 2500 * 60_000), 60_000)
            return [Candle(at, 1.0, 2.0, 0.5, 1.5, 1.0, at < SINCE_MS + 2499 * 60_000) for at in opens]

    monkeypatch.setattr(module, "public_connector", lambda *venue: Minutes())
    bars = history_bars("bybit", "live", "linear", SYMBOL, SINCE_MS, SINCE_MS + 2500 * 60_000)
    assert bars.timeframe_s == 60
    assert len(bars) == 2499


def test_downloaded_candles_are_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Minutes:
        def candles(self, symbol: str, *, timeframe_s: int, since_ms: int, limit: int) -> list[Candle]:
            asked.append(since_ms)
            return [Candle(since_ms + n * 60_000, 7.0, 7.0, 7.0, 7.0, 1.0) for n in range(limit)]

    monkeypatch.setattr(module, "public_connector", lambda *venue: Minutes())
    shelf = Shelf("bybit", "live", "linear", SYMBOL, 60)
    rows = [(SINCE_MS + n * 60_000, 5.0, 5.0, 5.0, 5.0, 1.0) for n in range(60)]
    day_files_add(shelf, pl.DataFrame(rows, schema=SCHEMA, orient="row"), joined=lambda bars: bars)
    bars = history_bars("bybit", "live", "linear", SYMBOL, SINCE_MS + 30_000, SINCE_MS + 90 * 60_000, finest_s=60)
    assert asked == [SINCE_MS + 60 * 60_000]
    assert bars.close.tolist() == [5.0] * 59 + [7.0] * 30
