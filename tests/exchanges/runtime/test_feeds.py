"""A feed against the paper venue over real sockets: what the venue says reaches bus, pages and files."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from apps.exchanges import feeds
from apps.exchanges.feeds import FeedRun, feed_want
from apps.exchanges.hub import hub
from apps.exchanges.models import Feed
from apps.exchanges.recording import bars_read
from apps.exchanges.selectors import tickers_for
from cts import bus
from cts.domain.types import Tick

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]
VENUE = ("bybit", "paper", "linear")
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def until(condition: Callable[[], object], *, within_s: float = 8) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


class _Quick(FeedRun):
    symbols_s = 0.1
    state_s = 0.2


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    frames: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(feeds, "push", lambda topic, payload: frames.append((topic, payload)))
    return frames


@pytest.fixture
def feed(venue: Any, settings: Settings, tmp_path: Path, pushed: object) -> Iterator[FeedRun]:
    settings.DATA_DIR = tmp_path
    bus.client().delete(bus.tickers_key(*VENUE))
    feed_want(*VENUE, symbols=[BTC])
    run = _Quick(*VENUE)

    def work() -> None:
        run.run()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield run
    run.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_a_price_at_the_venue_is_a_tick_on_the_bus_a_ticker_for_pages_and_a_bar_on_disk(
    feed: FeedRun, venue: Any, pushed: list[tuple[str, dict[str, Any]]]
) -> None:
    ticks: list[Tick] = []
    leave = hub().subscribe(*VENUE, ticks.extend)
    until(lambda: Feed.objects.get().is_connected)
    venue.price("BTC/USDT:USDT", 64_000.0)
    until(lambda: any(tick.price == 64_000.0 for tick in ticks))
    leave()
    assert {tick.symbol for tick in ticks} == {BTC}
    until(lambda: tickers_for(*VENUE)[BTC].last == 64_000)
    topic, frame = pushed[-1]
    assert topic == "tickers.bybit.paper.linear"
    assert frame["rows"][0]["symbol"] == BTC
    until(lambda: Feed.objects.get().last_tick_at is not None)
    feed.stop()
    until(lambda: bars_read(VENUE, BTC, since_ms=0, until_ms=2**53).height > 0)
    until(lambda: not Feed.objects.get().is_connected)


def test_a_symbol_wanted_later_is_added_without_a_new_stream(feed: FeedRun, venue: Any) -> None:
    until(lambda: Feed.objects.get().is_connected)
    feed_want(*VENUE, symbols=[BTC, ETH])
    until(lambda: ETH in tickers_for(*VENUE))
    assert Feed.objects.get().reconnects == 0


def test_nobody_wanting_it_ends_the_feed(feed: FeedRun) -> None:
    until(lambda: Feed.objects.get().is_connected)
    feed_want(*VENUE, symbols=[])
    until(lambda: not feed.is_held or not Feed.objects.get().is_connected)


def test_pages_get_at_most_four_frames_a_second(
    feed: FeedRun, venue: Any, pushed: list[tuple[str, dict[str, Any]]]
) -> None:
    until(lambda: Feed.objects.get().is_connected)
    pushed.clear()
    started = time.monotonic()
    for step in range(60):
        venue.price(BTC, 60_000.0 + step)
    elapsed_s = time.monotonic() - started
    until(lambda: tickers_for(*VENUE)[BTC].last == 60_059)
    assert len(pushed) <= elapsed_s * 4 + 3


def test_a_slow_answer_says_nothing_of_the_clock_and_is_asked_again_soon(feed: FeedRun, venue: Any) -> None:
    until(lambda: Feed.objects.get().clock_offset_ms is not None)
    known, due_at = feed._clock_offset_ms, feed._next["clock"]
    venue.faults("bybit", "/v5/market/time", "delay", seconds=1.2)
    feed._clock_sample()
    assert feed._clock_offset_ms == known
    assert feed._next["clock"] < due_at - 10
