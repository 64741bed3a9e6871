"""The processes of a run, each as the product has it: engines with their feeds, hands on the product, the venue."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis
from django.db import DatabaseError, connections
from kombu.exceptions import OperationalError as BrokerError

from apps.accounts.models import User
from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.runs import EngineRun
from apps.exchanges.feeds import FeedRun
from apps.exchanges.models import Connection
from apps.exchanges.paper.server import PaperVenue
from apps.exchanges.runs import LeasedRun, drain
from apps.exchanges.services import connection_arm
from apps.orders.manual import Ticket, manual_order_place, manual_orders_cancel_all
from apps.positions.manual import manual_position_close, manual_positions_close
from apps.positions.selectors import positions_live
from apps.positions.tasks import connection_sync_run
from cts.domain.errors import DomainError, ExchangeError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderType, PositionSide
from cts.domain.units import decimal_from_float
from cts.kill_points import kill_points_watch
from tests.chaos.processes import Busy, Journal, Trap
from tests.chaos.world import START_PRICES

if TYPE_CHECKING:
    from tests.chaos.world import World

# Faults that were ordered: told, and the work goes on. Anything else is a finding.
EXPECTED = (DomainError, ExchangeError, DatabaseError, redis.RedisError, BrokerError)
UNEXPECTED = "UNEXPECTED"


def venue_main(world: "World") -> None:
    PaperVenue(state_path=world.data / "paper.sqlite3", port=world.venue_port, seed=7, start_prices=START_PRICES).run()


def engine_main(name: str, connection_ids: list[int], *, journal: Journal, trap: Trap) -> None:
    """As an engine worker: every wanted run nobody else holds is taken up, again and again, until told to drain."""
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


def hand_main(name: str, orders: int, *, journal: Journal, trap: Trap, busy: Busy) -> None:
    """As web and worker: what people ask for and what is due, each line of the pipe a wish with a thread of its own."""
    kill_points_watch(trap.spring(name))
    with os.fdopen(os.dup(orders)) as source:
        for line in source:
            busy.add(1)
            threading.Thread(target=_hand, args=(name, json.loads(line), journal, busy), daemon=True).start()


_syncing: set[int] = set()


def _hand(name: str, wish: dict[str, Any], journal: Journal, busy: Busy) -> None:
    started_at = time.monotonic()
    try:
        told = HANDS[wish["what"]](wish)
    except EXPECTED as error:
        told = f"{type(error).__name__}: {error}"
    except Exception as error:
        told = f"{UNEXPECTED} {type(error).__name__}: {error}"
    finally:
        connections.close_all()
        busy.add(-1)
    journal.note(name, f"{wish['what']} {wish['connection']}: {told} ({time.monotonic() - started_at:.1f} s)")


def _row(wish: dict[str, Any]) -> Connection:
    return Connection.objects.select_related("owner").get(pk=wish["connection"])


def _user(wish: dict[str, Any]) -> User:
    return _row(wish).owner


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


def _order(wish: dict[str, Any]) -> str:
    """A market order, or a limit a little away from the market."""
    is_limit, side = wish["what"] == "limit", PositionSide(wish["side"])
    price = decimal_from_float(round(wish["price"] * (1 - 0.001 * side.sign), 1)) if is_limit else None
    ticket = Ticket(
        key=f"chaos{wish['number']}",
        symbol=wish["symbol"],
        position_side=side,
        terms=OrderTerms(order_type=OrderType.LIMIT if is_limit else OrderType.MARKET, price=price),
        stop_ratio=0.01,
        target_ratio=0.02,
    )
    order = manual_order_place(_row(wish), user=_user(wish), ticket=ticket)
    return f"{order.client_order_id} {order.status} {order.reason_code}"


def _close(wish: dict[str, Any]) -> str:
    position = positions_live(wish["connection"]).first()
    if position is None:
        return "nothing to close"
    outcome = manual_position_close(position, user=_user(wish))
    return f"position {position.pk} {'ok' if outcome.is_ok else 'not ok'} {outcome.code}"


def _close_all(wish: dict[str, Any]) -> str:
    return f"{len(manual_positions_close(_row(wish), user=_user(wish)))} closed"


def _cancel_all(wish: dict[str, Any]) -> str:
    return f"{len(manual_orders_cancel_all(_row(wish), user=_user(wish)))} canceled"


def _pause(wish: dict[str, Any]) -> str:
    GlobalTradeEngineCoordinator().pause(_row(wish), actor="chaos", user=_user(wish))
    return "paused"


def _emergency(wish: dict[str, Any]) -> str:
    [report] = GlobalTradeEngineCoordinator().emergency_stop([_row(wish)], actor="chaos", user=_user(wish))
    return "complete" if report.is_complete else f"incomplete: {[s for s in report.steps if not s['is_ok']]}"


def _start(wish: dict[str, Any]) -> str:
    connection = _row(wish)
    if not connection.is_live_armed:
        connection_arm(connection, user=connection.owner)
    GlobalTradeEngineCoordinator().start(connection, actor="chaos", user=connection.owner)
    return "started"


HANDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "sync": _sync,
    "order": _order,
    "limit": _order,
    "close": _close,
    "close_all": _close_all,
    "cancel_all": _cancel_all,
    "pause": _pause,
    "emergency": _emergency,
    "start": _start,
}
