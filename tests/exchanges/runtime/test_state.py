"""What is heard of a connection: seen, failed, its balances, its mirror in a file, and HALT."""

from decimal import Decimal
from typing import Any

import pytest

from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.services import (
    balances_record,
    connection_arm,
    connection_failed,
    connection_seen,
)
from apps.exchanges.state import ConnectionStateManager
from cts.domain.errors import AuthFailed, Unavailable
from cts.domain.types import Balance

pytestmark = [pytest.mark.wire, pytest.mark.django_db]


def _passed(connection: Connection) -> Connection:
    Connection.objects.filter(pk=connection.pk).update(is_test_passed=True)
    connection.refresh_from_db()
    return connection


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
