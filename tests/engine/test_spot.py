"""A spot account is watched: it can be tested and looked at, and nothing trades on it."""

import pytest

from apps.engine.models import DesiredState
from apps.engine.services import engine_desire
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_arm
from apps.orders.services import order_create
from cts.domain.errors import DomainError
from cts.domain.types import Market, OrderIntent, OrderPurpose, Origin, PositionSide
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def spot(connection_factory: ConnectionFactory) -> Connection:
    return connection_factory(market=Market.SPOT, is_test_passed=True)


def refused(verb: object) -> str:
    with pytest.raises(DomainError) as error:
        verb()  # type: ignore[operator]
    return error.value.code


def test_it_is_neither_armed_nor_run_nor_traded_by_hand(spot: Connection) -> None:
    intent = OrderIntent(
        key="manual:1",
        connection_id=spot.pk,
        symbol="BTC/USDT",
        position_side=PositionSide.LONG,
        purpose=OrderPurpose.MANUAL,
        origin=Origin.MANUAL,
        price=60000.0,
        at=spot.created_at,
    )
    assert refused(lambda: connection_arm(spot, user=None)) == "spot_is_watched"
    assert refused(lambda: engine_desire(spot, desired=DesiredState.RUNNING, actor="test")) == "spot_is_watched"
    assert refused(lambda: order_create(spot, intent=intent)) == "spot_is_watched"
    assert not spot.orders.exists()


def test_its_engine_can_be_told_to_stop(spot: Connection) -> None:
    assert engine_desire(spot, desired=DesiredState.STOPPED, actor="test").desired == DesiredState.STOPPED
