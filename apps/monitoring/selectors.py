"""How the parts are: one check each, what is wrong in words, and what to do about it. Reads only; no secret, no name of an owner's."""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis
import requests
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from apps.engine.models import ActualState, DesiredState, Engine
from apps.exchanges.models import Feed
from apps.exchanges.selectors import connections_watched, feeds_list
from apps.monitoring.heartbeats import LATE_S, last_beat_age_s, queue_name
from cts import bus
from cts.domain.types import Environment
from cts.embedded import STARTING

TICK_LATE_S = 30.0
CLOCK_BOUND_MS = 1000
DISK_LOW_BYTES = 500_000_000
WORK_QUEUES = ("default", "sync", "compute")


@dataclass(frozen=True, kw_only=True)
class Check:
    name: str
    is_ok: bool
    detail: str
    remedy: str = ""
    age_s: float | None = None


def health_report() -> dict[str, Any]:
    """{"status": "ok" | "failing", "checks": [...]}, in the order in which one would look for a cause."""
    checks = [start_check(), disk_check(), database_check(), redis_check()]
    is_database_up, is_redis_up = checks[2].is_ok, checks[3].is_ok
    checks += _each(_QUEUE_CHECKS, is_redis_up, because="Redis is not reachable")
    checks += _each(_MARKET_CHECKS, is_database_up, because="the database is not reachable")
    is_ok = all(check.is_ok for check in checks)
    return {"status": "ok" if is_ok else "failing", "checks": [asdict(check) for check in checks]}


def _each(makers: dict[str, Callable[[], Check]], is_known: bool, *, because: str) -> Iterable[Check]:
    for name, make in makers.items():
        if not is_known:
            yield Check(name=name, is_ok=False, detail=f"unknown, as {because}")
            continue
        try:
            yield make()
        except (DatabaseError, redis.RedisError) as error:
            yield Check(name=name, is_ok=False, detail=f"unknown: {type(error).__name__}", remedy="See the logs")


def start_check() -> Check:
    """`manage.py up` is done with its preparations, such as the demo, and what follows is meant to be as it is."""
    if (settings.DATA_DIR / STARTING).exists():
        return Check(
            name="start", is_ok=False, detail="still preparing", remedy="Wait; logs/seed_demo.out has its progress"
        )
    return Check(name="start", is_ok=True, detail="done")


def database_check() -> Check:
    started_at = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        remedy = "Start the database, and check DATABASE_URL"
        return Check(name="database", is_ok=False, detail=f"no answer ({type(error).__name__})", remedy=remedy)
    elapsed_ms = (time.monotonic() - started_at) * 1000
    return Check(name="database", is_ok=True, detail=f"{connection.vendor} answered in {elapsed_ms:.0f} ms")


def redis_check() -> Check:
    started_at = time.monotonic()
    try:
        bus.client().ping()
    except redis.RedisError as error:
        remedy = "Start Redis, and check REDIS_URL; `make run` brings its own"
        return Check(name="redis", is_ok=False, detail=f"no answer ({type(error).__name__})", remedy=remedy)
    return Check(name="redis", is_ok=True, detail=f"answered in {(time.monotonic() - started_at) * 1000:.0f} ms")


def disk_check() -> Check:
    free = shutil.disk_usage(settings.DATA_DIR).free
    remedy = "" if free >= DISK_LOW_BYTES else "Free space on the disk of CTS_DATA_DIR"
    return Check(name="disk", is_ok=not remedy, detail=f"{free / 1e9:.1f} GB free", remedy=remedy)


def _queues_check(name: str, queues: Iterable[str], *, process: str) -> Check:
    ages = {queue: last_beat_age_s(queue_name(queue)) for queue in queues}
    silent = [queue for queue, age_s in ages.items() if age_s is None or age_s > LATE_S]
    oldest = max((age_s for age_s in ages.values() if age_s is not None), default=None)
    if silent:
        detail = f"nobody serves the queue {', '.join(silent)}"
        remedy = f"Start the `{process}` process of the Procfile, and see logs/{process}.log"
        return Check(name=name, is_ok=False, detail=detail, remedy=remedy, age_s=oldest)
    return Check(name=name, is_ok=True, detail=f"serving {', '.join(ages)}", age_s=oldest)


def workers_check() -> Check:
    return _queues_check("workers", WORK_QUEUES, process="worker")


def engine_workers_check() -> Check:
    return _queues_check("engine_workers", ("engine",), process="engine")


def beat_check() -> Check:
    age_s = last_beat_age_s("beat")
    if age_s is None or age_s > LATE_S:
        detail = "never seen" if age_s is None else f"last seen {age_s:.0f} s ago"
        remedy = "Start the `beat` process of the Procfile (and the worker, which answers it); see logs/beat.log"
        return Check(name="beat", is_ok=False, detail=detail, remedy=remedy, age_s=age_s)
    return Check(name="beat", is_ok=True, detail="its messages arrive", age_s=age_s)


