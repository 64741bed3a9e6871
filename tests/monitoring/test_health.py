"""/healthz names what isn't well and what to do, and nothing that isn't a stranger's business."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.engine.models import ActualState, DesiredState, Engine
from apps.exchanges.models import Connection, Feed
from apps.monitoring import heartbeats, services
from apps.monitoring.selectors import health_report
from cts import bus
from cts.embedded import STARTING

pytestmark = pytest.mark.django_db


@pytest.fixture
def _workers() -> None:
    for queue in ("default", "sync", "compute", "engine"):
        heartbeats.beat_once(heartbeats.queue_name(queue))
    heartbeats.beat_once("beat")


@pytest.fixture
def engine(connection_factory: Callable[..., Connection]) -> Engine:
    """An engine that runs as wanted on a venue whose feed is live. Testnet: no paper venue runs in these tests."""
    now = timezone.now()
    connection = connection_factory(environment="testnet", name="Grandma's savings")
    Feed.objects.create(
        exchange="bybit", environment="testnet", market="linear", is_connected=True, last_tick_at=now, clock_offset_ms=9
    )
    return Engine.objects.create(
        connection=connection, desired=DesiredState.RUNNING, actual=ActualState.RUNNING, heartbeat_at=now
    )


def failing() -> dict[str, str]:
    return {check["name"]: check["detail"] for check in health_report()["checks"] if not check["is_ok"]}


@pytest.mark.usefixtures("_workers", "engine")
def test_all_is_well_when_every_part_gives_signs_of_life(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert [check["name"] for check in answer.json()["checks"]] == [
        *(
            "start",
            "disk",
            "database",
            "redis",
            "workers",
            "engine_workers",
            "beat",
            "paper_venue",
            "feeds",
            "clock",
            "engines",
        ),
    ]


@pytest.mark.usefixtures("engine")
def test_without_processes_it_names_them_and_the_remedy(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 503
    bad = {check["name"]: check for check in answer.json()["checks"] if not check["is_ok"]}
    assert list(bad) == ["workers", "engine_workers", "beat"]
    assert all("Procfile" in check["remedy"] for check in bad.values())


@pytest.mark.usefixtures("_workers")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"actual": ActualState.FAILED}, "is failed, not running"),
        ({"actual": ActualState.STOPPED}, "is stopped, not running"),
        ({"desired": DesiredState.PAUSED}, "is running, not paused"),
        ({"heartbeat_at": None}, "gives no sign of life"),
        # Not a moment: those of the table are reckoned when the file is read, and a suite may take minutes.
        ({"heartbeat_at": timedelta(hours=1)}, "gave no sign of life for 36"),
    ],
)
def test_an_engine_that_is_not_as_wanted_is_named(engine: Engine, changes: dict[str, Any], told: str) -> None:
    assert failing() == {}
    changes = {n: timezone.now() - value if isinstance(value, timedelta) else value for n, value in changes.items()}
    Engine.objects.filter(pk=engine.pk).update(**changes)
    assert list(failing()) == ["engines"]
    assert told in failing()["engines"]


@pytest.mark.usefixtures("_workers")
def test_what_only_an_owner_can_mend_is_no_failure_of_the_system(engine: Engine) -> None:
    Engine.objects.filter(pk=engine.pk).update(actual=ActualState.FAILED, needs_owner=True)
    Feed.objects.all().delete()  # nobody wants it any more
    assert failing() == {}


@pytest.mark.usefixtures("_workers")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"is_connected": False}, "is not connected"),
        ({"last_tick_at": None}, "has had no price yet"),
        ({"last_tick_at": timezone.now() - timedelta(minutes=5)}, "has had no price for"),
    ],
)
def test_a_feed_that_is_silent_is_named(engine: Engine, changes: dict[str, Any], told: str) -> None:
    Feed.objects.update(**changes)
    assert list(failing()) == ["feeds"]
    assert told in failing()["feeds"]
    Engine.objects.update(desired=DesiredState.STOPPED, actual=ActualState.STOPPED)
    assert failing() == {}, "nobody wants that feed now"


@pytest.mark.usefixtures("_workers", "engine")
def test_a_clock_that_is_off_is_named() -> None:
    Feed.objects.update(clock_offset_ms=-4000)
    assert failing() == {"clock": "4000 ms off bybit testnet linear at most"}


@pytest.mark.usefixtures("_workers")
def test_a_paper_connection_needs_the_paper_venue(
    connection_factory: Callable[..., Connection], settings: LazySettings
) -> None:
    settings.PAPER_URL = "http://127.0.0.1:9"
    assert "paper_venue" not in failing()
    connection_factory(environment="paper")
    assert failing()["paper_venue"] == "no answer"


@pytest.mark.usefixtures("_workers", "engine")
def test_without_redis_the_rest_is_still_told(settings: LazySettings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    bus.client.cache_clear()
    try:
        told = failing()
    finally:
        bus.client.cache_clear()
    assert told["redis"].startswith("no answer")
    assert told["workers"] == "unknown, as Redis is not reachable"
    assert "engines" not in told


@pytest.mark.usefixtures("_workers")
def test_nothing_of_an_owner_or_a_secret_is_told(
    client: Client, engine: Engine, alice: User, settings: LazySettings
) -> None:
    Engine.objects.update(actual=ActualState.FAILED, last_error="canary-error")
    Feed.objects.update(is_connected=False, last_error="canary-error")
    text = client.get("/healthz").content.decode()
    for private in ("Grandma", alice.username, "canary", settings.SECRET_KEY, settings.REDIS_URL):
        assert private not in text


@pytest.mark.usefixtures("_workers", "engine")
def test_a_start_under_way_is_not_well_yet(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / STARTING).touch()
    assert failing() == {"start": "still preparing"}


@pytest.mark.usefixtures("_workers", "engine")
def test_a_change_is_told_once() -> None:
    assert services.health_watch() is True
    assert services.health_watch() is False
    Feed.objects.update(is_connected=False)
    assert services.health_watch() is True
    assert services.health_watch() is False


def test_a_worker_that_went_silent_is_late_and_then_forgotten(time_machine_ago: Callable[[float], None]) -> None:
    time_machine_ago(60)
    age_s = heartbeats.last_beat_age_s("beat")
    assert age_s is not None
    assert 59 < age_s < 62
    assert heartbeats.last_beat_age_s("never") is None


@pytest.fixture
def time_machine_ago() -> Callable[[float], None]:
    """Beat now, and move the beat back."""

    def beat(seconds: float) -> None:
        heartbeats.beat_once("beat", instance="x")
        bus.client().zincrby(bus.state_key("alive", "beat"), -seconds, "x")

    return beat


@pytest.mark.usefixtures("_workers", "engine")
def test_health_costs_the_same_however_many_engines(
    connection_factory: Callable[..., Connection], django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        connection = connection_factory(environment="testnet", name=f"Many {number}")
        Engine.objects.create(connection=connection, desired=DesiredState.RUNNING, actual=ActualState.RUNNING)
    with django_assert_max_num_queries(8):
        health_report()
