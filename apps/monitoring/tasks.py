"""Monitoring's work on the queues."""

from celery import shared_task

from apps.engine.guards import drawdowns_stop
from apps.monitoring import services
from apps.monitoring.heartbeats import beat_once


@shared_task  # type: ignore[untyped-decorator]
def beat_heartbeat() -> None:
    """Runs only when beat sent it, the broker carried it and a worker took it: the sign of life of all three."""
    beat_once("beat", instance="beat")


@shared_task  # type: ignore[untyped-decorator]
def health_watch() -> bool:
    return services.health_watch()


@shared_task  # type: ignore[untyped-decorator]
def guards_watch() -> int:
    """Drawdown limits, of connections and of portfolios."""
    return drawdowns_stop()
