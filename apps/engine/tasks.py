"""Keeps every wanted run running: feeds, studies and engines. Each is enqueued once and finds its own state."""

import logging
from collections import defaultdict
from typing import Any

import redis
from celery import shared_task
from django.db import DatabaseError

from apps.engine.models import ActualState, Engine
from apps.engine.runs import EngineRun
from apps.engine.selectors import engine_lease, engines_wanted
from apps.engine.services import engine_lost
from apps.exchanges.feeds import feed_want
from apps.exchanges.leases import leases_live
from apps.exchanges.models import Feed
from apps.exchanges.runs import Ended, run_enqueue_once
from apps.exchanges.selectors import Venue, connections_watched
from apps.exchanges.symbols import connection_symbols
from apps.exchanges.tasks import feed_run
from apps.strategies.models import Study
from apps.strategies.tasks import study_run
from cts.domain.errors import ExchangeError

log = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def engine_run(connection_id: int) -> str:
    run = EngineRun(connection_id)
    ended = run.run()
    if ended is Ended.TIMED_OUT or run.is_restart:
        run_enqueue_once(run.lease_name, task=engine_run, args=(connection_id,))
    return ended


@shared_task  # type: ignore[untyped-decorator]
def runs_ensure() -> dict[str, int]:
    """Enqueue every wanted run nobody holds the lease of. Start, deploy and recovery from a crash are all this."""
    studies = list(Study.objects.filter(follows__connection__in=connections_watched()).distinct())
    venues = _venues_want(studies)
    wanted: list[tuple[str, Any, tuple[Any, ...]]]
    wanted = [(Feed(exchange=e, environment=v, market=m).lease_name, feed_run, (e, v, m)) for e, v, m in venues]
    wanted += [(study.lease_name, study_run, (study.pk,)) for study in studies]
    wanted += [(engine_lease(pk), engine_run, (pk,)) for pk in engines_wanted().values_list("connection_id", flat=True)]
    live = leases_live([name for name, _, _ in wanted])
    enqueued = [run_enqueue_once(name, task=task, args=args) for name, task, args in wanted if name not in live]
    _engines_lost_note()
    return {"wanted": len(wanted), "live": len(live), "enqueued": sum(enqueued)}


def _venues_want(studies: list[Study]) -> list[Venue]:
    """Tell each feed which symbols its connections and studies need; the venues that have any."""
    symbols: dict[Venue, set[str]] = defaultdict(set)
    for connection in connections_watched():
        try:
            symbols[connection.venue].update(connection_symbols(connection))
        except (ExchangeError, redis.RedisError) as error:
            # A ranking that can't be had now: the symbols the feed has already stay.
            log.warning("symbols_unknown", extra={"connection": connection.pk, "reason": str(error)})
            symbols[connection.venue].update(_feed_symbols(connection.venue))
    for study in studies:
        symbols[study.exchange, study.environment, study.market].update(study.symbols)
    for feed in Feed.objects.all():
        symbols.setdefault((feed.exchange, feed.environment, feed.market), set())
    for venue, names in symbols.items():
        feed_want(*venue, symbols=sorted(names))
    return sorted(venue for venue, names in symbols.items() if names)


def _feed_symbols(venue: Venue) -> list[str]:
    exchange, environment, market = venue
    feed = Feed.objects.filter(exchange=exchange, environment=environment, market=market).first()
    return feed.symbols if feed else []


def _engines_lost_note() -> None:
    """Engines that say they run while nobody holds their lease: their process died."""
    said = dict(
        Engine.objects.exclude(actual__in=(ActualState.STOPPED, ActualState.FAILED)).values_list("connection_id", "pk")
    )
    live = leases_live([engine_lease(connection_id) for connection_id in said])
    for connection_id, engine_id in said.items():
        if engine_lease(connection_id) not in live:
            try:
                engine_lost(engine_id)
            except DatabaseError:
                log.warning("engine_lost_unsaid", extra={"connection": connection_id}, exc_info=True)
