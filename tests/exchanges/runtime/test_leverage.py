"""How much leverage a connection may be given, and where the refusal is told."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.exchanges.forms import connection_initial
from apps.exchanges.models import Connection, Instrument
from apps.exchanges.services import (
    connection_create,
    connection_update,
    instruments_sync,
)
from apps.orders.models import RiskLimits
from cts.domain.errors import DomainError

pytestmark = [pytest.mark.wire, pytest.mark.django_db]


def _refusal(work: Any) -> tuple[str, str | None, str]:
    with pytest.raises(DomainError) as refused:
        work()
    return refused.value.code, refused.value.field, refused.value.detail


def test_leverage_above_the_default_of_the_risk_limits_is_refused(connection: Connection, alice: User) -> None:
    code, field, detail = _refusal(lambda: connection_update(connection, user=alice, changes={"leverage": 21}))
    assert (code, field) == ("leverage_too_high", "leverage")
    assert detail.startswith("At most 20: ")
    new: dict[str, Any] = {
        "owner": alice,
        "name": "Second",
        "exchange": "binance",
        "environment": "paper",
        "leverage": 125,
    }
    assert _refusal(lambda: connection_create(**new))[:2] == ("leverage_too_high", "leverage")
    assert connection_update(connection, user=alice, changes={"leverage": 20}).leverage == 20


def test_leverage_follows_the_connections_own_risk_limits(connection: Connection, alice: User) -> None:
    RiskLimits.objects.create(connection=connection, max_leverage=3)
    fresh = Connection.objects.get(pk=connection.pk)
    assert "At most 3" in _refusal(lambda: connection_update(fresh, user=alice, changes={"leverage": 4}))[2]


def test_the_strictest_of_the_chosen_symbols_bounds_the_leverage(connection: Connection, alice: User) -> None:
    instruments_sync(exchange="bybit", environment="paper", market="linear")
    Instrument.objects.filter(symbol="ETH/USDT:USDT").update(max_leverage=7)
    Instrument.objects.filter(symbol="SOL/USDT:USDT").update(max_leverage=4)
    detail = _refusal(lambda: connection_update(connection, user=alice, changes={"leverage": 8}))[2]
    assert detail == "At most 7: Bybit allows no more on ETH/USDT:USDT"
    assert connection_update(connection, user=alice, changes={"leverage": 7}).leverage == 7
    added = {"forced_symbols": ["SOL/USDT:USDT"]}
    assert _refusal(lambda: connection_update(connection, user=alice, changes=added))[1] == "leverage"


def test_the_form_says_at_the_field_how_much_leverage_is_allowed(connection: Connection, client: Client) -> None:
    client.force_login(connection.owner)
    values = connection_initial(connection) | {"leverage": 50}
    answer = client.post(f"/connections/{connection.pk}/", values)
    assert answer.status_code == 400
    assert answer.context["form"].errors == {"leverage": ["At most 20: the risk limits allow no more leverage"]}
