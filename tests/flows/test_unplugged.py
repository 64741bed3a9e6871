"""One venue gone, REST and sockets alike: the others trade on, nothing is sent to it, and it comes back by itself."""

import pytest

from apps.accounts.models import User
from apps.engine.models import ActualState, Engine
from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.positions.models import Position
from apps.strategies.models import Line, Study
from apps.strategies.services import study_follow
from tests.flows.conftest import trader_create
from tests.flows.stage import Stage, line_make, until

pytestmark = [pytest.mark.wire, pytest.mark.parametrize("gone", ["okx", "binance"])]


def test_the_others_trade_on_and_it_recovers_by_itself(
    gone: str, stage: Stage, trader: Connection, study: Study, alice: User
) -> None:
    other = trader_create(alice, gone)
    line = line_make(study_follow(other, timeframe_s=1, lines_per_symbol=2).study)
    for connection in (trader, other):
        stage.feed(connection)
        stage.engine(connection)
    _unplug(stage, gone)
    until(lambda: Engine.objects.get(connection=other).actual != ActualState.RUNNING, what="nobody noticed")

    stage.fire(line, is_heard=False)
    _traded(stage, trader, study.lines.get(), price=60_010.0)
    assert not Order.objects.filter(connection=other).exists()

    stage.venue.clear_faults()
    until(lambda: Engine.objects.get(connection=other).actual == ActualState.RUNNING, what="still away", within_s=60)
    _traded(stage, other, line, price=60_020.0)


def _unplug(stage: Stage, exchange: str) -> None:
    stage.venue.faults(exchange, "", "refuse", count=None)
    stage.venue.call("POST", "/_faults", {"exchange": exchange, "kind": "drop_socket"})


def _traded(stage: Stage, connection: Connection, line: Line, *, price: float) -> None:
    """A signal becomes a covered position, the same on both sides."""
    stage.fire(line, price=price)
    held = Position.objects.filter(connection=connection, stop_order__status="accepted", uncovered_since=None)
    until(held.exists, what=f"no covered position on {connection.exchange}", within_s=30)
    until(lambda: not stage.differences(connection), what="the ledgers differ", within_s=30)
