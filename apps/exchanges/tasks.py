"""Work of the exchanges app on the queues: feeds, and the daily sync of instruments."""

import logging

from celery import shared_task

from apps.exchanges.catalog import instruments_sync
from apps.exchanges.feeds import FeedRun
from apps.exchanges.runs import Ended, run_enqueue_once
from apps.exchanges.selectors import connections_watched
from cts.domain.errors import ExchangeError

log = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
def feed_run(exchange: str, environment: str, market: str) -> str:
    run = FeedRun(exchange, environment, market)
    ended = run.run()
    if ended is Ended.TIMED_OUT:
        run_enqueue_once(run.lease_name, task=feed_run, args=run.venue)
    return ended


@shared_task  # type: ignore[untyped-decorator]
def instruments_sync_all() -> int:
    """Every venue somebody uses; one that doesn't answer does not keep the others from theirs."""
    venues = sorted(set(connections_watched().values_list("exchange", "environment", "market")))
    done = 0
    for exchange, environment, market in venues:
        try:
            instruments_sync(exchange=exchange, environment=environment, market=market)
        except ExchangeError as error:
            log.warning("instruments_sync_failed", extra={"exchange": exchange, "reason": str(error)})
        else:
            done += 1
    return done
