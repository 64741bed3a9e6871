"""What is wrong with an order is told at the field that is wrong, before anything is stored."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.exchanges.models import Instrument
from apps.orders.models import Order
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"symbol": "NOPE/USDT:USDT"}, "symbol", "unknown_symbol"),
        ({"symbol": "BTCUSDT"}, "symbol", "unknown_symbol"),
        ({"time_in_force": "post_only"}, "time_in_force", "not_wanted"),
        ({"time_in_force": "fok"}, "time_in_force", "not_wanted"),
        ({"order_type": "stop_market"}, "trigger_price", "required"),
        ({"quantity": "101", "order_type": "limit", "price": "60000"}, "quantity", "quantity_too_large"),
        ({"quantity": "٠.٠١"}, "quantity", "invalid"),
        ({"quantity": "1_0"}, "quantity", "invalid"),
        ({"quantity": "NaN"}, "quantity", "invalid"),
        ({"order_type": "limit", "price": "６００００"}, "price", "invalid"),
        ({"stop_ratio": "٠.٥"}, "stop_ratio", "invalid"),
        ({"quantity": "-1"}, "quantity", "min_value"),
        ({"stop": "never"}, "stop", "invalid_choice"),
        ({"stop": "none"}, "stop_waiver", "required"),
        ({"stop": "none", "stop_waiver": "  "}, "stop_waiver", "blank"),
    ],
)
def test_a_wrong_order_is_refused_at_its_field(
    as_alice: APIClient,
    alice: User,
    connection_factory: ConnectionFactory,
    instrument: Instrument,
    changes: dict[str, Any],
    field: str,
    code: str,
) -> None:
    Instrument.objects.update(max_quantity=100)
    body = {"connection": connection_factory(owner=alice).pk, "symbol": instrument.symbol, "position_side": "long"}
    asked = {**body, "quantity": "0.01", **changes}
    answer = as_alice.post("/api/v1/orders/", asked, format="json", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 400, answer.content
    assert [(row["field"], row["code"]) for row in answer.json()["errors"]] == [(field, code)]
    assert not Order.objects.exists()