def _engines_wanted() -> list[Engine]:
    """Without those that wait for their owner: a refused key or a setting says nothing of the system."""
    wanted = Engine.objects.filter(
        desired__in=(DesiredState.RUNNING, DesiredState.PAUSED),
        connection__is_enabled=True,
        connection__is_active=True,
        needs_owner=False,
    )
    return list(wanted.select_related("connection").order_by("connection_id"))


def paper_venue_check() -> Check:
    if not connections_watched().filter(environment=Environment.PAPER).exists():
        return Check(name="paper_venue", is_ok=True, detail="not needed")
    try:
        is_ok = requests.get(f"{settings.PAPER_URL}/_health", timeout=2).status_code == 200
    except requests.RequestException:
        is_ok = False
    remedy = "" if is_ok else "Start the `paper` process of the Procfile; see logs/paper.log"
    return Check(name="paper_venue", is_ok=is_ok, detail="answers" if is_ok else "no answer", remedy=remedy)


def feeds_check() -> Check:
    """The public streams of the venues on which an engine is wanted."""
    venues = {engine.connection.venue for engine in _engines_wanted()}
    feeds = feeds_list(venues)
    bad = [f"{feed} {problem}" for feed in feeds if (problem := _feed_problem(feed))]
    missing = venues - {(feed.exchange, feed.environment, feed.market) for feed in feeds}
    bad += [f"{' '.join(venue)} has no feed yet" for venue in sorted(missing)]
    age_s = max((age for feed in feeds if (age := _age_s(feed.last_tick_at)) is not None), default=None)
    if bad:
        remedy = "See that the engine process runs and the venue can be reached; logs/engine.log has the reason"
        return Check(name="feeds", is_ok=False, detail="; ".join(bad), remedy=remedy, age_s=age_s)
    return Check(name="feeds", is_ok=True, detail=f"{len(feeds)} live" if feeds else "none wanted", age_s=age_s)


def _feed_problem(feed: Feed) -> str:
    age_s = _age_s(feed.last_tick_at)
    if not feed.is_connected:
        return "is not connected"
    if age_s is None:
        return "has had no price yet"
    return f"has had no price for {age_s:.0f} s" if age_s > TICK_LATE_S else ""


def clock_check() -> Check:
    """Venues refuse requests of a clock that is off, and so do we before they do."""
    offsets = [(abs(feed.clock_offset_ms), str(feed)) for feed in feeds_list() if feed.clock_offset_ms is not None]
    if not offsets:
        return Check(name="clock", is_ok=True, detail="no venue to compare with yet")
    worst_ms, venue = max(offsets)
    remedy = "" if worst_ms <= CLOCK_BOUND_MS else "Set this machine's clock by NTP"
    return Check(name="clock", is_ok=not remedy, detail=f"{worst_ms} ms off {venue} at most", remedy=remedy)


def engines_check() -> Check:
    """Every engine does what its owner wants of it, and says so often enough."""
    engines = _engines_wanted()
    bad = [f"engine {engine.connection_id} {problem}" for engine in engines if (problem := _engine_problem(engine))]
    age_s = max((age for engine in engines if (age := _age_s(engine.heartbeat_at)) is not None), default=None)
    if bad:
        remedy = "The engine's page and `manage.py doctor` say why; it is started again by itself"
        return Check(name="engines", is_ok=False, detail="; ".join(bad), remedy=remedy, age_s=age_s)
    return Check(
        name="engines", is_ok=True, detail=f"{len(engines)} as wanted" if engines else "none wanted", age_s=age_s
    )


def _engine_problem(engine: Engine) -> str:
    wanted = ActualState.PAUSED if engine.desired == DesiredState.PAUSED else ActualState.RUNNING
    age_s = _age_s(engine.heartbeat_at)
    if engine.actual != wanted:
        return f"is {engine.actual}, not {wanted}"
    if age_s is None or age_s > 2 * settings.LEASE_TTL_S:
        return "gives no sign of life" if age_s is None else f"gave no sign of life for {age_s:.0f} s"
    return ""


def _age_s(at: datetime | None) -> float | None:
    return None if at is None else max(0.0, (timezone.now() - at).total_seconds())


_QUEUE_CHECKS = {"workers": workers_check, "engine_workers": engine_workers_check, "beat": beat_check}
_MARKET_CHECKS = {
    "paper_venue": paper_venue_check,
    "feeds": feeds_check,
    "clock": clock_check,
    "engines": engines_check,
}
