"""What `runs_ensure` enqueues: every wanted run nobody has, once, and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.engine import tasks
from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.models import ActualState, DesiredState, Engine
from apps.engine.selectors import engine_lease
from apps.engine.services import engine_beat, engine_desire, engine_started
from apps.exchanges.leases import lease_take, owner_name
from apps.exchanges.models import Connection, Feed, Lease
from apps.exchanges.runs import enqueued_forget
from apps.strategies.services import study_follow
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What would go to the queue: the broker is the one thing here that isn't ours."""
    messages: list[tuple[str, tuple[Any, ...]]] = []

    def recorder(name: str) -> Callable[..., None]:
        return lambda args, expires: messages.append((name, args))

    for name in ("feed_run", "study_run", "engine_run"):
        monkeypatch.setattr(getattr(tasks, name), "apply_async", recorder(name))
    return messages


def test_a_followed_connection_with_a_running_engine_needs_three_runs_once(
    connection: Connection, sent: list[tuple[str, tuple[Any, ...]]]
) -> None:
    study = study_follow(connection, symbols=[BTC, ETH]).study
    engine_desire(connection, desired=DesiredState.RUNNING, actor="alice")
    first, again = tasks.runs_ensure(), tasks.runs_ensure()
    assert sorted(sent) == [
        ("engine_run", (connection.pk,)),
        ("feed_run", ("bybit", "paper", "linear")),
        ("study_run", (study.pk,)),
    ]
    assert (first["enqueued"], again["enqueued"]) == (3, 0)
    assert Feed.objects.get().symbols == [BTC, ETH]


def test_a_run_that_is_alive_is_left_alone_and_comes_back_when_it_dies(
    connection: Connection, sent: list[tuple[str, tuple[Any, ...]]]
) -> None:
    engine_desire(connection, desired=DesiredState.RUNNING, actor="alice")
    assert lease_take(engine_lease(connection.pk), owner=owner_name())
    tasks.runs_ensure()
    assert "engine_run" not in dict(sent)
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.runs_ensure()
    assert ("engine_run", (connection.pk,)) in sent


def test_connections_out_of_use_need_nothing_and_their_feed_is_told(
    connection: Connection, sent: list[tuple[str, tuple[Any, ...]]]
) -> None:
    tasks.runs_ensure()
    Connection.objects.update(is_active=False)
    sent.clear()
    enqueued_forget(Feed.objects.get().lease_name)
    tasks.runs_ensure()
    assert sent == []
    assert Feed.objects.get().symbols == []


def test_one_feed_serves_all_connections_of_a_venue(
    connection_factory: ConnectionFactory, sent: list[tuple[str, tuple[Any, ...]]]
) -> None:
    connection_factory(symbols=[BTC])
    connection_factory(symbols=[ETH], forced_symbols=[BTC])
    connection_factory(exchange="binance", symbols=[ETH])
    tasks.runs_ensure()
    assert sorted(sent) == [("feed_run", ("binance", "paper", "linear")), ("feed_run", ("bybit", "paper", "linear"))]
    assert {feed.exchange: feed.symbols for feed in Feed.objects.all()} == {"bybit": [BTC, ETH], "binance": [ETH]}


def test_an_engine_that_died_without_a_word_is_shown_stopped(
    connection: Connection, sent: list[tuple[str, tuple[Any, ...]]]
) -> None:
    engine_desire(connection, desired=DesiredState.RUNNING, actor="alice")
    engine_started(connection, epoch=1)
    engine_beat(connection, epoch=1, actual=ActualState.RUNNING)
    tasks.runs_ensure()
    assert Engine.objects.get().actual == ActualState.STOPPED
    assert ("engine_run", (connection.pk,)) in sent


def test_starting_enqueues_at_once_and_stopping_does_not(
    connection: Connection, sent: list[tuple[str, tuple[Any, ...]]], django_capture_on_commit_callbacks: Any
) -> None:
    coordinator = GlobalTradeEngineCoordinator()
    with django_capture_on_commit_callbacks(execute=True):
        coordinator.start(connection, actor="alice")
    assert sent == [("engine_run", (connection.pk,))]
    with django_capture_on_commit_callbacks(execute=True):
        coordinator.stop(connection, actor="alice")
    assert len(sent) == 1


def test_a_verb_on_all_tells_which_did_not_take_it(connection_factory: ConnectionFactory) -> None:
    good, off = connection_factory(), connection_factory(is_enabled=False, is_active=False)
    results = GlobalTradeEngineCoordinator().start_all([good, off], actor="alice")
    assert [(result.connection_id, result.is_ok, result.code) for result in results] == [
        (good.pk, True, ""),
        (off.pk, False, "not_enabled"),
    ]


def test_a_try_put_off_by_a_clock_that_was_set_back_since_is_not_waited_for(
    connection: Connection, sent: list[tuple[str, tuple[Any, ...]]]
) -> None:
    engine = engine_desire(connection, desired=DesiredState.RUNNING, actor="alice")
    Engine.objects.filter(pk=engine.pk).update(retry_at=timezone.now() + timedelta(seconds=30))
    tasks.runs_ensure()
    assert ("engine_run", (connection.pk,)) not in sent
    Engine.objects.filter(pk=engine.pk).update(retry_at=timezone.now() + timedelta(hours=2))
    tasks.runs_ensure()
    assert ("engine_run", (connection.pk,)) in sent
