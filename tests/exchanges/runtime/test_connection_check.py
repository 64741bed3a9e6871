"""The test of a connection, line by line, and what a wrong key or name says there."""

from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.exchanges import factory
from apps.exchanges.crypto import credentials_unseal
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection, Instrument
from apps.exchanges.services import (
    connection_arm,
    connection_create,
    connection_disarm,
    connection_test,
    connection_update,
)
from cts.domain.errors import DomainError

pytestmark = [pytest.mark.wire, pytest.mark.django_db]


def _refused(code: str, field: str | None, work: Any) -> None:
    with pytest.raises(DomainError) as refusal:
        work()
    assert (refusal.value.code, refusal.value.field) == (code, field)


def _passed(connection: Connection) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(is_test_passed=True)
    connection.refresh_from_db()
    return connection


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
