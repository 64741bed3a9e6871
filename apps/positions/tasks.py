"""Periodic sync of all connections, each in a task of its own, so that a slow venue holds up nobody else's."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.exchanges.factory import connector_for
from apps.exchanges.leases import leases_live
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_failed, connection_seen
from apps.orders.creation import engine_lease_name
from apps.positions.models import SyncState
from apps.positions.sync import connection_sync
from cts.domain.errors import ExchangeError

log = logging.getLogger(__name__)

EXPIRES_S = 30


@shared_task(name="apps.positions.tasks.connections_sync", queue="sync")  # type: ignore[untyped-decorator]
def connections_sync() -> int:
    """Enqueue one sync per connection in use that no engine keeps in step. One not begun by the next round is dropped."""
    usable = Q(is_enabled=True) & (Q(is_active=True) | Q(positions__quantity__gt=0))
    ids = sorted(set(Connection.objects.filter(usable, is_test_passed=True).values_list("pk", flat=True)))
    kept = _kept_by_engines(ids)
    for pk in ids:
        if pk not in kept:
            connection_sync_run.apply_async(args=(pk,), expires=EXPIRES_S)
    return len(ids) - len(kept)


def _kept_by_engines(ids: list[int]) -> set[int]:
    """Where a run holds the lease and has lately shown that it syncs: one that rests after a failure does not."""
    names = {engine_lease_name(pk): pk for pk in ids}
    held = {names[name] for name in leases_live(list(names))}
    now, near = timezone.now(), timedelta(seconds=2 * settings.RECONCILE_INTERVAL_S)
    # One that lies ahead was told by a clock that has been set back since: it says nothing.
    lately = SyncState.objects.filter(connection__in=held, synced_at__range=(now - near, now + near))
    return set(lately.values_list("connection", flat=True))


@shared_task(name="apps.positions.tasks.connection_sync_run", queue="sync")  # type: ignore[untyped-decorator]
def connection_sync_run(connection_id: int) -> None:
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        return
    try:
        connection_sync(connection, connector=connector_for(connection))
    except ExchangeError as error:
        connection_failed(connection_id, error=error)
        return
    connection_seen(connection_id)
