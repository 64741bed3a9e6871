"""Streaks and stop guards: what counts, what a pause costs, and that after it everything begins anew."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.exchanges.services import facts_changed
from apps.orders.history import History, history_for
from apps.orders.models import EntryLock, Order
from apps.orders.services import entry_lock_lift, risk_limits_update
from apps.positions.models import Position
from cts.domain.orders import OrderTerms
from tests.orders.conftest import BTC, Desk

pytestmark = pytest.mark.django_db
SMALL = OrderTerms(quantity=Decimal("0.001"))


def history(desk: Desk) -> History:
    return history_for(Connection.objects.get(pk=desk.connection.pk), now=timezone.now())


def losing_streak(desk: Desk) -> int:
    return history(desk).losing_streak(now=timezone.now())


def stops_in_window(desk: Desk) -> int:
    return history(desk).stops_in_window(symbol=BTC, now=timezone.now())


def lose(desk: Desk, count: int, *, reason: str = "timeout", name: str = "k") -> None:
    for number in range(count):
        position = desk.open(f"{name}{number}")
        desk.venue.price -= 10
        desk.manager.close(position, reason=reason, connector=desk.venue)
        desk.hear()


def stop_out(desk: Desk, count: int, *, name: str = "s") -> None:
    for number in range(count):
        position = desk.open(f"{name}{number}")
        desk.manager.ensure_stop(position, connector=desk.venue)
        stop = Order.objects.get(purpose="stop", position_key=position.key)
        desk.venue.fill(stop.client_order_id, price="59700")
        desk.hear()


def let_pass(desk: Desk) -> None:
    """An hour and a second later: everything that happened lies that far back."""
    ago = timedelta(seconds=3601)
    for lock in EntryLock.objects.all():
        lock.until -= ago
        lock.save()
    recent = Position.objects.filter(status="closed", closed_at__gt=timezone.now() - timedelta(minutes=5))
    recent.update(closed_at=F("closed_at") - ago)
    facts_changed(desk.connection.pk)


@pytest.mark.parametrize("reason", ["emergency", "manual", "external"])
def test_closes_that_no_engine_decided_count_to_nothing(desk: Desk, reason: str) -> None:
    lose(desk, 9, reason=reason)
    assert losing_streak(desk) == 0
    assert not EntryLock.objects.exists()
    assert desk.create("after", terms=SMALL).status == "new"


def test_a_close_by_hand_neither_ends_nor_lengthens_a_streak(desk: Desk) -> None:
    lose(desk, 3)
    lose(desk, 2, reason="emergency", name="e")
    lose(desk, 1, name="l")
    assert losing_streak(desk) == 4


def test_after_the_pause_a_new_streak_begins(desk: Desk) -> None:
    lose(desk, 8)
    lock = EntryLock.objects.get()
    assert timedelta(seconds=3590) < lock.until - timezone.now() <= timedelta(seconds=3600)
    assert desk.create("denied", terms=SMALL).reason_code == "losing_streak"
    let_pass(desk)
    assert losing_streak(desk) == 0
    lose(desk, 1, name="again")
    assert losing_streak(desk) == 1
    assert desk.create("after", terms=SMALL).status == "new"


def test_losses_during_the_pause_do_not_lengthen_it(desk: Desk) -> None:
    held = desk.open("held", quantity="0.02")
    lose(desk, 8)
    until = EntryLock.objects.get().until
    desk.manager.close(held, reason="timeout", connector=desk.venue)
    desk.hear()
    assert [lock.until for lock in EntryLock.objects.all()] == [until]


def test_lifting_a_lock_begins_a_new_streak(desk: Desk) -> None:
    lose(desk, 8)
    entry_lock_lift(EntryLock.objects.get(), user=desk.connection.owner)
    lose(desk, 1, name="again")
    assert losing_streak(desk) == 1
    assert desk.create("after", terms=SMALL).status == "new"


def test_stops_before_the_end_of_a_guard_do_not_count_after_it(desk: Desk) -> None:
    risk_limits_update(desk.connection, user=desk.connection.owner, changes={"stop_guard_window_s": 3 * 3600})
    stop_out(desk, 4)
    assert stops_in_window(desk) == 4
    assert desk.create("denied", terms=SMALL).reason_code == "stop_guard"
    let_pass(desk)
    assert stops_in_window(desk) == 0
    stop_out(desk, 1, name="again")
    assert stops_in_window(desk) == 1
    assert desk.create("after", terms=SMALL).status == "new"
