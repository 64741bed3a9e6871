"""The form of the risk limits: what is shown saves as what it was, percent become ratios, a refusal stands at its field."""

from typing import Any

import pytest
from django.forms import Form
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.orders.forms import RiskLimitsForm, risk_limits_initial
from apps.orders.limits import BOUNDS, risk_limits_update
from apps.orders.models import LIMIT_FIELDS, RiskLimits
from tests.conftest import ConnectionFactory


def typed(form: Form) -> dict[str, Any]:
    """What a browser sends back of a form nobody touched."""
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value is not False}


@given(st.data())
def test_a_form_nobody_touched_saves_what_was_kept(data: st.DataObject) -> None:
    kept = RiskLimits()
    for name in ("max_daily_loss_ratio", "max_total_notional_ratio", "min_free_margin_ratio"):
        low, high = BOUNDS[name]
        setattr(kept, name, data.draw(st.integers(int(low * 10_000), int(high * 10_000))) / 10_000)
    kept.losing_streak_pause_s = data.draw(st.integers(0, 40_000)) * 60
    form = RiskLimitsForm(typed(RiskLimitsForm(initial=risk_limits_initial(kept))))
    assert form.is_valid(), form.errors
    assert form.changes() == {name: getattr(kept, name) for name in LIMIT_FIELDS}


@pytest.fixture
def home(connection_factory: ConnectionFactory, alice: User) -> Connection:
    return connection_factory(owner=alice)


@pytest.fixture
def visitor(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def shown(visitor: Client, home: Connection) -> dict[str, Any]:
    return typed(visitor.get(f"/connections/{home.pk}/risk-limits/").context["form"])


@pytest.mark.django_db
def test_percent_and_minutes_are_saved_as_ratios_and_seconds(visitor: Client, home: Connection) -> None:
    values = shown(visitor, home) | {"max_daily_loss_ratio": "2.5", "losing_streak_pause_s": "90"}
    answer = visitor.post(f"/connections/{home.pk}/risk-limits/", values)
    assert "Saved." in answer.content.decode()
    limits = RiskLimits.objects.get()
    assert (limits.max_daily_loss_ratio, limits.losing_streak_pause_s) == (0.025, 5400)
    assert shown(visitor, home)["max_daily_loss_ratio"] == "2.5"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [("max_daily_loss_ratio", "101"), ("target_positions", "19"), ("max_leverage", "x"), ("stop_guard_count", "")],
)
def test_a_senseless_limit_is_told_at_its_field(visitor: Client, home: Connection, name: str, value: str) -> None:
    answer = visitor.post(f"/connections/{home.pk}/risk-limits/", shown(visitor, home) | {name: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [name])
    assert not RiskLimits.objects.exists()


@pytest.mark.django_db
def test_limits_changed_elsewhere_meanwhile_are_not_overwritten(visitor: Client, home: Connection, alice: User) -> None:
    values = shown(visitor, home)
    risk_limits_update(home, user=alice, changes={"max_positions": 7})
    answer = visitor.post(f"/connections/{home.pk}/risk-limits/", values | {"max_positions": "9"})
    assert "have changed since you read them" in str(answer.context["form"].non_field_errors())
    assert RiskLimits.objects.get().max_positions == 7


@pytest.mark.django_db
def test_a_stranger_finds_no_limits(client: Client, home: Connection, charlie: User) -> None:
    client.force_login(charlie)
    assert client.get(f"/connections/{home.pk}/risk-limits/").status_code == 404
    assert client.post(f"/connections/{home.pk}/risk-limits/", {}).status_code == 404
