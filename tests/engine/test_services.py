"""What is wanted of an engine and what it does: verbs, beats, failures and their limits, each kept and fenced by epoch."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from apps.accounts.models import AuditEntry, Role, User
from apps.engine.models import ActualState, DesiredState, Engine, EngineEvent
from apps.engine.runs import EngineRun
from apps.engine.selectors import engine_get_for, engine_lease, engines_wanted
from apps.engine.services import (
    MAX_FAILURES,
    engine_beat,
    engine_desire,
    engine_ended,
    engine_failed,
    engine_lost,
    engine_restart,
    engine_started,
)
from apps.exchanges.models import Connection
from apps.exchanges.runs import Ended
from apps.orders.creation import engine_lease_name
from cts.domain.errors import AuthFailed, DomainError, Unavailable

pytestmark = pytest.mark.django_db
RUNNING, PAUSED, STOPPED = DesiredState.RUNNING, DesiredState.PAUSED, DesiredState.STOPPED


def _running(connection: Connection, *, epoch: int = 1) -> Engine:
    engine_desire(connection, desired=RUNNING, actor="alice")
    engine = engine_started(connection, epoch=epoch)
    engine_beat(connection, epoch=epoch, actual=ActualState.RUNNING)
    return engine


def _fresh(connection: Connection) -> Engine:
    return Engine.objects.get(connection=connection)


def _refused(code: str, work: object) -> None:
    with pytest.raises(DomainError) as refusal:
        work()  # type: ignore[operator]
    assert refusal.value.code == code


def test_orders_and_engines_mean_the_same_lease() -> None:
    assert engine_lease(7) == engine_lease_name(7)


def test_starting_is_wanted_kept_and_audited(connection: Connection, alice: User) -> None:
    engine = engine_desire(connection, desired=RUNNING, actor="alice", user=alice)
    assert (engine.desired, engine.actual, engine.version) == ("running", "stopped", 2)
    assert list(engines_wanted()) == [engine]
    assert EngineEvent.objects.get().kind == "started"
    assert AuditEntry.objects.get(action="engine.started").user == alice


def test_an_untested_connection_or_one_without_symbols_is_refused_at_once(connection: Connection) -> None:
    rows = Connection.objects.filter(pk=connection.pk)
    for result in (None, False):
        rows.update(is_test_passed=result)
        _refused("not_tested", lambda: engine_desire(connection, desired=RUNNING, actor="alice"))
    rows.update(is_test_passed=True, symbols=[], forced_symbols=[])
    _refused("required", lambda: engine_restart(connection, actor="alice"))
    with pytest.raises(DomainError) as refusal:
        engine_desire(connection, desired=RUNNING, actor="alice")
    assert (refusal.value.code, refusal.value.field) == ("required", "symbols")
    assert not engines_wanted().exists()


@pytest.mark.parametrize("error", [AuthFailed("no"), DomainError("no_symbols", "none"), ValueError("a bug")])
def test_only_what_an_owner_can_mend_is_left_to_the_owner_and_a_start_begins_anew(
    connection: Connection, error: Exception
) -> None:
    _running(connection)
    is_owners = not isinstance(error, ValueError)
    engine_failed(connection, epoch=1, error=error, is_final=is_owners)
    engine = _fresh(connection)
    assert (engine.needs_owner, engine.actual) == (is_owners, "failed" if is_owners else "starting")
    engine_desire(connection, desired=RUNNING, actor="alice")
    assert (_fresh(connection).needs_owner, _fresh(connection).last_error) == (False, "")


@pytest.mark.parametrize(("switch", "code"), [("is_enabled", "not_enabled"), ("is_active", "not_active")])
def test_a_connection_out_of_use_is_not_started_but_can_be_stopped(
    connection: Connection, switch: str, code: str
) -> None:
    Connection.objects.filter(pk=connection.pk).update(**{switch: False})
    _refused(code, lambda: engine_desire(connection, desired=RUNNING, actor="alice"))
    engine_desire(connection, desired=STOPPED, actor="alice")
    assert not engines_wanted().exists()


def test_an_engine_whose_connection_goes_out_of_use_is_no_longer_wanted(connection: Connection) -> None:
    engine_desire(connection, desired=RUNNING, actor="alice")
    Connection.objects.filter(pk=connection.pk).update(is_enabled=False)
    assert not engines_wanted().exists()


def test_only_what_runs_can_be_paused(connection: Connection) -> None:
    _refused("not_running", lambda: engine_desire(connection, desired=PAUSED, actor="alice"))
    engine_desire(connection, desired=RUNNING, actor="alice")
    assert engine_desire(connection, desired=PAUSED, actor="alice").desired == PAUSED
    assert engines_wanted().exists()


def test_viewers_are_refused(connection: Connection, alice: User) -> None:
    alice.role = Role.VIEWER
    _refused("read_only", lambda: engine_desire(connection, desired=RUNNING, actor="alice", user=alice))
    _refused("read_only", lambda: engine_restart(connection, actor="alice", user=alice))


def test_a_run_of_an_older_epoch_writes_nothing(connection: Connection) -> None:
    _running(connection, epoch=1)
    engine_started(connection, epoch=2)
    version = _fresh(connection).version
    assert engine_beat(connection, epoch=1, actual=ActualState.PAUSED) is None
    assert engine_failed(connection, epoch=1, error=ValueError("late"), is_final=True) is None
    engine_ended(connection, epoch=1, reason="late")
    assert _fresh(connection).version == version


def test_failures_wait_longer_each_time_then_give_up_for_good(connection: Connection) -> None:
    _running(connection)
    waits = [engine_failed(connection, epoch=1, error=ValueError("no"), is_final=False) for _ in range(MAX_FAILURES)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, None]
    engine = _fresh(connection)
    assert (engine.actual, engine.failures, engine.last_error) == ("failed", MAX_FAILURES, "ValueError: no")
    assert not engines_wanted().exists()
    assert EngineEvent.objects.first().kind == "failed"  # type: ignore[union-attr]


def test_a_venue_that_is_away_is_waited_for_however_long(connection: Connection) -> None:
    _running(connection)
    away = Unavailable("maintenance")
    waits = [engine_failed(connection, epoch=1, error=away, is_final=False) for _ in range(MAX_FAILURES + 3)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    Engine.objects.update(failures=9999)
    assert engine_failed(connection, epoch=1, error=away, is_final=False) == 60


def test_an_error_no_repeat_can_mend_gives_up_at_once(connection: Connection) -> None:
    _running(connection)
    assert engine_failed(connection, epoch=1, error=ValueError("key"), is_final=True) is None
    assert _fresh(connection).actual == ActualState.FAILED


def test_the_next_try_is_not_before_its_time(connection: Connection) -> None:
    _running(connection)
    engine_failed(connection, epoch=1, error=ValueError("no"), is_final=False)
    assert not engines_wanted().exists()
    Engine.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert engines_wanted().exists()


def test_a_hand_on_the_switch_forgets_failures(connection: Connection) -> None:
    _running(connection)
    engine_failed(connection, epoch=1, error=ValueError("no"), is_final=True)
    engine_desire(connection, desired=RUNNING, actor="alice")
    engine = _fresh(connection)
    assert (engine.failures, engine.last_error, engine.retry_at, engine.actual) == (0, "", None, "stopped")
    assert engines_wanted().exists()


def test_a_long_good_run_forgets_failures_a_short_one_does_not(connection: Connection) -> None:
    _running(connection)
    engine_failed(connection, epoch=1, error=ValueError("no"), is_final=False)
    engine_beat(connection, epoch=1, actual=ActualState.RUNNING)
    assert _fresh(connection).failures == 1
    engine_beat(connection, epoch=1, actual=ActualState.RUNNING, is_settled=True)
    assert _fresh(connection).failures == 0


def test_restart_is_a_request_to_a_live_run_and_a_start_otherwise(connection: Connection) -> None:
    assert not engine_restart(connection, actor="alice").restart_requested
    assert _fresh(connection).desired == RUNNING
    _running(connection)
    assert engine_restart(connection, actor="alice").restart_requested
    engine_started(connection, epoch=2)
    assert not _fresh(connection).restart_requested


def test_ending_in_good_order_leaves_the_wish_alone(connection: Connection) -> None:
    _running(connection)
    engine_ended(connection, epoch=1, reason="drained")
    engine = _fresh(connection)
    assert (engine.actual, engine.desired) == ("stopped", "running")


def test_a_dead_run_is_shown_as_stopped_once(connection: Connection) -> None:
    engine = _running(connection)
    engine_lost(engine.pk)
    engine_lost(engine.pk)
    assert _fresh(connection).actual == "stopped"
    assert EngineEvent.objects.filter(kind="run_lost").count() == 1


def test_beats_of_the_same_state_leave_no_event(connection: Connection) -> None:
    _running(connection)
    count = EngineEvent.objects.count()
    engine_beat(connection, epoch=1, actual=ActualState.RUNNING)
    assert EngineEvent.objects.count() == count
    assert _fresh(connection).heartbeat_at is not None


def test_an_engine_never_started_is_shown_stopped_to_its_owner(connection: Connection, alice: User) -> None:
    engine = engine_get_for(alice, connection.pk)
    assert (engine.desired, engine.actual) == ("stopped", "stopped")
    assert not Engine.objects.exists()


def test_a_run_that_could_read_nothing_yet_waits_and_tries_again(connection: Connection) -> None:
    """The database went away between its lease and its first look."""
    run = EngineRun(connection.pk)
    assert run.on_failure(OperationalError("server closed the connection"), failures=1) is not None
    run.on_ended(Ended.STOPPED)
