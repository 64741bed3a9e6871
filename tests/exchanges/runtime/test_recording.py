"""Ticks become 1-second bars in one Parquet file a day, whole at every moment, and survive a restart in mid-second."""

from pathlib import Path

import polars as pl
import pytest
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from apps.exchanges.models import CandleFile
from apps.exchanges.recording import BarRecorder, bars_read
from cts.domain.types import Tick

VENUE = ("bybit", "paper", "linear")
BTC = "BTC/USDT:USDT"
DAY = 86_400_000
START = 20_000 * DAY


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def _tick(at_ms: int, price: float, symbol: str = BTC) -> Tick:
    return Tick(symbol, price, price, price, at_ms)


def _rows() -> list[tuple[float, ...]]:
    return bars_read(VENUE, BTC, since_ms=0, until_ms=START + 9 * DAY).rows()


@pytest.mark.django_db
def test_a_second_of_ticks_is_one_bar_and_quiet_seconds_are_absent() -> None:
    recorder = BarRecorder(VENUE)
    recorder.add([_tick(START, 10), _tick(START + 400, 12), _tick(START + 999, 9), _tick(START + 5000, 11)])
    assert recorder.flush() == 1
    assert _rows() == [(START, 10, 12, 9, 9, 3)]
    assert recorder.flush(is_last=True) == 1
    assert _rows() == [(START, 10, 12, 9, 9, 3), (START + 5000, 11, 11, 11, 11, 1)]


@pytest.mark.django_db
def test_a_tick_that_comes_late_does_not_rewrite_a_closed_bar() -> None:
    recorder = BarRecorder(VENUE)
    recorder.add([_tick(START, 10), _tick(START + 1000, 11), _tick(START + 900, 99)])
    recorder.flush(is_last=True)
    assert [row[4] for row in _rows()] == [10, 11]


@pytest.mark.django_db
def test_the_second_a_restart_cut_in_two_is_one_bar_again() -> None:
    before, after = BarRecorder(VENUE), BarRecorder(VENUE)
    before.add([_tick(START, 10), _tick(START + 100, 14)])
    before.flush(is_last=True)
    after.add([_tick(START + 600, 8), _tick(START + 700, 9)])
    after.flush(is_last=True)
    assert _rows() == [(START, 10, 14, 8, 9, 4)]


@pytest.mark.django_db
def test_days_and_symbols_have_files_of_their_own_listed_in_the_catalogue() -> None:
    recorder = BarRecorder(VENUE)
    recorder.add([_tick(START + DAY - 1, 10), _tick(START + DAY, 11), _tick(START, 5, "ETH/USDT:USDT")])
    recorder.flush(is_last=True)
    files = {(file.symbol, file.day.isoformat()): file for file in CandleFile.objects.all()}
    assert len(files) == 3
    for file in files.values():
        frame = pl.read_parquet(django_settings.DATA_DIR / file.path)
        assert (frame.height, frame["open_ms"][0], frame["open_ms"][-1]) == (file.rows, file.first_ms, file.last_ms)
    assert bars_read(VENUE, BTC, since_ms=START + DAY, until_ms=START + 2 * DAY).height == 1


@given(st.lists(st.tuples(st.integers(0, 20_000), st.floats(1, 1000)), max_size=60))
@hypothesis_settings(max_examples=40, deadline=None)
def test_bars_hold_what_a_plain_grouping_of_the_ticks_holds(raw: list[tuple[int, float]]) -> None:
    ticks = sorted((START + at, price) for at, price in raw)
    recorder = BarRecorder(VENUE)
    recorder.add([_tick(at, price) for at, price in ticks])
    expected: dict[int, list[float]] = {}
    for at, price in ticks:
        expected.setdefault(at // 1000 * 1000, []).append(price)
    closed = [*recorder._closed[BTC], *(bar.closed() for bar in recorder._open.values())]
    assert closed == [(at, p[0], max(p), min(p), p[-1], len(p)) for at, p in sorted(expected.items())]
