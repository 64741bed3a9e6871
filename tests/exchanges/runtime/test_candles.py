"""Candles downloaded from the paper venue over the wire: stored by day, gaps filled, broken-off downloads taken up."""

import json
import time
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.exchanges import factory
from apps.exchanges.candles import candle_gaps, candles_read, candles_sync
from apps.exchanges.catalog import instruments_sync
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.day_files import DAY_MS, Shelf, day_of
from apps.exchanges.models import CandleFile
from cts.domain.errors import DomainError, Unavailable
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
BTC = "BTC/USDT:USDT"
SHELF = Shelf("bybit", "paper", "linear", BTC, 900)
TODAY_MS = int(time.time() // 86_400 * DAY_MS)
SINCE_MS = TODAY_MS - 3 * DAY_MS


@pytest.fixture(autouse=True)
def _venue(settings: Settings, tmp_path: Path, paper_venue: PaperVenueControl) -> None:
    settings.DATA_DIR, settings.PAPER_URL = tmp_path, paper_venue.url
    factory.public_connector.cache_clear()
    instruments_sync(exchange="bybit", environment="paper", market="linear")


def opens(since_ms: int = SINCE_MS, until_ms: int = TODAY_MS) -> list[int]:
    return candles_read(SHELF, since_ms=since_ms, until_ms=until_ms)["open_ms"].to_list()


def test_days_are_fetched_once_without_gaps_and_equal_to_what_the_venue_tells() -> None:
    done = candles_sync(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS)
    assert (done.days, done.bars) == (3, 288)
    assert opens() == list(range(SINCE_MS, TODAY_MS, 900_000))
    told = factory.public_connector("bybit", "paper", "linear").candles(
        BTC, timeframe_s=900, since_ms=SINCE_MS, limit=96
    )
    stored = candles_read(SHELF, since_ms=SINCE_MS, until_ms=SINCE_MS + DAY_MS)
    assert stored.rows() == [(c.open_ms, c.open, c.high, c.low, c.close, c.volume) for c in told]
    assert candles_sync(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS).bars == 0
    assert CandleFile.objects.filter(is_whole=True, rows=96).count() == 3


def test_the_running_bar_is_not_stored_and_today_is_taken_up_later() -> None:
    candles_sync(SHELF, since_ms=TODAY_MS, until_ms=2**53)
    assert opens(TODAY_MS, 2**53)[-1:] <= [int(time.time() * 1000) - 900_000]
    assert not CandleFile.objects.get(day=day_of(TODAY_MS)).is_whole


def test_gap_is_found_and_filled() -> None:
    candles_sync(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS)
    file = CandleFile.objects.get(day=day_of(SINCE_MS))
    path = Path(settings.DATA_DIR) / file.path
    first, last = SINCE_MS + 10 * 900_000, SINCE_MS + 14 * 900_000
    pl.read_parquet(path).filter(~pl.col("open_ms").is_between(first, last, closed="left")).write_parquet(path)
    CandleFile.objects.filter(pk=file.pk).update(is_whole=False)
    assert candle_gaps(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS) == [(first, last)]
    assert candles_sync(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS).bars == 4
    assert candle_gaps(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS) == []


def test_broken_off_download_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = RestConnector.candles

    def failing(self: RestConnector, symbol: str, **options: int) -> object:
        asked.append(options["timeframe_s"])
        if len(asked) == 3:
            raise Unavailable("the venue went away")
        return real(self, symbol, **options)

    monkeypatch.setattr(RestConnector, "candles", failing)
    with pytest.raises(Unavailable):
        candles_sync(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS)
    assert len(opens()) == 96
    assert candles_sync(SHELF, since_ms=SINCE_MS, until_ms=TODAY_MS).bars == 192
    # Daily bars to find the listing, then one call a day; the first day wasn't asked for again.
    assert asked == [86_400, 900, 900, 86_400, 900, 900]


def test_venue_that_asks_to_wait_is_waited_for(paper_venue: PaperVenueControl) -> None:
    paper_venue.faults("bybit", "/v5/market/kline", "rate_limit_429", retry_after_s=1)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    done = candles_sync(SHELF, since_ms=TODAY_MS - DAY_MS, until_ms=TODAY_MS, sleep=wait)
    assert done.bars == 96
    assert len(waits) >= 1


@pytest.mark.parametrize(
    ("shelf", "field"),
    [
        (Shelf("nowhere", "paper", "linear", BTC, 60), "exchange"),
        (Shelf("bybit", "paper", "options", BTC, 60), "market"),
        (Shelf("bybit", "paper", "linear", "XYZ/USDT:USDT", 60), "symbol"),
        (Shelf("bybit", "paper", "linear", BTC, 61), "timeframe"),
    ],
)
def test_what_the_venue_has_not_is_refused_by_name(shelf: Shelf, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        candles_sync(shelf, since_ms=SINCE_MS, until_ms=TODAY_MS)
    assert refused.value.field == field


def test_command_shows_progress_and_tells_what_it_did() -> None:
    out = StringIO()
    since = day_of(SINCE_MS).isoformat()
    until = day_of(TODAY_MS - DAY_MS).isoformat()
    given = ["--exchange", "bybit", "--environment", "paper", "--symbol", BTC, "--timeframe", "15m", "--since", since]
    call_command("candles_sync", *given, "--until", until, stdout=out)
    assert f"{BTC}: 100% of 3 days, 288 new" in out.getvalue()
    out = StringIO()
    call_command("candles_sync", *given, "--until", until, "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"symbol": BTC, "days": 3, "new": 0, "gaps": []}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--timeframe", "5x"], "write 1m"),
        (["--since", "yesterday"], "write it as"),
        (["--symbol", "XYZ/USDT:USDT"], "does not list"),
        (["--since", "2999-01-01"], "before the end"),
    ],
)
def test_command_refuses_what_makes_no_sense(given: list[str], said: str) -> None:
    options = {"--exchange": "bybit", "--environment": "paper", "--symbol": BTC, "--since": "2026-01-01"}
    options |= dict([given]) if len(given) == 2 else {}
    with pytest.raises(CommandError, match=said):
        call_command("candles_sync", *[word for pair in options.items() for word in pair], stdout=StringIO())
