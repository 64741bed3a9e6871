"""Portfolios over the API: made, changed by version, and what they hold; nobody's but one's own."""

from decimal import Decimal

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.exchanges.models import AccountBalance, Connection
from apps.portfolios.models import EquitySnapshot, Portfolio
from apps.positions.models import Position
from tests.conftest import Api

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/portfolios/"


@pytest.fixture
def as_alice(api: Api, alice: User) -> APIClient:
    return api(alice)


def made(client: APIClient, connection: Connection, **fields: object) -> dict[str, object]:
    body = {"name": "All", "connections": [connection.pk], **fields}
    answer = client.post(ADDRESS, body, format="json")
    assert answer.status_code == 201, answer.json()
    found: dict[str, object] = answer.json()
    return found


def test_it_is_made_read_changed_and_deleted(as_alice: APIClient, connection: Connection) -> None:
    row = made(as_alice, connection, max_daily_loss_ratio=0.03)
    here = f"{ADDRESS}{row['id']}/"
    assert as_alice.get(here).json() == row
    changed = as_alice.patch(here, {"max_positions": 4}, format="json", headers={"If-Match": f'"{row["version"]}"'})
    assert changed.json()["max_positions"] == 4
    assert changed.json()["max_daily_loss_ratio"] == 0.03
    late = as_alice.patch(here, {"max_positions": 5}, format="json", headers={"If-Match": f'"{row["version"]}"'})
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")
    assert as_alice.delete(here).status_code == 204
    assert as_alice.get(here).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"connections": []}, "name"),
        ({"name": "", "connections": []}, "name"),
        ({"name": "x"}, "connections"),
        ({"name": "x", "connections": "all"}, "connections"),
        ({"name": "x", "connections": [424242]}, "connections"),
        ({"name": "x", "connections": [], "max_positions": "many"}, "max_positions"),
        ({"name": "x", "connections": [], "max_drawdown_ratio": 20}, "max_drawdown_ratio"),
        ({"name": "x", "connections": [], "max_drawdown": 0.2}, "max_drawdown"),
    ],
)
def test_what_is_wrong_is_named(as_alice: APIClient, body: dict[str, object], field: str) -> None:
    answer = as_alice.post(ADDRESS, body, format="json")
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [field]
    assert not Portfolio.objects.exists()


def test_how_it_stands(as_alice: APIClient, connection: Connection) -> None:
    amounts = dict.fromkeys(("total", "available", "equity"), Decimal(1000))
    AccountBalance.objects.create(connection=connection, asset="USDT", at=timezone.now(), **amounts)
    held = {"quantity": Decimal(2), "average_entry_price": Decimal(100), "status": "open", "origin": "main"}
    Position.objects.create(connection=connection, key="a", symbol="BTC/USDT:USDT", side="long", **held)
    Position.objects.create(connection=connection, key="b", symbol="ETH/USDT:USDT", side="short", **held)
    row = made(as_alice, connection, max_positions=4, max_total_notional_ratio=2.0)
    now = as_alice.get(f"{ADDRESS}{row['id']}/standing/").json()
    assert (now["equity"], now["positions"], now["notional"]) == ("1000", 2, "400")
    assert [(each["symbol"], each["long"], each["short"], each["net_ratio"]) for each in now["exposure"]] == [
        ("BTC/USDT:USDT", "200", "0", 0.2),
        ("ETH/USDT:USDT", "0", "200", -0.2),
    ]
    [account] = now["allocation"]
    assert (account["connection"], account["share_ratio"], account["notional"]) == (connection.pk, 1.0, "400")
    assert now["usage"] == [
        {"limit": "max_positions", "used": 2.0, "allowed": 4.0},
        {"limit": "max_total_notional_ratio", "used": 0.4, "allowed": 2.0},
    ]


def test_an_empty_one_stands_as_nothing(as_alice: APIClient) -> None:
    row = as_alice.post(ADDRESS, {"name": "Later", "connections": []}, format="json").json()
    now = as_alice.get(f"{ADDRESS}{row['id']}/standing/").json()
    assert (now["equity"], now["positions"], now["exposure"], now["allocation"]) == (None, 0, [], [])
    windows = as_alice.get(f"{ADDRESS}{row['id']}/statistics/").json()["results"]
    assert {window["trades"] for window in windows} == {0}
    assert {window["win_rate"] for window in windows} == {None}


def test_its_curve(as_alice: APIClient, connection: Connection) -> None:
    EquitySnapshot.objects.create(connection=connection, minute=timezone.now(), equity=Decimal("1000.5"))
    row = made(as_alice, connection)
    here = f"{ADDRESS}{row['id']}/equity/"
    assert [point["equity"] for point in as_alice.get(here).json()["results"]] == ["1000.5"]
    wrong = as_alice.get(here, {"hours": "0"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "hours")


@pytest.mark.parametrize("tail", ["standing/", "statistics/", "equity/"])
def test_a_strangers_is_404(api: Api, charlie: User, as_alice: APIClient, connection: Connection, tail: str) -> None:
    row = made(as_alice, connection)
    assert api(charlie).get(f"{ADDRESS}{row['id']}/{tail}").status_code == 404
    for method in ("patch", "delete"):
        answer = getattr(api(charlie), method)(f"{ADDRESS}{row['id']}/", {"name": "Mine"}, format="json")
        assert answer.status_code == 404
    assert Portfolio.objects.get().name == "All"
