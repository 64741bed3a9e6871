"""The emergency stop of one connection: disarm, cancel, then flatten or keep protected. Safe to repeat at any point."""

import logging

from apps.accounts.models import User
from apps.engine.models import DesiredState
from apps.engine.reports import StopReport
from apps.engine.services import engine_desire, engine_note
from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.patience import patient
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_stop_entries
from apps.orders.services import CancelOutcome, orders_cancel_all
from apps.positions.manager import PositionManager
from apps.positions.selectors import positions_live
from apps.positions.sync import connection_sync
from cts.domain.errors import DomainError
from cts.domain.types import VenuePosition

log = logging.getLogger(__name__)

MODES = ("flatten", "protect")
# Longer than the longest ban a venue gives for the first offence.
PATIENCE_S = 75.0
# A position may be filled further while we close; the venue is looked at again this often.
ROUNDS = 3


class _Left(DomainError):
    """The venue still holds something after all rounds."""


def emergency_mode_check(mode: str) -> None:
    """Whether there is such a mode.

    Raises:
        DomainError: `invalid_choice`.
    """
    if mode not in MODES:
        raise DomainError("invalid_choice", f"Choose one of {', '.join(MODES)}", field="mode")


def emergency_disarm(report: StopReport, connection: Connection, *, actor: str, user: User | None) -> None:
    """What needs no venue, and ends entries at once."""
    report.step("disarm", lambda: _disarm(connection, actor=actor, user=user))
    report.step("stop engine", lambda: _engine_stop(connection, actor=actor, user=user))


def emergency_settle(report: StopReport, connection: Connection, *, actor: str, user: User | None) -> None:
    """What asks the venue. Each step is tried whatever became of the one before: half a stop is better than none.

    Its calls go before all others of the account, and wait rather than fail where a budget is spent.
    """
    mode = report.mode
    connector = connector_for(connection)
    with patient(PATIENCE_S, is_first=True):
        report.step("cancel entries", lambda: _entries_cancel(connection, connector))
        if mode == "flatten":
            report.step("close positions", lambda: _flatten(connection, connector))
            report.step("cancel the rest", lambda: _cancel_all(connection, connector))
        else:
            report.step("read the venue", lambda: _sync(connection, connector))
            report.step("protect positions", lambda: _protect(connection, connector))
        report.step("look again", lambda: _look(connector, mode=mode))
    detail = {"mode": mode, "is_complete": report.is_complete, "steps": report.steps}
    engine_note(connection, kind="emergency_stop", actor=actor, user=user, detail=detail)
    log.warning("emergency_stop", extra={"connection": connection.pk, "mode": mode, "is_complete": report.is_complete})


def _disarm(connection: Connection, *, actor: str, user: User | None) -> str:
    connection_stop_entries(connection, user=user, actor=actor)
    return "No entry is sent, by an engine or by hand, until the connection is armed again"


def _engine_stop(connection: Connection, *, actor: str, user: User | None) -> str:
    engine_desire(connection, desired=DesiredState.STOPPED, actor=actor, user=user)
    return "The engine ends within a second"


def _sync(connection: Connection, connector: Connector) -> str:
    connection_sync(connection, connector=connector)
    return "Orders, fills and positions are as the venue tells them"


def _entries_cancel(connection: Connection, connector: Connector) -> str:
    """Entries first; the stops stand until the positions they protect are gone."""
    return _canceled(orders_cancel_all(connection, connector=connector, is_stop_kept=True))


def _canceled(outcomes: list[CancelOutcome]) -> str:
    if failed := [outcome for outcome in outcomes if not outcome.is_ok]:
        raise _Left("not_canceled", f"{len(failed)} of {len(outcomes)} not canceled: {failed[0].detail}")
    kept = sum(outcome.is_kept for outcome in outcomes)
    return f"{len(outcomes) - kept} canceled" + (f", {kept} kept for what they protect" if kept else "")


def _flatten(connection: Connection, connector: Connector) -> str:
    """What we know of is closed before the venue is read: on some, reading all of it takes long."""
    manager, legs = PositionManager(), list[VenuePosition]()
    closed: set[int] = set()
    for _ in range(ROUNDS):
        outcomes = manager.flatten(connection, connector=connector)
        closed |= {outcome.position.pk for outcome in outcomes}
        legs = connection_sync(connection, connector=connector).legs
        if not legs:
            return f"{len(closed)} closed"
    raise _Left("positions_left", f"Still held: {', '.join(f'{leg.side} {leg.symbol}' for leg in legs)}")


def _cancel_all(connection: Connection, connector: Connector) -> str:
    return _canceled(orders_cancel_all(connection, connector=connector))


def _protect(connection: Connection, connector: Connector) -> str:
    manager, positions = PositionManager(), list(positions_live(connection))
    for position in positions:
        manager.ensure_stop(position, connector=connector)
    return f"{len(positions)} under a stop"


def _look(connector: Connector, *, mode: str) -> str:
    legs, orders = connector.positions(), connector.open_orders()
    entries = [order for order in orders if not order.is_reduce_only]
    if mode == "flatten" and (legs or orders):
        raise _Left("left", f"The venue still has {len(legs)} position(s) and {len(orders)} order(s)")
    if entries:
        raise _Left("left", f"The venue still has {len(entries)} order(s) that could open positions")
    return f"The venue has {len(legs)} position(s) and {len(orders)} order(s)"
