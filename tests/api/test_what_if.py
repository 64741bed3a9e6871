"""What would become of an order, asked without making one."""

from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.exchanges.models import Connection, Instrument
from apps.orders.models import Order, RiskLimits
from tests.conftest import Api, ConnectionFactory

pytestmark = pytest.mark.django_db
WHAT_IF = "/api/v1/orders/what-if/"


@pytest.fixture
def connection(alice: User, connection_factory: ConnectionFactory) -> Connection:
    return connection_factory(owner=alice)


def asked(connection: Connection, instrument: Instrument, **changes: Any) -> dict[str, Any]:
    body = {"connection": connection.pk, "symbol": instrument.symbol, "position_side": "long"}
    return {**body, "order_type": "limit", "price": "60000", "quantity": "0.01", **changes}


def test_every_check_is_listed_and_nothing_is_stored(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    answer = as_alice.post(WHAT_IF, asked(connection, instrument), format="json")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["quantity"], told["notional"]) == ("0.01", "600")
    assert Decimal(told["margin"]) == Decimal(600) / connection.leverage
    # Neither price nor equity is known of this account: each is one check that fails instead of several.
    assert [check["code"] for check in told["checks"]] == [
        *("halted", "emergency_stop", "armed", "trading", "unknown_order", "opposite_side", "entry_lock"),
        *("positions", "positions_per_side", "orders_per_minute", "equity"),
        *("daily_loss", "drawdown", "losing_streak", "stop_guard", "price"),
    ]
    failed = [check["code"] for check in told["checks"] if not check["is_passed"]]
    assert {"equity", "price"} <= set(failed)
    assert (told["is_allowed"], told["reason_code"]) == (False, failed[0])
    assert not Order.objects.exists()


def test_a_limit_that_lets_nothing_in_is_the_reason(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    RiskLimits.objects.create(connection=connection, max_positions=0)
    told = as_alice.post(WHAT_IF, asked(connection, instrument), format="json").json()
    assert told["is_allowed"] is False
    [check] = [check for check in told["checks"] if check["code"] == "positions"]
    assert (check["is_passed"], check["sentence"]) == (False, "0 open positions on this connection; the limit is 0")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"symbol": "NOPE/USDT:USDT"}, "symbol"), ({"price": None}, "price"), ({"quantity": "x"}, "quantity")],
)
def test_a_wrong_order_is_refused_at_its_field(
    as_alice: APIClient, connection: Connection, instrument: Instrument, changes: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in asked(connection, instrument, **changes).items() if value is not None}
    answer = as_alice.post(WHAT_IF, body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_strangers_connection_is_not_there(
    api: Api, charlie: User, connection: Connection, instrument: Instrument
) -> None:
    assert api(charlie).post(WHAT_IF, asked(connection, instrument), format="json").status_code == 404
