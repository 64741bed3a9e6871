"""Connections: made, changed, armed and deleted; every refusal names its field; keys never come out again."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from apps.accounts.access import NotFound
from apps.accounts.models import AuditEntry, Role, User
from apps.exchanges.crypto import credentials_unseal, envelope_key_id
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.exchanges.rows import connection_row
from apps.exchanges.selectors import connection_get_for
from apps.exchanges.services import (
    connection_arm,
    connection_create,
    connection_delete,
    connection_disarm,
    connection_update,
    connections_reseal,
    instruments_sync,
)
from cts.domain.errors import DomainError

pytestmark = [pytest.mark.wire, pytest.mark.django_db]


def _passed(connection: Connection) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(is_test_passed=True)
    connection.refresh_from_db()
    return connection


def _refused(code: str, field: str | None, work: Any) -> None:
    with pytest.raises(DomainError) as refusal:
        work()
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_paper_connection_gets_an_account_at_the_venue(connection: Connection) -> None:
    balances = connector_for(connection).balances()
    assert [(balance.asset, balance.total) for balance in balances] == [("USDT", Decimal(100_000))]


def test_secrets_are_sealed_and_shown_by_four_characters(connection: Connection) -> None:
    secrets = credentials_unseal(connection.credentials, connection_id=connection.pk)
    stored = bytes(connection.credentials)
    assert secrets.api_secret.encode() not in stored
    assert connection.key_hint == secrets.api_key[-4:]
    shown = msgspec.json.encode(connection_row(connection)).decode() + repr(connection) + str(secrets)
    assert secrets.api_secret not in shown
    assert secrets.api_key not in shown
    assert secrets.api_secret not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"exchange": "mtgox"}, "unknown_exchange", "exchange"),
        ({"environment": "moon"}, "invalid_choice", "environment"),
        ({"market": "options"}, "unknown_market", "market"),
        ({"name": "  "}, "invalid_name", "name"),
        ({"name": "x" * 65}, "invalid_name", "name"),
        ({"name": "Paper"}, "name_taken", "name"),
        ({"environment": "live"}, "required", "api_key"),
        ({"environment": "live", "api_key": "k"}, "required", "api_secret"),
        ({"environment": "live", "api_key": "k\n", "api_secret": "s"}, "invalid_secret", "api_key"),
        ({"leverage": 0}, "out_of_range", "leverage"),
        ({"leverage": 5.5}, "out_of_range", "leverage"),
        ({"leverage": True}, "out_of_range", "leverage"),
        ({"volume_factor_live": "0.15"}, "out_of_range", "volume_factor_live"),
        ({"volume_factor_live": "nan"}, "out_of_range", "volume_factor_live"),
        ({"margin_mode": "both"}, "invalid_choice", "margin_mode"),
        ({"symbols": "BTC/USDT:USDT"}, "invalid_symbols", "symbols"),
        ({"symbols": ["BTCUSDT"]}, "invalid_symbols", "symbols"),
        ({"forced_symbols": [5]}, "invalid_symbols", "forced_symbols"),
        ({"is_live_armed": True}, "unknown_field", "is_live_armed"),
        ({"is_active": "yes"}, "invalid_switch", "is_active"),
    ],
)
def test_bad_input_is_refused_by_field_and_nothing_is_stored(
    connection: Connection, changes: dict[str, Any], code: str, field: str
) -> None:
    given = {"name": "Second", "exchange": "bybit", "environment": "paper", "owner": connection.owner}
    _refused(code, field, lambda: connection_create(**{**given, **changes}))
    assert Connection.objects.count() == 1


def test_symbols_the_venue_does_not_list_are_refused_once_its_list_is_known(connection: Connection) -> None:
    instruments_sync(exchange="bybit", environment="paper", market="linear")
    _refused(
        "unknown_symbol",
        "symbols",
        lambda: connection_update(connection, user=connection.owner, changes={"symbols": ["NOPE/USDT:USDT"]}),
    )


def test_a_venue_that_does_not_answer_makes_no_connection(alice: User, settings: Settings) -> None:
    settings.PAPER_URL = "http://127.0.0.1:1"
    _refused(
        "paper_unavailable",
        "environment",
        lambda: connection_create(owner=alice, name="Paper", exchange="bybit", environment="paper"),
    )
    assert not Connection.objects.exists()


def test_viewers_may_not_write(connection: Connection, charlie: User) -> None:
    charlie.role = Role.VIEWER
    _refused("read_only", None, lambda: connection_arm(connection, user=charlie))
    _refused("read_only", None, lambda: connection_update(connection, user=charlie, changes={"name": "Mine"}))


def test_strangers_find_nothing(connection: Connection, charlie: User) -> None:
    assert connection_get_for(connection.owner, connection.pk) == connection
    for pk in (connection.pk, connection.pk + 1, "x", 10**30):
        with pytest.raises(NotFound):
            connection_get_for(charlie, pk)


def test_arming_needs_enabled_active_and_a_passed_test(connection: Connection) -> None:
    _refused("not_tested", None, lambda: connection_arm(connection, user=connection.owner))
    _passed(connection)
    connection_update(connection, user=connection.owner, changes={"is_active": False})
    _refused("not_active", None, lambda: connection_arm(connection, user=connection.owner))
    connection_update(connection, user=connection.owner, changes={"is_active": True, "is_enabled": False})
    _refused("not_enabled", None, lambda: connection_arm(connection, user=connection.owner))
    connection_update(connection, user=connection.owner, changes={"is_enabled": True})
    assert connection_arm(connection, user=connection.owner).is_live_armed
    assert not connection.is_preset_armed
    assert AuditEntry.objects.filter(action="connection.armed", user=connection.owner).count() == 1


def test_arming_twice_is_one_act(connection: Connection) -> None:
    _passed(connection)
    connection_arm(connection, user=connection.owner)
    version = connection.version
    connection_arm(connection, user=connection.owner)
    assert connection.version == version
    connection_disarm(connection, user=connection.owner)
    assert not connection.is_live_armed


@pytest.mark.parametrize("switch", ["is_enabled", "is_active"])
def test_switching_off_disarms(connection: Connection, switch: str) -> None:
    connection_arm(_passed(connection), user=connection.owner)
    connection_arm(connection, user=connection.owner, origin="preset")
    connection_update(connection, user=connection.owner, changes={switch: False})
    connection.refresh_from_db()
    assert not connection.is_live_armed
    assert not connection.is_preset_armed


@pytest.mark.parametrize(
    "changes",
    [
        {"position_mode": "one_way"},
        {"margin_mode": "isolated"},
        {"leverage": 6},
        {"api_key": "k", "api_secret": "s"},
    ],
)
def test_what_an_order_rests_on_cannot_change_while_armed(connection: Connection, changes: dict[str, Any]) -> None:
    connection_arm(_passed(connection), user=connection.owner)
    _refused("armed", min(changes), lambda: connection_update(connection, user=connection.owner, changes=changes))
    connection_disarm(connection, user=connection.owner)
    connection_update(connection, user=connection.owner, changes=changes)


def test_new_keys_need_a_new_test_and_a_new_connector(connection: Connection) -> None:
    before = connector_for(_passed(connection))
    assert connector_for(connection) is before
    connection_update(connection, user=connection.owner, changes={"name": "Renamed"})
    assert connector_for(connection) is before
    connection_update(connection, user=connection.owner, changes={"api_key": "other-key", "api_secret": "other"})
    assert connection.is_test_passed is None
    assert connection.key_hint == "-key"
    assert connector_for(connection) is not before


def test_an_armed_connection_is_not_deleted_and_a_disarmed_one_is(connection: Connection) -> None:
    connection_arm(_passed(connection), user=connection.owner)
    _refused("armed", None, lambda: connection_delete(connection, user=connection.owner))
    connection_disarm(connection, user=connection.owner)
    connection_delete(connection, user=connection.owner)
    assert not Connection.objects.exists()


def test_after_a_rotation_every_envelope_is_under_the_new_key(connection: Connection, settings: Settings) -> None:
    before = credentials_unseal(connection.credentials, connection_id=connection.pk)
    settings.ENCRYPTION_KEYS = "fresh:" + "ab" * 32 + "," + settings.ENCRYPTION_KEYS
    assert connections_reseal() == 1
    assert connections_reseal() == 0
    connection.refresh_from_db()
    assert envelope_key_id(bytes(connection.credentials)) == "fresh"
    assert credentials_unseal(connection.credentials, connection_id=connection.pk) == before
