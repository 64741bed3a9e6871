"""Emergency stops that cross each other, and a stop somebody takes away on the venue."""

import threading

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.reports import StopReport
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.orders.history import history_for
from apps.orders.models import Order
from apps.positions.models import Position
from apps.strategies.models import Study
from tests.flows.conftest import trader_create
from tests.flows.stage import Stage, until
from tests.flows.test_control import _enter

pytestmark = [pytest.mark.wire]


def _losing_streak(connection: Connection) -> int:
    now = timezone.now()
    return history_for(Connection.objects.get(pk=connection.pk), now=now).losing_streak(now=now)


def test_two_emergency_stops_at_once_send_one_exit_and_both_are_complete(
    stage: Stage, trader: Connection, study: Study
) -> None:
    stage.feed(trader)
    stage.engine(trader)
    _enter(stage, study)
    reports: list[StopReport] = []
    barrier = threading.Barrier(2)

    def stop() -> None:
        try:
            barrier.wait(10)
            reports.extend(GlobalTradeEngineCoordinator().emergency_stop([trader], actor="alice"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=stop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [report.is_complete for report in reports] == [True, True], [report.errors for report in reports]
    sent = Order.objects.filter(purpose__in=("exit", "emergency"))
    assert [order.status for order in sent] == ["filled"]
    assert stage.state(trader)["positions"] == []
    assert stage.open_orders(trader) == []
    assert _losing_streak(trader) == 0


def test_a_slow_venue_keeps_no_other_from_its_stop(stage: Stage, trader: Connection, study: Study, alice: User) -> None:
    slow = trader_create(alice, "okx")
    stage.feed(trader)
    stage.engine(trader)
    _enter(stage, study)
    stage.venue.faults("okx", "", "delay", count=None, seconds=1.0)
    reports: list[StopReport] = []

    def stop() -> None:
        try:
            reports.extend(GlobalTradeEngineCoordinator().emergency_stop([slow, trader], actor="alice"))
        finally:
            connections.close_all()

    thread = threading.Thread(target=stop)
    thread.start()
    until(lambda: Position.objects.filter(status="closed", exit_reason="emergency").exists(), what="it waited")
    assert thread.is_alive(), "both were over at once: nothing was shown"
    assert not Connection.objects.filter(is_live_armed=True).exists()
    thread.join(60)
    assert [(report.connection_id, report.is_complete) for report in reports] == [(slow.pk, True), (trader.pk, True)]


def test_a_stop_taken_away_on_the_venue_is_placed_again_without_waiting_for_a_sync(
    stage: Stage, trader: Connection, study: Study, settings: Settings
) -> None:
    settings.RECONCILE_INTERVAL_S = 60.0
    stage.feed(trader)
    stage.engine(trader)
    stop = _enter(stage, study).stop_order
    assert stop is not None
    names = {"client_order_id": stop.client_order_id, "venue_order_id": stop.venue_order_id}
    connector_for(trader).cancel(stop.symbol, **names, is_conditional=True)
    renewed = Position.objects.exclude(stop_order=stop).filter(stop_order__status="accepted", uncovered_since=None)
    until(renewed.exists, within_s=5, what="the position stays without its stop")
    told = renewed.get().events.filter(kind="stop").values_list("data__is_covered", flat=True)
    assert list(told) == [True, False, True]
    assert len(stage.open_orders(trader)) == 1
