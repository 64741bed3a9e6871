"""Where a venue takes no conditional orders, the stop is ours: watched tick by tick, and closed by a plain order."""

import pytest

from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.positions.models import Position
from apps.strategies.models import Study
from tests.flows.stage import BTC, Stage, until

WITHOUT = [name for name, spec in EXCHANGES.items() if not spec.can(Capability.CONDITIONAL)]
pytestmark = [pytest.mark.wire, pytest.mark.parametrize("exchange", WITHOUT)]


def test_a_fall_through_the_stop_closes_what_the_venue_does_not_protect(
    stage: Stage, trader: Connection, study: Study
) -> None:
    stage.feed(trader)
    stage.study(study)
    stage.engine(trader)
    stage.climb()
    held = Position.objects.filter(status="open", quantity__gt=0, stop_price__isnull=False)
    until(held.exists, what=f"no position: {list(Order.objects.values('purpose', 'status', 'reason'))}", within_s=30)
    position = held.get()
    assert stage.open_orders(trader) == []
    assert not Order.objects.filter(purpose="stop").exists()
    assert position.stop_price is not None
    stage.venue.price(BTC, float(position.stop_price) - 50)
    until(lambda: Position.objects.filter(status="closed").exists(), what="the stop was not kept", within_s=30)
    until(lambda: not stage.differences(trader), what="the ledgers differ", within_s=30)
    closed = Position.objects.get()
    assert (closed.quantity, closed.exit_reason) == (0, "stop")
    assert stage.state(trader)["positions"] == []
