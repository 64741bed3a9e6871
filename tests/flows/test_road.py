"""A tick becomes an order, a fill, a position under a stop, and a profit; and a restart in the middle changes nothing."""

import pytest

from apps.engine.models import ActualState
from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.positions.models import Position
from apps.strategies.models import Study
from tests.flows.stage import BTC, Stage, until

pytestmark = [pytest.mark.wire]


def _position() -> Position | None:
    return Position.objects.select_related("stop_order").first()


def _is_covered() -> bool:
    position = _position()
    return position is not None and position.stop_order is not None and position.stop_order.status == "accepted"


def _entered(stage: Stage) -> Position:
    stage.climb()
    until(lambda: Order.objects.filter(purpose="entry").exists(), what="the line fired no order")
    until(_is_covered, what=f"no covered position: {list(Order.objects.values('purpose', 'status', 'reason'))}")
    position = _position()
    assert position is not None
    return position


def _closed(stage: Stage, connection: Connection, *, price: float, reason: str) -> Position:
    stage.venue.price(BTC, price)
    until(lambda: Position.objects.filter(status="closed").exists(), what="the position was not closed")
    until(lambda: not stage.differences(connection), what=f"{stage.differences(connection)}")
    position = _position()
    assert position is not None
    assert position.exit_reason == reason
    return position


def test_a_climb_is_bought_protected_and_sold_at_the_target(stage: Stage, trader: Connection, study: Study) -> None:
    stage.feed(trader)
    stage.study(study)
    stage.engine(trader)
    position = _entered(stage)
    entry = Order.objects.get(purpose="entry")
    assert (entry.status, entry.position_side, entry.line_id) == ("filled", "long", study.lines.get().pk)
    assert position.quantity == entry.filled_quantity > 0
    assert [(leg["symbol"], leg["side"]) for leg in stage.state(trader)["positions"]] == [(BTC, "long")]
    assert not stage.differences(trader)
    assert position.target_price is not None
    closed = _closed(stage, trader, price=float(position.target_price) + 50, reason="target")
    assert closed.quantity == 0
    assert closed.realized_pnl > 0
    assert stage.state(trader)["positions"] == []
    assert not [order for order in stage.state(trader)["orders"] if order["status"] in ("new", "untriggered")]


def test_a_restart_in_the_middle_takes_up_the_position_and_closes_it(
    stage: Stage, trader: Connection, study: Study
) -> None:
    feed, strategy, engine = stage.feed(trader), stage.study(study), stage.engine(trader)
    position = _entered(stage)
    for run in (engine, strategy, feed):
        stage.end(run)
    stage.feed(trader)
    stage.study(study)
    stage.engine(trader)
    assert not stage.differences(trader)
    assert position.target_price is not None
    _closed(stage, trader, price=float(position.target_price) + 50, reason="target")
    assert Order.objects.filter(purpose="entry").count() == 1


def test_what_happens_while_the_engine_is_down_is_known_after_its_start(
    stage: Stage, trader: Connection, study: Study
) -> None:
    stage.feed(trader)
    stage.study(study)
    engine = stage.engine(trader)
    position = _entered(stage)
    stage.end(engine)
    assert position.stop_price is not None
    stage.venue.price(BTC, float(position.stop_price) - 100)
    until(lambda: stage.state(trader)["positions"] == [], what="the stop on the venue did not work alone")
    stage.engine(trader)
    until(lambda: Position.objects.get().status == "closed", what="the stop was not noticed")
    until(lambda: not stage.differences(trader), what=f"{stage.differences(trader)}")
    assert Position.objects.get().exit_reason == "stop"


def test_a_paused_engine_enters_nothing_but_follows_exits(stage: Stage, trader: Connection, study: Study) -> None:
    from apps.engine.coordinator import GlobalTradeEngineCoordinator

    stage.feed(trader)
    stage.study(study)
    stage.engine(trader)
    position = _entered(stage)
    GlobalTradeEngineCoordinator().pause(trader, actor="alice", user=trader.owner)
    stage.engine_until(trader, ActualState.PAUSED)
    assert position.target_price is not None
    _closed(stage, trader, price=float(position.target_price) + 50, reason="target")
