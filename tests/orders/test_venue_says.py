"""What the venue says of orders, in any order and any number of times; and canceling."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from apps.exchanges import factory
from apps.exchanges.connectors.clock import VenueClock
from apps.orders.models import Order
from apps.orders.services import order_apply_venue, order_cancel
from apps.positions.models import Position
from cts.domain.errors import Unavailable
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderPurpose, OrderRequest, OrderStatus, OrderType, PositionSide, Side, VenueOrder
from tests.orders.conftest import BTC, Desk, no_sleep
from tests.orders.venue import now_ms

pytestmark = pytest.mark.django_db
TENTH = OrderTerms(quantity=Decimal("0.01"))


def test_a_cancel_that_comes_too_late_leaves_the_fill(desk: Desk) -> None:
    limit = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))
    order = desk.submit(desk.create(terms=limit))
    desk.venue.fill(order.client_order_id)
    canceled = order_cancel(order, connector=desk.venue, sleep=no_sleep)
    assert canceled.reported_quantity == Decimal("0.01")
    desk.hear()
    order.refresh_from_db()
    assert order.status == "filled"


def test_a_cancel_is_repeated_when_the_venue_is_down_for_a_moment(desk: Desk) -> None:
    limit = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))
    order = desk.submit(desk.create(terms=limit))
    desk.venue.reads = [Unavailable("down"), Unavailable("down")]
    assert order_cancel(order, connector=desk.venue, sleep=no_sleep).status == "canceled"


def test_canceling_what_was_never_sent_asks_nobody(desk: Desk) -> None:
    order = desk.create(terms=TENTH)
    assert order_cancel(order, connector=desk.venue, sleep=no_sleep).status == "canceled"
    assert desk.venue.canceled == []


def test_a_late_fill_outranks_a_cancel(desk: Desk) -> None:
    limit = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))
    order = desk.submit(desk.create(terms=limit))
    late = desk.venue.fill(order.client_order_id)
    order_apply_venue(desk.connection, desk.venue.drop(order.client_order_id))
    order.refresh_from_db()
    assert order.status == "canceled"
    assert late in desk.venue.executions
    desk.hear()
    order.refresh_from_db()
    assert order.status == "filled"
    assert Position.objects.get().quantity == Decimal("0.01")


def test_hearing_the_same_of_an_order_twice_changes_nothing(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=TENTH))
    told = desk.venue.orders[order.client_order_id]
    first = order_apply_venue(desk.connection, told)
    second = order_apply_venue(desk.connection, told)
    assert first is not None
    assert second is not None
    assert first.version == second.version


def test_an_order_the_venue_lists_after_we_ended_it_is_open_again(desk: Desk) -> None:
    limit = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))
    order = desk.submit(desk.create(terms=limit))
    ended = timezone.now() - timedelta(seconds=15)
    Order.objects.filter(pk=order.pk).update(status="expired", finished_at=ended, claimed_at=ended)
    assert desk.sync().orders["reopen"] == 1
    order.refresh_from_db()
    assert order.status == "accepted"
    assert order.finished_at is None


def test_a_strangers_open_order_is_adopted_and_told_apart(desk: Desk) -> None:
    desk.venue.place(
        OrderRequest(
            client_order_id="Mine-1",
            symbol=BTC,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=Decimal("0.5"),
            price=Decimal(50000),
        )
    )
    assert desk.sync().orders["adopt"] == 1
    adopted = Order.objects.get()
    assert (adopted.origin, adopted.status, adopted.quantity) == ("external", "accepted", Decimal("0.5"))
    assert desk.sync().orders == {}


def test_no_such_order_right_after_placing_is_no_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = msgspec.structs.replace(desk.venue.spec, visibility_delay_s=30.0)
    monkeypatch.setattr(desk.venue, "spec", slow, raising=False)
    limit = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))
    order = desk.submit(desk.create(terms=limit))
    del desk.venue.orders[order.client_order_id]
    desk.sync()
    order.refresh_from_db()
    assert order.status == "accepted"
    Order.objects.filter(pk=order.pk).update(submitted_at=timezone.now() - timedelta(seconds=31))
    desk.sync()
    order.refresh_from_db()
    assert order.status == "unknown"


def _stop_without_a_name(**changes: Any) -> VenueOrder:
    """As a venue tells it that keeps no client id of conditional orders."""
    now = now_ms()
    told = VenueOrder(
        client_order_id="",
        venue_order_id="v77",
        symbol=BTC,
        side=Side.SELL,
        order_type=OrderType.STOP_MARKET,
        status=OrderStatus.ACCEPTED,
        quantity=Decimal("0.01"),
        filled_quantity=Decimal(0),
        trigger_price=Decimal(59000),
        is_reduce_only=True,
        position_side=PositionSide.LONG,
        created_ms=now,
        updated_ms=now,
    )
    return msgspec.structs.replace(told, **changes)


def _stop_being_sent(desk: Desk) -> Order:
    """Whoever sends it will never hear the answer."""
    return _stop_sent_for(desk, position_key=desk.open().key)


def _stop_sent_for(desk: Desk, *, position_key: str) -> Order:
    terms = OrderTerms(
        order_type=OrderType.STOP_MARKET,
        quantity=Decimal("0.01"),
        trigger_price=Decimal(59000),
        is_reduce_only=True,
        position_key=position_key,
    )
    order = desk.create(key="stop", terms=terms, purpose=OrderPurpose.STOP)
    Order.objects.filter(pk=order.pk).update(status="submitting", claimed_at=timezone.now())
    return order


def test_a_stop_told_without_our_id_is_the_one_that_was_sent_on_these_terms(desk: Desk) -> None:
    sent = _stop_being_sent(desk)
    told = order_apply_venue(desk.connection, _stop_without_a_name())
    assert told is not None
    assert (told.pk, told.status, told.venue_order_id) == (sent.pk, "accepted", "v77")
    again = order_apply_venue(desk.connection, _stop_without_a_name())
    assert again is not None
    assert again.pk == sent.pk


@pytest.mark.parametrize(
    "changes",
    [
        {"trigger_price": Decimal(58999)},
        {"quantity": Decimal("0.02")},
        {"side": Side.BUY},
        {"created_ms": 1_600_000_000_000},
    ],
)
def test_a_stop_of_other_terms_is_somebody_elses(desk: Desk, changes: dict[str, Any]) -> None:
    sent = _stop_being_sent(desk)
    told = order_apply_venue(desk.connection, _stop_without_a_name(**changes))
    assert told is not None
    assert (told.purpose, told.pk != sent.pk) == ("external", True)


@pytest.mark.parametrize("is_told_first", [True, False])
def test_an_order_the_venue_cut_is_filled_with_what_was_left_of_it(desk: Desk, is_told_first: bool) -> None:
    """A reduction is cut to what is still held; the rest of it will never come."""
    limit = OrderTerms(quantity=Decimal("0.01"), order_type=OrderType.LIMIT, price=Decimal(59900))
    order = desk.submit(desk.create(terms=limit))
    desk.venue.fill(order.client_order_id, quantity=Decimal("0.006"))
    told = msgspec.structs.replace(
        desk.venue.orders[order.client_order_id],
        quantity=Decimal("0.006"),
        filled_quantity=Decimal("0.006"),
        status=OrderStatus.FILLED,
    )
    if is_told_first:
        order_apply_venue(desk.connection, told)
        desk.hear()
    else:
        desk.hear()
        order_apply_venue(desk.connection, told)
    order.refresh_from_db()
    assert (order.status, order.quantity, order.filled_quantity) == ("filled", Decimal("0.006"), Decimal("0.006"))


@pytest.mark.parametrize("behind_s", [0, 30, -30])
def test_a_stop_told_by_its_terms_alone_is_known_whatever_the_venues_clock_shows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, behind_s: int
) -> None:
    order = _stop_sent_for(desk, position_key="p")
    clock = VenueClock()
    clock.note(now_ms() - behind_s * 1000, asked_at=clock.moment())
    connector = SimpleNamespace(clock=clock, close=lambda: None)
    monkeypatch.setitem(factory._entries, desk.connection.pk, factory._Entry((), connector))  # type: ignore[arg-type]
    told = _stop_without_a_name(venue_order_id="v7", created_ms=clock.now_ms(), updated_ms=clock.now_ms())
    applied = order_apply_venue(desk.connection, told)
    assert applied is not None
    assert (applied.pk, applied.venue_order_id, Order.objects.count()) == (order.pk, "v7", 1)
    older = msgspec.structs.replace(told, venue_order_id="v1", created_ms=clock.now_ms() - 60_000)
    stranger = order_apply_venue(desk.connection, older)
    assert stranger is not None
    assert stranger.purpose == "external"
