"""Writes of engines: what is wanted of them, what they do, how it went. Nothing else writes an engine's row."""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.engine.models import ActualState, DesiredState, Engine, EngineEvent
from apps.engine.rows import engine_event_row, engine_row
from apps.engine.selectors import LONGEST_REST, engine_lease
from apps.exchanges.models import Connection, SymbolMode
from apps.exchanges.runs import run_wake
from apps.exchanges.trading import market_check
from cts.domain.errors import DomainError, RateLimited, Unavailable
from cts.realtime import event, push_on_commit

log = logging.getLogger(__name__)

MAX_FAILURES = 8
# More are no longer counted: the column is a small one.
MOST_FAILURES = 9999
_VERBS = {
    DesiredState.RUNNING: "started",
    DesiredState.PAUSED: "paused",
    DesiredState.STOPPED: "stopped",
}


@transaction.atomic
def engine_desire(
    connection: Connection, *, desired: DesiredState, actor: str, user: User | None = None, verb: str = ""
) -> Engine:
    """Say what the engine should do; its run follows within a second, or `runs_ensure` starts one.

    Raises:
        DomainError: `not_enabled`, `not_active`, `not_tested`, `spot_is_watched`, `not_running`, `read_only`; `symbols`
            at fault: `required`.
    """
    if user is not None:
        trading_check(user)
    engine = _locked(connection)
    if desired is not DesiredState.STOPPED:
        _usable_check(engine.connection)
        market_check(engine.connection)
    if desired is DesiredState.PAUSED and engine.desired == DesiredState.STOPPED:
        raise DomainError("not_running", "Only a running engine can be paused; start it first")
    if desired is not DesiredState.STOPPED and engine.actual == ActualState.FAILED:
        engine.actual = ActualState.STOPPED
    engine.desired = desired
    engine.save_next("desired", "actual", *_failures_forget(engine))
    _recorded(engine, kind=verb or _VERBS[desired], actor=actor, user=user)
    return engine


@transaction.atomic
def engine_restart(connection: Connection, *, actor: str, user: User | None = None) -> Engine:
    """End the present run and begin another; a stopped or failed engine just starts."""
    if user is not None:
        trading_check(user)
    engine = _locked(connection)
    _usable_check(engine.connection)
    if engine.desired == DesiredState.STOPPED:
        engine.desired = DesiredState.RUNNING
    if engine.actual == ActualState.FAILED:
        engine.actual = ActualState.STOPPED
    engine.restart_requested = engine.actual != ActualState.STOPPED
    engine.save_next("desired", "actual", "restart_requested", *_failures_forget(engine))
    _recorded(engine, kind="restarted", actor=actor, user=user)
    return engine


@transaction.atomic
def engine_started(connection: Connection, *, epoch: int) -> Engine:
    """A run has the lease and begins to load."""
    engine = _locked(connection)
    engine.actual, engine.epoch = ActualState.STARTING, epoch
    engine.started_at = engine.heartbeat_at = timezone.now()
    engine.restart_requested = False
    engine.save_next("actual", "epoch", "started_at", "heartbeat_at", "restart_requested")
    _recorded(engine, kind="run_started", actor="engine", detail={"epoch": epoch}, is_audited=False)
    return engine


@transaction.atomic
def engine_beat(connection: Connection, *, epoch: int, actual: ActualState, is_settled: bool = False) -> Engine | None:
    """The run is alive and does `actual`; None when a later run has taken over. After a while failures are forgotten."""
    engine = _locked(connection)
    if engine.epoch != epoch:
        return None
    before = engine.actual
    engine.actual, engine.heartbeat_at = actual, timezone.now()
    if is_settled:
        engine.failures, engine.retry_at = 0, None
    engine.save_next("actual", "heartbeat_at", "failures", "retry_at")
    if before != actual:
        _recorded(engine, kind=actual, actor="engine", detail={"before": before}, is_audited=False)
    else:
        _pushed(engine)
    return engine


@transaction.atomic
def engine_ended(connection: Connection, *, epoch: int, reason: str) -> None:
    """The run of `epoch` leaves in good order; what is wanted stays as it is."""
    engine = _locked(connection)
    if engine.epoch != epoch or engine.actual == ActualState.FAILED:
        return
    engine.actual = ActualState.STOPPED
    engine.save_next("actual")
    _recorded(engine, kind="run_ended", actor="engine", detail={"epoch": epoch, "reason": reason}, is_audited=False)


