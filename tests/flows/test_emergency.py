"""The ways to stop: emergency stop flat or protected, HALT, a refused key; each checked at the venue."""

import time

import pytest
from django.core.management import call_command

from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.models import ActualState, Engine, EngineEvent
from apps.exchanges.models import Connection
from apps.exchanges.state import ConnectionStateManager
from apps.orders.models import Order
from apps.positions.models import Position
from apps.strategies.models import Study
from tests.flows.stage import Stage, until

pytestmark = [pytest.mark.wire]
OPEN = ("new", "untriggered", "partially_filled")


def _open_orders(stage: Stage, connection: Connection) -> list[str]:
    return [order["client_id"] for order in stage.state(connection)["orders"] if order["status"] in OPEN]


def _run_all(stage: Stage, connection: Connection, study: Study) -> None:
    stage.feed(connection)
    stage.study(study)
    stage.engine(connection)


def _enter(stage: Stage) -> Position:
    stage.climb()
    until(lambda: Position.objects.filter(stop_order__status="accepted").exists(), what="no covered position")
    return Position.objects.get()


def test_an_emergency_stop_leaves_nothing_at_the_venue_and_can_be_repeated(
    stage: Stage, trader: Connection, study: Study
) -> None:
    _run_all(stage, trader, study)
    _enter(stage)
    coordinator = GlobalTradeEngineCoordinator()
    [report] = coordinator.emergency_stop([trader], actor="alice", user=trader.owner)
    assert report.is_complete, report.steps
    assert stage.state(trader)["positions"] == []
    assert _open_orders(stage, trader) == []
    stage.engine_until(trader, ActualState.STOPPED)
    trader.refresh_from_db()
    assert not trader.is_live_armed
    assert (Position.objects.get().status, Position.objects.get().exit_reason) == ("closed", "emergency")
    [again] = coordinator.emergency_stop([trader], actor="alice", user=trader.owner)
    assert again.is_complete, again.steps
    until(lambda: not stage.differences(trader), what=f"{stage.differences(trader)}")
    assert EngineEvent.objects.filter(kind="emergency_stop").count() == 2


def test_protecting_keeps_the_position_and_its_stop(stage: Stage, trader: Connection, study: Study) -> None:
    _run_all(stage, trader, study)
    position = _enter(stage)
    [report] = GlobalTradeEngineCoordinator().emergency_stop([trader], actor="alice", mode="protect")
    assert report.is_complete, report.steps
    assert len(stage.state(trader)["positions"]) == 1
    assert position.stop_order is not None
    assert _open_orders(stage, trader) == [position.stop_order.client_order_id]


def test_halt_keeps_entries_away_within_a_second_and_exits_working(
    stage: Stage, trader: Connection, study: Study
) -> None:
    _run_all(stage, trader, study)
    ConnectionStateManager().halt_path.touch()
    stage.climb()
    time.sleep(1.0)
    assert stage.state(trader)["orders"] == []
    assert not Order.objects.filter(purpose="entry", status="filled").exists()
    stage.engine_until(trader, ActualState.PAUSED)
    assert EngineEvent.objects.filter(kind="halted").exists()


def test_the_command_stops_and_writes_halt(
    stage: Stage, trader: Connection, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_all(stage, trader, study)
    _enter(stage)
    call_command("emergency_stop", str(trader.pk), halt=True)
    assert ConnectionStateManager().is_halted()
    assert stage.state(trader)["positions"] == []
    assert f"connection {trader.pk}: done" in capsys.readouterr().out
    call_command("emergency_stop", lift=True)
    assert not ConnectionStateManager().is_halted()


def test_a_stopped_engine_ends_within_a_second_and_a_command_starts_it(stage: Stage, trader: Connection) -> None:
    stage.feed(trader)
    stage.engine(trader)
    started = time.monotonic()
    call_command("engine", "stop", str(trader.pk))
    stage.engine_until(trader, ActualState.STOPPED)
    assert time.monotonic() - started < 2
    call_command("engine", "start", all=True)
    assert Engine.objects.get().desired == "running"
