"""Pause, stop, HALT, emergency, and an engine that was away: each checked at the venue."""

import time
from decimal import Decimal

import pytest
from django.core.management import call_command

from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.models import ActualState, Engine, EngineEvent
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_arm, connection_disarm
from apps.exchanges.state import ConnectionStateManager
from apps.orders.manual import Ticket, manual_order_place
from apps.orders.models import Order
from apps.positions.models import Position
from apps.positions.sync import connection_sync
from apps.strategies.models import Study
from cts.domain.orders import OrderTerms
from cts.domain.types import PositionSide
from tests.flows.stage import BTC, Stage, until

pytestmark = [pytest.mark.wire]


def _enter(stage: Stage, study: Study) -> Position:
    rows = Position.objects.select_related("stop_order").filter(stop_order__status="accepted", uncovered_since=None)
    stage.fire(study.lines.get())
    until(rows.exists, what=f"no covered position: {list(Order.objects.values('purpose', 'status', 'reason'))}")
    return rows.get()


def _closed(stage: Stage, connection: Connection) -> Position:
    until(lambda: Position.objects.filter(status="closed").exists(), what="the position was not closed")
    until(lambda: not stage.differences(connection), what="the ledgers differ")
    return Position.objects.get()


def test_what_happens_while_the_engine_is_away_is_known_after_its_start(
    stage: Stage, trader: Connection, study: Study
) -> None:
    stage.feed(trader)
    engine = stage.engine(trader)
    position = _enter(stage, study)
    stage.end(engine)
    assert position.stop_price is not None
    stage.venue.price(BTC, float(position.stop_price) - 100)
    until(lambda: stage.state(trader)["positions"] == [], what="the stop on the venue did not work alone")
    stage.engine(trader)
    assert _closed(stage, trader).exit_reason == "stop"


def test_a_paused_engine_enters_nothing_but_follows_exits(stage: Stage, trader: Connection, study: Study) -> None:
    stage.feed(trader)
    stage.engine(trader)
    position = _enter(stage, study)
    GlobalTradeEngineCoordinator().pause(trader, actor="alice", user=trader.owner)
    stage.engine_until(trader, ActualState.PAUSED)
    stage.fire(study.lines.get())
    assert position.target_price is not None
    stage.venue.price(BTC, float(position.target_price) + 50)
    assert _closed(stage, trader).exit_reason == "target"
    assert Order.objects.filter(purpose="entry").count() == 1


def test_a_disarmed_connection_sends_nothing(stage: Stage, trader: Connection, study: Study) -> None:
    stage.feed(trader)
    stage.engine(trader)
    connection_disarm(trader, user=trader.owner)
    stage.fire(study.lines.get())
    time.sleep(1.2)
    assert stage.state(trader)["orders"] == []
    assert not Order.objects.exclude(status="denied").exists()


def test_halt_keeps_entries_away_at_once_and_shows(stage: Stage, trader: Connection, study: Study) -> None:
    stage.feed(trader)
    stage.engine(trader)
    ConnectionStateManager().halt_path.touch()
    stage.fire(study.lines.get())
    stage.engine_until(trader, ActualState.PAUSED)
    assert stage.state(trader)["orders"] == []
    assert EngineEvent.objects.filter(kind="halted").exists()
    ConnectionStateManager().resume()
    stage.engine_until(trader, ActualState.RUNNING)
    _enter(stage, study)


def _hands_are_kept_out_until_armed(trader: Connection) -> None:
    """The HALT file aside, nobody gets in by hand either, until the owner arms again."""
    ConnectionStateManager().resume()
    wish = OrderTerms(quantity=Decimal("0.010"))
    denied = _by_hand(trader, wish, key="after the stop")
    assert (denied.status, denied.reason_code) == ("denied", "emergency_stop")
    connection_disarm(trader, user=trader.owner)
    assert _by_hand(trader, wish, key="disarmed").reason_code == "emergency_stop"
    connection_arm(trader, user=trader.owner)
    connection_disarm(trader, user=trader.owner)
    allowed = _by_hand(trader, wish, key="armed meanwhile")
    assert allowed.status == "filled", allowed.reason


def _by_hand(trader: Connection, terms: OrderTerms, *, key: str) -> Order:
    ticket = Ticket(key=key, symbol=BTC, position_side=PositionSide.LONG, terms=terms)
    order = manual_order_place(trader, user=trader.owner, ticket=ticket)
    if order.status != "denied":
        connection_sync(trader, connector=connector_for(trader))
        order.refresh_from_db()
    return order


def test_an_emergency_stop_leaves_nothing_at_the_venue_and_can_be_repeated(
    stage: Stage, trader: Connection, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.feed(trader)
    stage.engine(trader)
    _enter(stage, study)
    call_command("emergency_stop", str(trader.pk), halt=True)
    assert f"connection {trader.pk}: done" in capsys.readouterr().out
    assert ConnectionStateManager().is_halted()
    assert stage.state(trader)["positions"] == []
    assert stage.open_orders(trader) == []
    stage.engine_until(trader, ActualState.STOPPED)
    trader.refresh_from_db()
    assert not trader.is_live_armed
    assert _closed(stage, trader).exit_reason == "emergency"
    _hands_are_kept_out_until_armed(trader)
    [again] = GlobalTradeEngineCoordinator().emergency_stop([trader], actor="alice", user=trader.owner)
    assert again.is_complete, again.steps
    assert EngineEvent.objects.filter(kind="emergency_stop").count() == 2
    ConnectionStateManager().halt(reason="a test", actor="alice")
    call_command("emergency_stop", lift=True)
    assert not ConnectionStateManager().is_halted()


def test_protecting_keeps_the_position_and_its_stop(stage: Stage, trader: Connection, study: Study) -> None:
    stage.feed(trader)
    stage.engine(trader)
    position = _enter(stage, study)
    [report] = GlobalTradeEngineCoordinator().emergency_stop([trader], actor="alice", mode="protect")
    assert report.is_complete, report.steps
    assert len(stage.state(trader)["positions"]) == 1
    assert position.stop_order is not None
    assert stage.open_orders(trader) == [position.stop_order.client_order_id]


def test_a_stopped_engine_ends_within_a_second_and_a_command_wants_it_again(stage: Stage, trader: Connection) -> None:
    stage.feed(trader)
    stage.engine(trader)
    started = time.monotonic()
    call_command("engine", "stop", str(trader.pk))
    stage.engine_until(trader, ActualState.STOPPED)
    assert time.monotonic() - started < 2
    call_command("engine", "start", all=True)
    assert Engine.objects.get().desired == "running"
