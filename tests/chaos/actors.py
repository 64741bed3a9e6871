"""The processes of a run, each as the product has it: engines with their feeds, hands on the product, the venue."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
from django.db import DatabaseError, connections
from kombu.exceptions import OperationalError as BrokerError

from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.runs import EngineRun
from apps.exchanges.feeds import FeedRun
from apps.exchanges.models import Connection
from apps.exchanges.paper.server import PaperVenue
from apps.exchanges.runs import LeasedRun, drain
from apps.exchanges.services import connection_arm
from apps.positions.tasks import connection_sync_run
from cts.domain.errors import DomainError, ExchangeError
from cts.domain.types import PositionSide
from cts.kill_points import kill_points_watch
from tests.chaos.clock import WallClock
from tests.chaos.processes import UNEXPECTED, Busy, Journal, Trap
from tests.chaos.web import Client
from tests.chaos.world import START_PRICES

if TYPE_CHECKING:
    from tests.chaos.world import World

# Faults that were ordered: told, and the work goes on. Anything else is a finding.
EXPECTED = (DomainError, ExchangeError, DatabaseError, redis.RedisError, BrokerError)


def venue_main(world: "World") -> None:
    PaperVenue(state_path=world.data / "paper.sqlite3", port=world.venue_port, seed=7, start_prices=START_PRICES).run()


def engine_main(name: str, connection_ids: list[int], *, journal: Journal, trap: Trap, clock: WallClock) -> None:
    """As an engine worker: every wanted run nobody else holds is taken up, again and again, until told to drain."""
    clock.live_by()
    signal.signal(signal.SIGTERM, lambda *_: drain.set())
    kill_points_watch(trap.spring(name))
    venues = {row.venue for row in Connection.objects.filter(pk__in=connection_ids)}
    connections.close_all()
    makers: list[Callable[[], LeasedRun]] = [lambda venue=venue: FeedRun(*venue) for venue in sorted(venues)]  # type: ignore[misc]
    makers += [lambda pk=pk: EngineRun(pk) for pk in connection_ids]  # type: ignore[misc]
    threads = [threading.Thread(target=_runs, args=(name, make, journal), daemon=True) for make in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _runs(name: str, make: Callable[[], LeasedRun], journal: Journal) -> None:
    while not drain.is_set():
        try:
            run = make()
            run.run()
        except EXPECTED as error:
            journal.note(name, f"a run could not begin: {type(error).__name__}: {error}")
        except Exception as error:
            journal.note(name, f"{UNEXPECTED} {type(error).__name__}: {error}")
        finally:
            connections.close_all()
        drain.wait(0.3)


@dataclass(frozen=True)
class Hands:
    """What the hands need to know of their run."""

    name: str
    web_port: int
    journal: Journal
    busy: Busy


def hand_main(hands: Hands, orders: int, *, trap: Trap, clock: WallClock) -> None:
    """As people and as worker: what is asked for at the web's door and what is due, each wish in a thread of its own."""
    clock.live_by()
    kill_points_watch(trap.spring(hands.name))
    with os.fdopen(os.dup(orders)) as source:
        for line in source:
            hands.busy.add(1)
            threading.Thread(target=_hand, args=(hands, json.loads(line)), daemon=True).start()


_syncing: set[int] = set()


def _hand(hands: Hands, wish: dict[str, Any]) -> None:
    started_at = time.monotonic()
    try:
        told = _done(hands, wish)
    except EXPECTED as error:
        told = f"{type(error).__name__}: {error}"
    except Exception as error:
        told = f"{UNEXPECTED} {type(error).__name__}: {error}"
    finally:
        connections.close_all()
        hands.busy.add(-1)
    took_s = time.monotonic() - started_at
    hands.journal.note(hands.name, f"{wish['what']} {wish['connection']}: {told} ({took_s:.1f} s)")


def _done(hands: Hands, wish: dict[str, Any]) -> str:
    if work := AT_WORK.get(wish["what"]):
        return work(wish)
    client = Client(hands.web_port, _row(wish).owner, journal=hands.journal)
    told = AT_THE_DOOR[wish["what"]](client, wish)
    return f"{told}{f' at the {client.tries}. try' if client.tries > 1 else ''}"


def _row(wish: dict[str, Any]) -> Connection:
    return Connection.objects.select_related("owner").get(pk=wish["connection"])


def _key(wish: dict[str, Any]) -> str:
    return f"chaos{wish['number']}"


def _sync(wish: dict[str, Any]) -> str:
    """A venue of two calls a second is asked by one at a time, as the queue's interval would have it."""
    if wish["connection"] in _syncing:
        return "still at it"
    _syncing.add(wish["connection"])
    try:
        connection_sync_run(wish["connection"])
    finally:
        _syncing.discard(wish["connection"])
    return "done"


def _start(wish: dict[str, Any]) -> str:
    connection = _row(wish)
    if not connection.is_live_armed:
        connection_arm(connection, user=connection.owner)
    GlobalTradeEngineCoordinator().start(connection, actor="chaos", user=connection.owner)
    return "started"


def _order(client: Client, wish: dict[str, Any]) -> str:
    """A market order, or a limit a little away from the market."""
    is_limit, side = wish["what"] == "limit", PositionSide(wish["side"])
    asked = {
        "connection": wish["connection"],
        "symbol": wish["symbol"],
        "position_side": wish["side"],
        "order_type": "limit" if is_limit else "market",
        "stop_ratio": 0.01,
        "target_ratio": 0.02,
    }
    if is_limit:
        asked["price"] = str(round(wish["price"] * (1 - 0.001 * side.sign), 1))
    told = client.post("/orders/", asked, key=_key(wish))
    return f"{told.get('client_order_id')} {told.get('status')} {told.get('reason_code') or told.get('detail')}"


def _close(client: Client, wish: dict[str, Any]) -> str:
    found = client.get(f"/positions/?connection={wish['connection']}&status=open")
    if not found.get("results"):
        return f"nothing to close {found.get('detail', '')}"
    pk = found["results"][0]["id"]
    return f"position {pk} {client.post(f'/positions/{pk}/close/', key=_key(wish))}"


def _close_all(client: Client, wish: dict[str, Any]) -> str:
    return str(client.post("/positions/close-all/", {"connection": wish["connection"]}, key=_key(wish)))[:300]


def _cancel_all(client: Client, wish: dict[str, Any]) -> str:
    told = client.post("/orders/cancel-all/", {"connection": wish["connection"]}, key=_key(wish))
    return f"{len(told.get('results', []))} canceled {told.get('detail', '')}"


def _pause(client: Client, wish: dict[str, Any]) -> str:
    told = client.post(f"/engines/{wish['connection']}/pause/", key=_key(wish))
    return f"desired {told.get('desired')} {told.get('detail', '')}"


def _emergency(client: Client, wish: dict[str, Any]) -> str:
    told = client.post("/engines/emergency-stop/", {"connections": [wish["connection"]]}, key=_key(wish))
    reports = told.get("connections")
    if not reports:
        return str(told)
    return "complete" if reports[0]["is_complete"] else f"incomplete: {reports[0]['steps']}"


# What a worker does, and what is asked for at the door.
AT_WORK: dict[str, Callable[[dict[str, Any]], str]] = {"sync": _sync, "start": _start}
AT_THE_DOOR: dict[str, Callable[[Client, dict[str, Any]], str]] = {
    "order": _order,
    "limit": _order,
    "close": _close,
    "close_all": _close_all,
    "cancel_all": _cancel_all,
    "pause": _pause,
    "emergency": _emergency,
}
