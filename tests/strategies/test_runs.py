"""The run of a study: real database, real Redis, ticks on the bus, events from it."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.exchanges.hub import hub
from apps.exchanges.leases import lease_is_live
from apps.exchanges.models import Connection
from apps.exchanges.runs import Ended, run_wake
from apps.strategies.models import LineResult, Study
from apps.strategies.runs import StudyRun
from apps.strategies.selectors import lines_watched, study_is_wanted
from apps.strategies.services import WIDE, rule_sets_seed, study_follow, study_unfollow
from apps.strategies.study import StudyContext
from cts import bus
from cts.domain.bars import Bars
from cts.domain.errors import Unavailable
from cts.domain.types import LineEvent, Tick
from tests.strategies.conftest import SMALL, SYMBOLS, history

pytestmark = pytest.mark.django_db(transaction=True)


def until(what: Callable[[], object], *, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Running:
    """A study run on a thread of its own."""

    def __init__(self, study: Study, **options: Any) -> None:
        self.run = StudyRun(study.pk, history=options.pop("history", history), ttl_s=5, **options)
        self.ended: Ended | None = None
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        self.ended = self.run.run()

    def ready(self) -> StudyContext:
        until(lambda: self.run.context is not None)
        context = self.run.context
        assert context is not None
        return context

    def stop(self) -> None:
        self.run.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def start(study: Study) -> Iterator[Callable[..., Running]]:
    runs: list[Running] = []

    def begin(**options: object) -> Running:
        runs.append(Running(study, **options))
        return runs[-1]

    yield begin
    for running in runs:
        running.stop()


def say(study: Study, symbol: str, prices: list[tuple[int, float]]) -> None:
    ticks = [Tick(symbol, price, price, price, at_ms, received_ns=1) for at_ms, price in prices]
    bus.publish(bus.ticks_topic(study.exchange, study.environment, study.market), ticks)


def heard(study: Study) -> tuple[list[LineEvent], Callable[[], None]]:
    events: list[LineEvent] = []
    return events, hub().subscribe_lines(study.pk, events.extend)


def test_a_new_study_searches_warms_up_and_tells_where_its_lines_stand(
    study: Study, start: Callable[..., Running]
) -> None:
    events, leave = heard(study)
    running = start()
    running.ready()
    study.refresh_from_db()
    assert study.searched_at is not None
    assert study.warmed_until is not None
    assert timezone.now() - study.warmed_until < timedelta(seconds=20)
    assert study.progress == {}
    until(lambda: {event.line_id for event in events} == {line.pk for line in lines_watched(study)})
    assert {event.kind for event in events} == {"statistics"}
    assert lease_is_live(study.lease_name)
    running.stop()
    assert running.ended is Ended.STOPPED
    assert not lease_is_live(study.lease_name)
    leave()


def test_ticks_become_events_and_rows(study: Study, start: Callable[..., Running]) -> None:
    events, leave = heard(study)
    context = start().ready()
    symbol, market = next(iter(context.markets.items()))
    before = LineResult.objects.count()
    # A climb, a flat and a fall of 3 % in steps of 5 seconds: something fires, and its target or stop is reached.
    price, at_ms = market.window.last_price, market.last_ms + 5000
    path = [price * (1 + 0.0005 * step) for step in range(60)] + [price * (1.03 - 0.001 * step) for step in range(60)]
    say(study, symbol, [(at_ms + 5000 * place, each) for place, each in enumerate(path)])
    # A position of the history may be the first to close.
    until(lambda: {("opened", symbol), ("closed", symbol)} <= {(event.kind, event.symbol) for event in events})
    until(lambda: LineResult.objects.count() > before)
    closed = next(event for event in events if event.kind == "closed")
    row = LineResult.objects.get(line=closed.line_id, closed_ms=closed.at_ms)
    assert (row.gain_ratio, row.reason) == (closed.gain_ratio, closed.reason)
    leave()


def test_a_stopped_run_has_saved_everything(study: Study, start: Callable[..., Running]) -> None:
    running = start()
    context = running.ready()
    symbol, market = next(iter(context.markets.items()))
    at_ms = market.last_ms + 777
    say(study, symbol, [(at_ms, market.window.last_price)])
    until(lambda: market.last_ms == at_ms)
    running.stop()
    study.refresh_from_db()
    assert study.warmed_until is not None
    assert int(study.warmed_until.timestamp() * 1000) == context.last_ms


def test_a_run_nobody_follows_ends(study: Study, follower: Connection, start: Callable[..., Running]) -> None:
    running = start()
    running.ready()
    assert study_is_wanted(study.pk)
    study_unfollow(follower)
    until(lambda: running.ended is Ended.UNWANTED)
    assert not study_is_wanted(study.pk)


def test_new_rules_are_taken_up_while_it_runs(
    study: Study, follower: Connection, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StudyRun, "checkpoint_s", 0.2)
    running = start()
    running.ready()
    wide = rule_sets_seed()[WIDE]
    study_follow(follower, rule_set=wide, **SMALL)
    run_wake(study.lease_name)
    until(lambda: running.run.context is not None and wide.pk in running.run.context.standings)


def test_a_venue_without_history_is_waited_for_and_said(
    study: Study, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StudyRun, "max_delay_s", 0.3)
    asked = iter(range(3))

    def moody(*args: Any, **options: Any) -> Bars:
        if next(asked, None) is not None:
            raise Unavailable("No history yet", exchange="bybit")
        return history(*args, **options)

    running = start(history=moody)
    until(lambda: Study.objects.get(pk=study.pk).progress.get("what") == "waiting")
    assert Study.objects.get(pk=study.pk).progress["detail"] == "No history yet"
    running.ready()
    assert Study.objects.get(pk=study.pk).progress == {}


def test_a_search_that_is_due_is_asked_for_once(
    study: Study, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StudyRun, "checkpoint_s", 0.1)
    monkeypatch.setattr("apps.strategies.runs.SEARCH_INTERVAL", timedelta(seconds=-1))
    asked: list[int] = []
    start(search_due=lambda: asked.append(1)).ready()
    until(lambda: asked)
    time.sleep(0.5)
    assert asked == [1]


def test_the_second_run_finds_the_lease_taken(study: Study, start: Callable[..., Running]) -> None:
    start().ready()
    second = start()
    until(lambda: second.ended is Ended.BUSY)


def test_symbols_of_the_study_are_those_it_watches(study: Study, start: Callable[..., Running]) -> None:
    assert set(start().ready().markets) <= set(SYMBOLS)
