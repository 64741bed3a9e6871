"""The equity curve: one point a minute, from what the venue told, and none made up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import User
from apps.exchanges.models import AccountBalance, Connection
from apps.portfolios.models import EquitySnapshot
from apps.portfolios.selectors import equity_curves_for
from apps.portfolios.services import equity_snapshots_record
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 30, 40, tzinfo=UTC)


def balance(connection: Connection, equity: str, *, age_s: float = 5) -> AccountBalance:
    amounts = dict.fromkeys(("total", "available", "equity"), Decimal(equity))
    at = NOW - timedelta(seconds=age_s)
    row, _ = AccountBalance.objects.update_or_create(
        connection=connection, asset="USDT", defaults={**amounts, "at": at}
    )
    return row


def test_a_minute_is_recorded_once(connection_factory: ConnectionFactory) -> None:
    balance(connection_factory(), "1000.123456789")
    assert equity_snapshots_record(now=NOW) == 1
    assert equity_snapshots_record(now=NOW + timedelta(seconds=10)) == 0
    row = EquitySnapshot.objects.get()
    assert (row.minute, row.equity) == (NOW.replace(second=0), Decimal("1000.123456789"))


def test_an_old_balance_leaves_a_gap(connection_factory: ConnectionFactory) -> None:
    balance(connection_factory(), "1000", age_s=91)
    assert equity_snapshots_record(now=NOW) == 0


def test_the_curve_of_two_accounts_starts_where_both_are_known(
    alice: User, connection_factory: ConnectionFactory
) -> None:
    first, second = connection_factory(name="One"), connection_factory(name="Two")
    for minute, (connection, equity) in enumerate([(first, 100), (second, 50), (first, 110)]):
        at = NOW.replace(second=0) + timedelta(minutes=minute)
        EquitySnapshot.objects.create(connection=connection, minute=at, equity=Decimal(equity))
    curve = equity_curves_for(alice, since=NOW - timedelta(hours=1))["paper"]
    assert [point["equity"] for point in curve] == ["150", "160"]


def test_nobody_sees_the_curve_of_somebody_else(charlie: User, connection_factory: ConnectionFactory) -> None:
    EquitySnapshot.objects.create(connection=connection_factory(), minute=NOW, equity=Decimal(1))
    assert equity_curves_for(charlie, since=NOW - timedelta(hours=1)) == {}
