"""The venue is the truth about what is held, our fills about why; differences are repaired and never silent."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from apps.exchanges.leases import lease_release, lease_take
from apps.exchanges.models import AccountBalance
from apps.orders.ages import Ages
from apps.orders.models import EquityPeak, Order
from apps.positions.legs import fills_fetch
from apps.positions.models import Discrepancy, Position, SyncState
from apps.positions.selectors import leg_quantities
from apps.positions.tasks import connection_sync_run, connections_sync
from cts.domain.errors import AmbiguousResult, Unavailable
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderType, PositionSide, Side, VenueOrder, VenuePosition
from tests.orders.conftest import BTC, Desk

pytestmark = pytest.mark.django_db
LONG = PositionSide.LONG
LIMIT = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))


def leg(quantity: str, price: str = "60000") -> VenuePosition:
    return VenuePosition(symbol=BTC, side=LONG, quantity=Decimal(quantity), entry_price=Decimal(price))


def test_a_sync_of_what_agrees_writes_nothing(desk: Desk) -> None:
    position = desk.open()
    desk.sync()
    before = (Position.objects.get().version, Order.objects.count(), desk.venue.placed[:])
    report = desk.sync()
    assert (report.orders, report.fills, report.discrepancies) == ({}, 0, 0)
    position.refresh_from_db()
    assert (position.version, Order.objects.count(), desk.venue.placed) == before


def test_fills_missed_by_the_stream_are_fetched_and_the_position_protected(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    report = desk.sync()
    order.refresh_from_db()
    assert (report.fills, order.status, report.discrepancies) == (1, "filled", 0)
    assert desk.venue.rests(Order.objects.get(purpose="stop").client_order_id)


def test_fills_known_already_are_looked_for_once_however_many(desk: Desk, django_assert_max_num_queries: Any) -> None:
    for number in range(3):
        desk.open(f"k{number}")
    with django_assert_max_num_queries(1):
        assert fills_fetch(desk.connection, desk.venue, symbol=BTC, since=desk.connection.created_at) == 0


def test_an_order_canceled_on_the_venue_is_canceled_here_with_its_fills_kept(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=LIMIT))
    desk.venue.fill(order.client_order_id, "0.004")
    desk.venue.drop(order.client_order_id)
    desk.sync()
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("canceled", Decimal("0.004"))
    assert leg_quantities(desk.connection) == {(BTC, LONG): Decimal("0.004")}
    assert Position.objects.get().status == "open"


def test_an_open_order_the_venue_has_forgotten_is_ended_on_evidence(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=LIMIT))
    del desk.venue.orders[order.client_order_id]
    desk.sync()
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("canceled", "gone")


def test_an_unknown_order_is_resolved_by_the_sync(desk: Desk) -> None:
    desk.venue.after = [AmbiguousResult("timed out")]
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    report = desk.sync()
    order.refresh_from_db()
    assert (report.orders["resolve"] + report.orders.get("apply", 0), order.status) == (1, "filled")


def test_a_position_held_before_we_came_is_adopted_at_the_venues_price(desk: Desk) -> None:
    desk.venue.legs[BTC, LONG] = leg("0.5", "58000")
    desk.sync()
    adopted = Position.objects.get()
    assert (adopted.origin, adopted.quantity, adopted.average_entry_price) == ("external", Decimal("0.5"), 58000)
    assert Discrepancy.objects.get().cause == "external"
    assert desk.sync().discrepancies == 0


def test_an_unexplained_difference_is_recorded_and_set_from_the_venue(desk: Desk) -> None:
    desk.open()
    desk.sync()
    desk.venue.legs[BTC, LONG] = leg("0.03", "60200")
    assert desk.sync().discrepancies == 1
    found = Discrepancy.objects.get()
    assert (found.cause, found.ours, found.venue) == ("unexplained", Decimal("0.01"), Decimal("0.03"))
    adopted = Position.objects.get(origin="external")
    # 0.03 at 60200 less 0.01 at 60000 is 0.02 at 60300.
    assert (adopted.quantity, adopted.average_entry_price) == (Decimal("0.02"), Decimal(60300))
    assert desk.sync().discrepancies == 0


def test_a_liquidated_position_is_closed_by_an_adjustment(desk: Desk) -> None:
    position = desk.open()
    desk.sync()
    desk.venue.legs.clear()
    desk.sync()
    position.refresh_from_db()
    assert (position.status, position.exit_reason) == ("closed", "external")
    assert position.events.filter(kind="adjustment").count() == 1
    assert Order.objects.filter(purpose="stop", status="canceled").count() == 1


def test_a_difference_an_order_under_way_explains_is_left_alone(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    desk.venue.fills_held_back = True  # executions lag behind the position
    assert desk.sync().discrepancies == 0
    desk.venue.fills_held_back = False
    desk.sync()
    order.refresh_from_db()
    assert order.status == "filled"
    assert Discrepancy.objects.count() == 0


def test_fills_that_come_between_the_two_looks_are_named_as_the_cause(desk: Desk) -> None:
    desk.sync()
    desk.venue.by_hand(Side.BUY, "0.5", leg=LONG, symbol="ETH/USDT:USDT")
    fill = desk.venue.executions[-1]
    desk.venue.executions[-1] = msgspec.structs.replace(fill, executed_ms=fill.executed_ms - 20_000)
    desk.connection.created_at -= timedelta(minutes=1)
    assert desk.sync().discrepancies == 1
    assert Discrepancy.objects.get().cause == "missing_fills"
    assert Position.objects.get().origin == "external"


def test_fills_that_have_only_just_happened_are_no_difference(desk: Desk) -> None:
    desk.sync()
    desk.venue.by_hand(Side.BUY, "0.5", leg=LONG, symbol="ETH/USDT:USDT")
    assert desk.sync().discrepancies == 0
    assert Position.objects.get().quantity == Decimal("0.5")


def test_the_cursor_stays_while_an_outcome_is_unknown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.venue, "spec", msgspec.structs.replace(desk.venue.spec, visibility_delay_s=30.0))
    desk.sync()
    until = SyncState.objects.get().fills_until
    desk.venue.before = [AmbiguousResult("timed out")]
    desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    desk.sync()
    assert SyncState.objects.get().fills_until == until


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_step_of_the_clock_ends_no_order_that_is_on_its_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    """Neither one that is being sent, nor one whose outcome its venue may still show."""
    monkeypatch.setattr(desk.venue, "spec", msgspec.structs.replace(desk.venue.spec, visibility_delay_s=30.0))
    ahead = timedelta(0)
    # Of the ages alone: a paper venue of other tests may live in this process, by the same clock.
    monkeypatch.setattr("apps.orders.resolution.ages", Ages(wall=lambda: timezone.now() + ahead))
    sending = desk.create("k2", position_side=PositionSide.SHORT, terms=OrderTerms(quantity=Decimal("0.01")))
    desk.venue.before = [AmbiguousResult("timed out")]
    lost = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    Order.objects.filter(pk=sending.pk).update(status="submitting", claimed_at=timezone.now())
    ahead = by
    desk.sync()
    assert {order.pk: order.status for order in Order.objects.all()} == {lost.pk: "unknown", sending.pk: "submitting"}


def test_the_cursor_is_a_moment_of_the_venues(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of ours that runs ahead for a while must not hide what is executed meanwhile."""
    at = timezone.now() - timedelta(hours=1)
    monkeypatch.setattr(desk.venue, "now_ms", lambda: int(at.timestamp() * 1000))
    desk.sync()
    assert abs(SyncState.objects.get().fills_until - at) < timedelta(seconds=1)


