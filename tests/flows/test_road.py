"""A tick becomes an order, a fill, a position under a stop, and a profit; and a restart in the middle changes nothing."""

import pytest

from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.positions.models import Position
from apps.strategies.models import Study
from tests.flows.stage import BTC, Stage, until

pytestmark = [pytest.mark.wire, pytest.mark.parametrize("exchange", ["bybit", "binance"])]


def _covered() -> Position:
    rows = Position.objects.select_related("stop_order").filter(stop_order__status="accepted", uncovered_since=None)
    until(rows.exists, what=f"no covered position: {list(Order.objects.values('purpose', 'status', 'reason'))}")
    return rows.get()


def _close(stage: Stage, connection: Connection, position: Position) -> Position:
    """Let the price reach the target, and both ledgers come to rest."""
    assert position.target_price is not None
    stage.venue.price(BTC, float(position.target_price) + 50)
    until(lambda: Position.objects.filter(status="closed").exists(), what="the position was not closed")
    until(lambda: stage.open_orders(connection) == [], what="orders were left at the venue")
    until(lambda: not stage.differences(connection), what="the ledgers differ")
    return Position.objects.get()


def test_a_climb_is_bought_protected_and_sold_at_the_target(stage: Stage, trader: Connection, study: Study) -> None:
    stage.feed(trader)
    stage.study(study)
    stage.engine(trader)
    stage.climb()
    position = _covered()
    entry = Order.objects.get(purpose="entry")
    assert (entry.status, entry.position_side, entry.line_id) == ("filled", "long", study.lines.get().pk)
    assert entry.explanation["indication"] == "move"
    assert position.quantity == entry.filled_quantity > 0
    assert [(leg["symbol"], leg["side"]) for leg in stage.state(trader)["positions"]] == [(BTC, "long")]
    assert position.stop_order is not None
    assert stage.open_orders(trader) == [position.stop_order.client_order_id]
    assert not stage.differences(trader)
    closed = _close(stage, trader, position)
    assert (closed.quantity, closed.exit_reason) == (0, "target")
    assert stage.state(trader)["positions"] == []
    assert stage.balance(trader) == 100_000 + closed.realized_pnl - closed.fees > 100_000


def test_a_restart_in_the_middle_takes_up_the_position_and_closes_it(
    stage: Stage, trader: Connection, study: Study
) -> None:
    running = [stage.feed(trader), stage.study(study), stage.engine(trader)]
    stage.climb()
    position = _covered()
    for run in running:
        stage.end(run)
    stage.feed(trader)
    stage.study(study)
    stage.engine(trader)
    assert not stage.differences(trader)
    assert _close(stage, trader, position).exit_reason == "target"
    assert Order.objects.filter(purpose="entry").count() == 1
