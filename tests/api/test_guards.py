"""Locks on entries and risk limits over the API: seen and changed by their owner alone, each change on record."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import AuditEntry, User
from apps.exchanges.models import Connection
from apps.orders.api.guards import EntryLockSerializer, RiskLimitsSerializer
from apps.orders.models import EntryLock, RiskLimits
from cts.db import iso
from tests.api.owned import Make, OwnedListTests
from tests.api.rows import Maker
from tests.conftest import Api, ConnectionFactory

pytestmark = pytest.mark.django_db
SYMBOL = "BTC/USDT:USDT"


@pytest.fixture
def maker(connection_factory: ConnectionFactory) -> Maker:
    return Maker(connection_factory)


class TestEntryLocks(OwnedListTests):
    serializer = EntryLockSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.entry_lock

    def list_address(self, rows: list[EntryLock]) -> str:
        return f"/api/v1/connections/{rows[0].connection_id}/locks/"


def lift(client: APIClient, lock: EntryLock) -> Any:
    return client.post(f"/api/v1/connections/{lock.connection_id}/locks/{lock.pk}/lift/")


def test_a_lock_is_lifted_once_and_on_record(as_alice: APIClient, alice: User, maker: Maker) -> None:
    lock = maker.entry_lock(alice)
    address = f"/api/v1/connections/{lock.connection_id}/locks/"
    assert lift(as_alice, lock).status_code == 200
    assert as_alice.get(address).json()["results"] == []
    assert lift(as_alice, lock).status_code == 200
    entry = AuditEntry.objects.get(action="entry_lock.lifted")
    assert (entry.user, entry.entity, entry.entity_id) == (alice, "connection", str(lock.connection_id))
    assert entry.detail["reason"] == lock.reason


def test_a_lock_that_ended_by_itself_is_not_listed_and_lifting_it_is_no_act(
    as_alice: APIClient, alice: User, maker: Maker
) -> None:
    lock = maker.entry_lock(alice, until=timezone.now() - timedelta(seconds=1))
    assert as_alice.get(f"/api/v1/connections/{lock.connection_id}/locks/").json()["results"] == []
    lock.refresh_from_db()
    assert lift(as_alice, lock).json()["until"] == iso(lock.until)
    assert not AuditEntry.objects.filter(action="entry_lock.lifted").exists()


def test_strangers_and_viewers_lift_nothing(
    as_charlie: APIClient, api: Api, alice: User, viewer: User, maker: Maker
) -> None:
    theirs, own = maker.entry_lock(alice), maker.entry_lock(viewer)
    assert lift(as_charlie, theirs).status_code == 404
    assert as_charlie.get(f"/api/v1/connections/{theirs.connection_id}/locks/").status_code == 404
    elsewhere = maker.entry_lock(viewer)
    elsewhere.connection_id = theirs.connection_id
    assert lift(as_charlie, elsewhere).status_code == 404
    refused = lift(api(viewer), own)
    assert (refused.status_code, refused.json()["code"]) == (403, "read_only")
    assert EntryLock.objects.filter(until__gt=timezone.now()).count() == 3


@pytest.fixture
def home(alice: User, maker: Maker) -> Connection:
    return maker.home(alice)


def limits_address(home: Connection) -> str:
    return f"/api/v1/connections/{home.pk}/risk-limits/"


def limits(client: APIClient, home: Connection) -> dict[str, Any]:
    answer = client.get(limits_address(home))
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    row: dict[str, Any] = answer.json()
    assert set(row) == set(RiskLimitsSerializer().fields)
    return row


def body_of(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("connection", "version")} | changes


def put(client: APIClient, home: Connection, body: dict[str, Any], **headers: str) -> Any:
    return client.put(limits_address(home), body, format="json", headers=headers)


def test_limits_begin_as_the_defaults_and_change_by_version(as_alice: APIClient, home: Connection) -> None:
    before = limits(as_alice, home)
    assert (before["version"], before["max_daily_loss_ratio"]) == (1, 0.05)
    changed = put(as_alice, home, body_of(before, max_daily_loss_ratio=0.02), **{"If-Match": '"1"'}).json()
    assert (changed["version"], changed["max_daily_loss_ratio"]) == (2, 0.02)
    assert limits(as_alice, home) == changed
    stale = put(as_alice, home, body_of(before), **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")
    entry = AuditEntry.objects.get(action="risk_limits.changed")
    assert entry.detail == {"max_daily_loss_ratio": [0.05, 0.02]}


def test_the_same_limits_again_are_no_change(as_alice: APIClient, home: Connection) -> None:
    assert put(as_alice, home, body_of(limits(as_alice, home))).json()["version"] == 1
    assert not AuditEntry.objects.filter(action="risk_limits.changed").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_daily_loss_ratio", 5),
        ("max_daily_loss_ratio", -0.1),
        ("max_daily_loss_ratio", "NaN"),
        ("max_daily_loss_ratio", None),
        ("target_positions", 19),
        ("max_leverage", 0),
        ("stop_guard_lock_s", 10**12),
        ("sizing_mode", "all-in"),
        ("enforce_min_volume", "perhaps"),
    ],
)
def test_a_senseless_limit_is_refused_at_its_field(
    as_alice: APIClient, home: Connection, name: str, value: object
) -> None:
    answer = put(as_alice, home, body_of(limits(as_alice, home), **{name: value}))
    assert answer.status_code == 400
    assert [row["field"] for row in answer.json()["errors"]] == [name]
    assert not RiskLimits.objects.filter(version__gt=1).exists()


def test_half_of_the_limits_is_refused_by_what_is_missing(as_alice: APIClient, home: Connection) -> None:
    answer = put(as_alice, home, {"max_positions": 3})
    assert answer.status_code == 400
    assert {"field": "max_leverage", "detail": "This field is required.", "code": "required"} in answer.json()["errors"]


def test_strangers_and_viewers_change_no_limits(
    as_charlie: APIClient, as_alice: APIClient, api: Api, viewer: User, home: Connection, maker: Maker
) -> None:
    body = body_of(limits(as_alice, home))
    assert as_charlie.get(limits_address(home)).status_code == 404
    assert put(as_charlie, home, body).status_code == 404
    assert put(api(viewer), maker.home(viewer), body).json()["code"] == "read_only"
    assert limits(api(viewer), maker.home(viewer))["max_positions"] == 50
