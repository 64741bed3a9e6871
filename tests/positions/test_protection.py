"""A stop that protects stays; one that ends all the same is known to be gone in the same step."""

from decimal import Decimal
from typing import Any

import pytest

from apps.orders.cancellation import order_cancel_check
from apps.orders.manual import manual_order_cancel
from apps.orders.models import Order
from apps.orders.services import order_apply_venue
from apps.positions.models import Position
from apps.positions.rows import stop_status
from apps.positions.selectors import position_story
from apps.positions.services import position_stop_set
from apps.positions.story_page import story_page
from cts.domain.errors import DomainError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderPurpose, OrderStatus, Origin
from tests.orders.conftest import Desk

pytestmark = pytest.mark.django_db
BY_HAND: dict[str, Any] = {
    "origin": Origin.MANUAL,
    "purpose": OrderPurpose.MANUAL,
    "stop_ratio": None,
    "target_ratio": None,
}


def protected(desk: Desk, key: str = "k1") -> tuple[Position, Order]:
    position = desk.open(key)
    desk.manager.ensure_stop(position, connector=desk.venue)
    return fresh(position), Order.objects.select_related("connection").get(purpose="stop", position_key=position.key)


def fresh(position: Position) -> Position:
    return Position.objects.select_related("connection", "stop_order").get(pk=position.pk)


def test_canceling_the_stop_of_a_live_position_by_hand_is_refused(desk: Desk) -> None:
    position, stop = protected(desk)
    with pytest.raises(DomainError) as refused:
        manual_order_cancel(stop, user=desk.connection.owner)
    assert desk.venue.rests(stop.client_order_id)
    assert refused.value.code == "protects_a_position"
    assert refused.value.detail == "This stop protects a live position; close the position instead"
    desk.manager.close(position, reason="manual", connector=desk.venue)
    desk.hear()
    order_cancel_check(stop)  # nothing is held: it may go


def test_canceling_all_by_hand_keeps_the_stops_that_protect_and_says_so(desk: Desk) -> None:
    position, stop = protected(desk)
    desk.venue.is_market_filled = False
    entry = desk.submit(desk.create("pending", terms=OrderTerms(quantity=Decimal("0.01"))))
    outcomes = desk.executor.cancel_all(desk.connection, connector=desk.venue)
    told = {outcome.order.pk: (outcome.is_ok, outcome.detail) for outcome in outcomes if outcome.order}
    assert told[entry.pk] == (True, "")
    assert told[stop.pk] == (True, "Kept: it protects a live position")
    assert desk.venue.rests(stop.client_order_id)
    assert not desk.venue.rests(entry.client_order_id)
    assert stop_status(fresh(position)) == "on_venue"


def test_canceling_all_by_hand_takes_a_stop_whose_position_is_gone(desk: Desk) -> None:
    position, stop = protected(desk)
    desk.manager.close(position, reason="manual", connector=desk.venue)
    desk.hear()
    desk.executor.cancel_all(desk.connection, connector=desk.venue)
    assert not desk.venue.rests(stop.client_order_id)


def test_an_order_of_a_stranger_goes_without_the_stop_beside_it(desk: Desk) -> None:
    _, stop = protected(desk)
    desk.venue.is_market_filled = False
    stranger = desk.submit(desk.create("pending", terms=OrderTerms(quantity=Decimal("0.01"))))
    name = stranger.client_order_id
    Order.objects.filter(pk=stranger.pk).update(status=OrderStatus.CANCELED)  # the venue lists what we don't
    outcomes = desk.executor.cancel_all(desk.connection, connector=desk.venue)
    assert all(outcome.is_ok for outcome in outcomes), outcomes
    assert desk.venue.rests(stop.client_order_id)
    assert not desk.venue.rests(name)


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED])
def test_a_position_is_uncovered_in_the_step_that_ends_its_stop(desk: Desk, status: OrderStatus) -> None:
    position, stop = protected(desk)
    order_apply_venue(desk.connection, desk.venue.drop(stop.client_order_id, status))
    row = fresh(position)
    assert (stop_status(row), row.uncovered_since is not None) == ("missing", True)
    assert row.version > position.version
    desk.manager.ensure_stop(row, connector=desk.venue)
    assert (stop_status(fresh(position)), fresh(position).uncovered_since) == ("on_venue", None)


def test_a_stop_that_gives_way_to_a_new_one_leaves_no_moment_uncovered(desk: Desk) -> None:
    position, stop = protected(desk)
    Position.objects.filter(pk=position.pk).update(stop_price=Decimal(59000))
    desk.manager.ensure_stop(position, connector=desk.venue)
    stop.refresh_from_db()
    assert stop.status == "canceled"
    assert [event.data["is_covered"] for event in position.events.filter(kind="stop")] == [True, True]


def test_a_stop_that_ended_meanwhile_is_not_written_down_as_cover(desk: Desk) -> None:
    position, stop = protected(desk)
    position_stop_set(position, stop_order=None)
    Order.objects.filter(pk=stop.pk).update(status=OrderStatus.REJECTED)
    assert stop_status(position_stop_set(position, stop_order=stop)) == "missing"


def test_a_stop_that_was_triggered_leaves_no_alarm(desk: Desk) -> None:
    position, stop = protected(desk)
    desk.venue.fill(stop.client_order_id, price="59690")
    desk.hear()
    row = fresh(position)
    assert (row.status, row.uncovered_since) == ("closed", None)
    assert not position.events.filter(kind="stop", data__is_covered=False).exists()


def test_canceling_what_is_final_already_is_success(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    stale = Order.objects.select_related("connection").get(pk=order.pk)
    desk.executor.cancel(order, connector=desk.venue)
    assert desk.executor.cancel(stale, connector=desk.venue).status == "canceled"
    assert desk.venue.canceled == [order.client_order_id]


def test_a_position_by_hand_without_a_stop_gets_the_default_one(desk: Desk) -> None:
    position = desk.open(**BY_HAND)
    assert (position.stop_ratio, position.stop_price) == (0.02, Decimal(58800))
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "covered"
    story = position_story(fresh(position))
    assert story["exits"]["stop_ratio"] == 0.02
    assert [line["data"] for line in story["timeline"] if line["kind"] == "stop_default"] == [{"stop_ratio": 0.02}]


def test_a_written_waiver_leaves_a_position_by_hand_without_a_stop_and_stands_in_its_story(desk: Desk) -> None:
    waived: dict[str, Any] = {"stop_waiver": "Hedge of the spot holding", "explanation": {"by": "Alice"}}
    position = desk.open(**BY_HAND, **waived)
    assert (position.stop_ratio, position.stop_price, stop_status(position)) == (None, None, "waived")
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "waived"
    assert not Order.objects.filter(purpose="stop").exists()
    assert [event.data["reason"] for event in position.events.filter(kind="stop_waived")] == [waived["stop_waiver"]]
    page = story_page(position_story(fresh(position)))
    assert ("No stop, because", "Hedge of the spot holding") in page["exits"]
    assert ("kept without a stop, as Alice decided", "Hedge of the spot holding") in [
        (line["told"], line["data"]) for line in page["timeline"]
    ]


def test_a_position_by_hand_keeps_the_stop_it_was_given(desk: Desk) -> None:
    position = desk.open(**{**BY_HAND, "stop_ratio": 0.01})
    assert (position.stop_ratio, position.stop_price) == (0.01, Decimal(59400))
    assert not position.events.filter(kind="stop_default").exists()