def test_balances_and_the_peak_of_equity_are_kept(desk: Desk) -> None:
    desk.venue.equity = Decimal(12_000)
    desk.sync()
    desk.venue.equity = Decimal(9_000)
    desk.sync()
    assert AccountBalance.objects.get().equity == Decimal(9_000)
    assert EquityPeak.objects.get().equity == Decimal(12_000)
    # 25 % below the peak.
    assert desk.create("after").reason_code == "drawdown"


def test_one_order_that_cannot_be_read_keeps_no_other_from_being_synced(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.submit(desk.create("a", terms=LIMIT))
    second = desk.submit(desk.create("b", terms=LIMIT))
    for order in (first, second):
        desk.venue.drop(order.client_order_id)
    original, errors = desk.venue.order, [Unavailable("down")]

    def order_once_down(*args: Any, **kwargs: Any) -> VenueOrder:
        if errors:
            raise errors.pop()
        return original(*args, **kwargs)

    monkeypatch.setattr(desk.venue, "order", order_once_down)
    report = desk.sync()
    assert len(report.problems) == 1
    assert sorted(Order.objects.values_list("status", flat=True)) == ["accepted", "canceled"]


def test_every_connection_in_use_gets_a_task_of_its_own(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, ...]] = []
    monkeypatch.setattr(connection_sync_run, "apply_async", lambda args, **_: sent.append(args))
    assert connections_sync() == 1
    assert sent == [(desk.connection.pk,)]
    desk.connection.is_enabled = desk.connection.is_live_armed = False
    desk.connection.save()
    assert connections_sync() == 0


def test_a_connection_that_an_engine_keeps_in_step_is_not_synced_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_sync_run, "apply_async", lambda args, **_: None)
    desk.sync()
    assert connections_sync() == 1  # nobody holds the lease
    lease = lease_take(f"engine:{desk.connection.pk}", owner="engine")
    assert lease is not None
    assert connections_sync() == 0
    # It holds the lease and does nothing: rests after a failure, or hangs.
    SyncState.objects.update(synced_at=timezone.now() - timedelta(seconds=61))
    assert connections_sync() == 1
    # Its clock was set back since.
    SyncState.objects.update(synced_at=timezone.now() + timedelta(hours=2))
    assert connections_sync() == 1
    SyncState.objects.update(synced_at=timezone.now())
    lease_release(lease)
    assert connections_sync() == 1


def test_a_venue_that_is_down_is_noted_on_the_connection(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.positions.tasks.connector_for", lambda _: desk.venue)
    desk.venue.reads = [Unavailable("venue is down")]
    connection_sync_run(desk.connection.pk)
    desk.connection.refresh_from_db()
    assert desk.connection.last_error == "venue is down"
    connection_sync_run(desk.connection.pk)
    desk.connection.refresh_from_db()
    assert desk.connection.last_error == ""
