"""Connections: made, changed, tested, armed and deleted; every refusal names its field; keys never come out again."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.access import NotFound
from apps.accounts.models import AuditEntry, Role, User
from apps.exchanges import factory
from apps.exchanges.crypto import credentials_unseal, envelope_key_id
from apps.exchanges.factory import connector_for
from apps.exchanges.forms import connection_initial
from apps.exchanges.models import AccountBalance, Connection, Instrument
from apps.exchanges.rows import connection_row
from apps.exchanges.selectors import connection_get_for
from apps.exchanges.services import (
    balances_record,
    connection_arm,
    connection_create,
    connection_delete,
    connection_disarm,
    connection_failed,
    connection_seen,
    connection_test,
    connection_update,
    connections_reseal,
    instruments_sync,
)
from apps.exchanges.state import ConnectionStateManager
from apps.orders.models import RiskLimits
from cts.domain.errors import AuthFailed, DomainError, Unavailable
from cts.domain.types import Balance

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


@pytest.mark.parametrize("exchange", ["bybit", "binance"])
def test_a_paper_key_of_ones_own_is_used_as_it_is_and_a_wrong_one_fails_its_test(
    venue: Any, alice: User, exchange: str
) -> None:
    keys = {"api_key": "NoSuchKey0123456", "api_secret": "no-such-secret"}
    made = connection_create(owner=alice, name="Own", exchange=exchange, environment="paper", **keys)
    line = connection_test(made).lines[-1]
    assert (line["step"], line["is_ok"]) == ("Check the key", False)
    assert line["detail"].startswith("The key was refused: ")
    account = venue.account(exchange)
    right = {"api_key": account.api_key, "api_secret": account.api_secret}
    connection_update(made, user=alice, changes={**right, "symbols": ["BTC/USDT:USDT"]})
    assert connection_test(made).is_ok


def test_half_a_key_pair_on_paper_is_refused_at_the_missing_half(venue: Any, alice: User) -> None:
    half: dict[str, Any] = {"owner": alice, "name": "Half", "exchange": "bybit", "environment": "paper"}
    _refused("required", "api_key", lambda: connection_create(**half, api_secret="s"))
    _refused("required", "api_secret", lambda: connection_create(**half, api_key="k"))


def test_a_name_that_can_not_be_looked_up_reads_plainly(connection: Connection, settings: Settings) -> None:
    settings.PAPER_URL = "http://no-such-host.invalid:80"
    factory.connector_forget(connection.pk)
    line = connection_test(connection).lines[0]
    assert (line["step"], line["is_ok"]) == ("Reach the venue", False)
    assert line["detail"].startswith("no-such-host.invalid can't be reached: no address was found for this name")


def test_the_test_asks_the_venue_line_by_line_and_keeps_the_answers(connection: Connection) -> None:
    test = connection_test(connection)
    assert test.is_ok, test.lines
    steps = [line["step"] for line in test.lines]
    assert steps[:4] == ["Reach the venue", "Compare clocks", "List instruments", "Check the key"]
    assert {"Position mode", "Leverage"} <= set(steps)
    assert all({"at", "step", "is_ok", "detail", "elapsed_ms"} == set(line) for line in test.lines)
    assert connection.is_test_passed
    assert connector_for(connection).position_mode() == "hedge"
    assert Instrument.objects.filter(symbol="BTC/USDT:USDT").exists()


def test_a_wrong_secret_fails_the_test_at_the_key_and_disarms(connection: Connection) -> None:
    secrets = credentials_unseal(connection.credentials, connection_id=connection.pk)
    connection_arm(_passed(connection), user=connection.owner)
    connection_disarm(connection, user=connection.owner)
    connection_update(
        connection, user=connection.owner, changes={"api_key": secrets.api_key, "api_secret": "not-the-secret"}
    )
    test = connection_test(connection)
    assert [line["step"] for line in test.lines if not line["is_ok"]] == ["Check the key"]
    assert test.lines[-1]["step"] == "Check the key"
    assert connection.is_test_passed is False
    assert connection.last_error.startswith("Check the key: ")
    assert "not-the-secret" not in str(test.lines)


def test_an_armed_connection_is_not_deleted_and_a_disarmed_one_is(connection: Connection) -> None:
    connection_arm(_passed(connection), user=connection.owner)
    _refused("armed", None, lambda: connection_delete(connection, user=connection.owner))
    connection_disarm(connection, user=connection.owner)
    connection_delete(connection, user=connection.owner)
    assert not Connection.objects.exists()


def test_a_refused_key_disarms_at_once_a_dead_line_does_not(connection: Connection) -> None:
    connection_arm(_passed(connection), user=connection.owner)
    connection_failed(connection.pk, error=Unavailable("no road"))
    connection.refresh_from_db()
    assert connection.is_live_armed
    assert connection.last_error == "no road"
    connection_seen(connection.pk)
    connection.refresh_from_db()
    assert connection.last_error == ""
    connection_failed(connection.pk, error=AuthFailed("key refused"))
    refused = Connection.objects.get(pk=connection.pk)
    assert not refused.is_live_armed
    assert refused.is_test_passed is False


def test_being_seen_again_and_again_is_one_write(connection: Connection) -> None:
    connection_seen(connection.pk)
    version = Connection.objects.get(pk=connection.pk).version
    connection_seen(connection.pk)
    assert Connection.objects.get(pk=connection.pk).version == version


def test_balances_follow_the_venue_and_an_asset_no_longer_told_is_zero(connection: Connection) -> None:
    usdt = Balance(asset="USDT", total=Decimal("5.5"), available=Decimal(5), equity=Decimal("5.5"))
    bnb = Balance(asset="BNB", total=Decimal(1), available=Decimal(1), equity=Decimal(1))
    balances_record(connection, balances=[usdt, bnb])
    balances_record(connection, balances=[usdt])
    rows = {row.asset: (row.total, row.version) for row in AccountBalance.objects.all()}
    assert rows == {"USDT": (Decimal("5.5"), 1), "BNB": (Decimal(0), 2)}


def test_after_a_rotation_every_envelope_is_under_the_new_key(connection: Connection, settings: Settings) -> None:
    before = credentials_unseal(connection.credentials, connection_id=connection.pk)
    settings.ENCRYPTION_KEYS = "fresh:" + "ab" * 32 + "," + settings.ENCRYPTION_KEYS
    assert connections_reseal() == 1
    assert connections_reseal() == 0
    connection.refresh_from_db()
    assert envelope_key_id(bytes(connection.credentials)) == "fresh"
    assert credentials_unseal(connection.credentials, connection_id=connection.pk) == before


def test_state_is_mirrored_to_a_file(connection: Connection, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        connection_arm(_passed(connection), user=connection.owner)
    mirrored = ConnectionStateManager().mirror_read(connection.pk)
    assert mirrored is not None
    assert mirrored["is_live_armed"] is True


def test_halt_is_a_file_anybody_can_make(tmp_path: Any) -> None:
    manager = ConnectionStateManager(tmp_path)
    assert not manager.is_halted()
    manager.halt_path.touch()
    assert manager.is_halted()
    assert manager.halt_reason() == "HALT file present"
    manager.halt(reason="drill", actor="alice")
    assert manager.halt_reason() == "drill"
    assert manager.resume()
    assert not manager.resume()
    assert not manager.is_halted()


def test_the_form_says_at_the_field_how_much_leverage_is_allowed(connection: Connection, client: Client) -> None:
    client.force_login(connection.owner)
    values = connection_initial(connection) | {"leverage": 50}
    answer = client.post(f"/connections/{connection.pk}/", values)
    assert answer.status_code == 400
    assert answer.context["form"].errors == {"leverage": ["At most 20: the risk limits allow no more leverage"]}
