"""Looks at both sides of every desk. Runs in a child of its own, for it opens the database."""

import time
from collections.abc import Callable
from typing import Any

from apps.engine.models import ActualState, Engine
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection, Lease
from apps.orders.creation import engine_lease_name
from apps.positions.legs import SyncReport
from apps.positions.sync import connection_sync
from cts.domain.errors import RateLimited
from tests.chaos.check import differences, violations
from tests.chaos.world import Desk
from tests.paper_fixtures import PaperVenueControl


def engines_run(desks: dict[str, Desk]) -> bool:
    ids = [desk.connection for desk in desks.values()]
    return Engine.objects.filter(connection__in=ids, actual=ActualState.RUNNING).count() == len(ids)


def engine_pid(desk: Desk) -> int:
    """The process that holds the engine's lease."""
    owner = Lease.objects.get(name=engine_lease_name(desk.connection)).owner
    return int(owner.split(":")[1])


def differences_now(at: PaperVenueControl, desks: dict[str, Desk]) -> list[str]:
    return [
        f"{venue}: {found}"
        for venue, desk in desks.items()
        for found in differences(desk.connection, _state(at, venue, desk))
    ]


def verdict(at: PaperVenueControl, desks: dict[str, Desk]) -> list[str]:
    """All that is wrong with a run, once nobody is running any more."""
    found = []
    for venue, desk in desks.items():
        found += [f"{venue}: {each}" for each in _synced(desk)]
        state = _state(at, venue, desk)
        found += [f"{venue}: {each}" for each in violations(desk.connection, state, balance=desk.balance)]
    return found


def _synced(desk: Desk) -> list[str]:
    """A last look by the product itself must find nothing to mend; what the market filled while all were leaving is news
    to one look, never to two."""
    connection = Connection.objects.get(pk=desk.connection)
    for _ in range(2):
        report = _once_it_can(lambda: connection_sync(connection, connector=connector_for(connection)))
        if not report.orders and not report.fills:
            return []
    return [f"the last sync still did {report.orders} and booked {report.fills} fills"]


def _once_it_can(work: Callable[[], SyncReport]) -> SyncReport:
    """A budget may be spent just now."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return work()
        except RateLimited:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _state(at: PaperVenueControl, venue: str, desk: Desk) -> dict[str, Any]:
    state: dict[str, Any] = at.call("GET", f"/_state?exchange={venue}&api_key={desk.api_key}")
    return state
