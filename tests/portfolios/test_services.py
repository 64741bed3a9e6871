"""Making, changing and ending portfolios: one's own connections of one kind of money, and clear words for the rest."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import AuditEntry, User
from apps.exchanges.models import Connection
from apps.portfolios.models import EquitySnapshot, Portfolio
from apps.portfolios.selectors import equity_curve, portfolio_windows, thinned
from apps.portfolios.services import portfolio_create, portfolio_delete, portfolio_update
from apps.positions.models import Position
from cts.domain.errors import DomainError
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def test_it_is_made_changed_and_ended_and_each_is_written_down(alice: User, connection: Connection) -> None:
    row = portfolio_create(user=alice, name=" Majors ", connections=[connection.pk], max_positions=3)
    assert (row.name, list(row.connections.all()), row.max_positions) == ("Majors", [connection], 3)
    changed = portfolio_update(row, user=alice, changes={"name": "All", "max_positions": None})
    assert (changed.name, changed.max_positions, changed.version) == ("All", None, row.version + 1)
    portfolio_delete(changed, user=alice)
    assert not Portfolio.objects.exists()
    assert Connection.objects.filter(pk=connection.pk).exists()
    actions = AuditEntry.objects.filter(entity="portfolio").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["portfolio.created", "portfolio.changed", "portfolio.deleted"]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"name": "   "}, "name", "invalid"),
        ({"name": "x" * 65}, "name", "invalid"),
        ({"connections": [999_999]}, "connections", "invalid"),
        ({"connections": [10**30]}, "connections", "invalid"),
        ({"max_positions": -1}, "max_positions", "invalid"),
        ({"max_drawdown_ratio": 1.5}, "max_drawdown_ratio", "invalid"),
        ({"max_daily_loss_ratio": float("nan")}, "max_daily_loss_ratio", "invalid"),
        ({"max_fun": 1}, "max_fun", "unknown_field"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(alice: User, fields: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        portfolio_create(user=alice, **{"name": "All", **fields})  # type: ignore[arg-type]
    assert (refused.value.field, refused.value.code) == (field, code)
    assert not Portfolio.objects.exists()


def test_two_kinds_of_money_are_not_added_up(alice: User, connection_factory: ConnectionFactory) -> None:
    mixed = [connection_factory(name="a").pk, connection_factory(name="b", environment="live").pk]
    with pytest.raises(DomainError, match="live and paper can't be added up"):
        portfolio_create(user=alice, name="All", connections=mixed)


def test_names_are_ones_own(alice: User, charlie: User) -> None:
    portfolio_create(user=alice, name="All")
    portfolio_create(user=charlie, name="All")
    with pytest.raises(DomainError) as refused:
        portfolio_create(user=alice, name="All")
    assert (refused.value.code, refused.value.field) == ("name_taken", "name")


def test_nobody_takes_in_a_strangers_connection(charlie: User, connection: Connection) -> None:
    with pytest.raises(DomainError, match="You have no connection"):
        portfolio_create(user=charlie, name="Mine", connections=[connection.pk])


def test_who_may_only_look_changes_nothing(alice: User, viewer: User) -> None:
    row = portfolio_create(user=alice, name="All")
    for work in (
        lambda: portfolio_create(user=viewer, name="All"),
        lambda: portfolio_update(row, user=viewer, changes={"name": "x"}),
        lambda: portfolio_delete(row, user=viewer),
    ):
        with pytest.raises(DomainError) as refused:
            work()
        assert refused.value.code == "read_only"


def test_a_change_of_what_somebody_changed_meanwhile_is_refused(alice: User) -> None:
    row = portfolio_create(user=alice, name="All")
    portfolio_update(row, user=alice, changes={"name": "New"}, version=row.version)
    with pytest.raises(DomainError) as refused:
        portfolio_update(row, user=alice, changes={"name": "Old"}, version=row.version)
    assert refused.value.code == "version_conflict"


def closed(connection: Connection, key: str, *, hours_ago: float, net: int) -> None:
    Position.objects.create(
        connection=connection,
        key=key,
        symbol="BTC/USDT:USDT",
        side="long",
        origin="main",
        status="closed",
        realized_pnl=Decimal(net) + 1,
        fees=Decimal(1),
        closed_at=NOW - timedelta(hours=hours_ago),
    )


def test_results_by_window(alice: User, connection: Connection) -> None:
    row = portfolio_create(user=alice, name="All", connections=[connection.pk])
    for number, (hours_ago, net) in enumerate([(1, 10), (5, -4), (30, 6), (24 * 60, 100), (24 * 95, 1000)]):
        closed(connection, f"k{number}", hours_ago=hours_ago, net=net)
    for hours_ago, equity in ((30, 90), (20, 120), (3, 90), (1, 105)):
        at = NOW - timedelta(hours=hours_ago)
        EquitySnapshot.objects.create(connection=connection, minute=at, equity=Decimal(equity))
    windows = {window.hours: window for window in portfolio_windows(row, now=NOW)}
    assert {hours: (w.results.trades, int(w.results.net_pnl)) for hours, w in windows.items()} == {
        4: (1, 10),
        12: (2, 6),
        24: (2, 6),
        48: (3, 12),
        168: (3, 12),
        720: (3, 12),
        2160: (4, 112),
    }
    assert (windows[24].equity_change, windows[24].drawdown_ratio) == (Decimal(-15), 0.25)
    assert (windows[4].equity_change, windows[4].drawdown_ratio) == (Decimal(15), 0.0)


def test_a_long_curve_is_thinned_and_keeps_its_end(connection: Connection) -> None:
    EquitySnapshot.objects.bulk_create(
        EquitySnapshot(connection=connection, minute=NOW + timedelta(minutes=n), equity=Decimal(n)) for n in range(1501)
    )
    curve = equity_curve([connection.pk], since=NOW)
    thin = thinned(curve)
    assert (len(curve), len(thin), thin[-1]) == (1501, 501, curve[-1])