@transaction.atomic
def engine_failed(connection: Connection, *, epoch: int, error: Exception, is_final: bool) -> float | None:
    """Seconds until the next try, or None: after `MAX_FAILURES` in a row, or an error only its owner can mend.

    A venue that can't be reached is waited for, however long that takes.
    """
    engine = _locked(connection)
    if engine.epoch != epoch:
        return None
    engine.failures = min(engine.failures + 1, MOST_FAILURES)
    engine.last_error = f"{type(error).__name__}: {error}"[:500]
    longest_s, is_away = LONGEST_REST.total_seconds(), isinstance(error, Unavailable | RateLimited)
    is_over = is_final or (engine.failures >= MAX_FAILURES and not is_away)
    delay_s = None if is_over else min(longest_s, float(2 ** min(engine.failures - 1, MAX_FAILURES)))
    engine.actual = ActualState.FAILED if delay_s is None else ActualState.STARTING
    engine.needs_owner = is_final
    engine.retry_at = None if delay_s is None else timezone.now() + timedelta(seconds=delay_s)
    engine.save_next("failures", "last_error", "actual", "retry_at", "needs_owner")
    detail = {"error": engine.last_error, "failures": engine.failures, "retry_in_s": delay_s}
    _recorded(
        engine, kind="failed" if delay_s is None else "run_failed", actor="engine", detail=detail, is_audited=False
    )
    if delay_s is None:
        log.error("engine_gave_up", extra={"connection": connection.pk, "reason": engine.last_error})
    return delay_s


@transaction.atomic
def engine_lost(engine_id: int) -> None:
    """Its run died without a word: say so, instead of showing for ever what it last did."""
    engine = Engine.objects.select_for_update(of=("self",)).select_related("connection").get(pk=engine_id)
    if engine.actual in (ActualState.STOPPED, ActualState.FAILED):
        return
    before, engine.actual = engine.actual, ActualState.STOPPED
    engine.save_next("actual")
    _recorded(engine, kind="run_lost", actor="system", detail={"before": before}, is_audited=False)


@transaction.atomic
def engine_note(
    connection: Connection, *, kind: str, actor: str, detail: dict[str, Any], user: User | None = None
) -> None:
    """Keep an event that changes no state."""
    _recorded(_locked(connection), kind=kind, actor=actor, user=user, detail=detail)


def _usable_check(connection: Connection) -> None:
    if not connection.is_enabled:
        raise DomainError("not_enabled", "Enable the connection first")
    if not connection.is_active:
        raise DomainError("not_active", "Make the connection active first")
    if not connection.is_test_passed:
        raise DomainError("not_tested", "Test the connection first; its last test must have passed")
    if connection.symbol_mode == SymbolMode.MAIN and not (connection.symbols or connection.forced_symbols):
        raise DomainError("required", "Choose at least one symbol for the engine to trade", field="symbols")


def _failures_forget(engine: Engine) -> list[str]:
    """A hand on the switch is a new beginning: earlier failures no longer count. Returns the fields changed."""
    engine.failures, engine.retry_at, engine.last_error, engine.needs_owner = 0, None, "", False
    return ["failures", "retry_at", "last_error", "needs_owner"]


def _locked(connection: Connection) -> Engine:
    Engine.objects.get_or_create(connection=connection)
    rows = Engine.objects.select_for_update(of=("self",)).select_related("connection")
    return rows.get(connection=connection)


def _recorded(
    engine: Engine,
    *,
    kind: str,
    actor: str,
    user: User | None = None,
    detail: dict[str, Any] | None = None,
    is_audited: bool = True,
) -> None:
    row = EngineEvent.objects.create(engine=engine, kind=kind, actor=actor, detail=detail or {})
    if is_audited:
        audit_record(
            user=user,
            actor=actor,
            action=f"engine.{kind}",
            entity="connection",
            entity_id=engine.connection_id,
            detail=detail,
        )
        transaction.on_commit(lambda: run_wake(engine_lease(engine.connection_id)))
    push_on_commit(f"connection.{engine.connection_id}", event("engine_event", engine_event_row(row)))
    _pushed(engine)


def _pushed(engine: Engine) -> None:
    for topic in (f"connection.{engine.connection_id}", f"user.{engine.connection.owner_id}"):
        push_on_commit(topic, event("engine", engine_row(engine)))
