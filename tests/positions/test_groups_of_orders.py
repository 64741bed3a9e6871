"""Orders that end one another: OCO groups, and reductions by hand that may close no more than is held."""

from decimal import Decimal

import pytest

from apps.orders.models import Order
from apps.positions.models import Position
from cts.domain.errors import Unavailable
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderPurpose, OrderType, PositionSide
from tests.orders.conftest import Desk

pytestmark = pytest.mark.django_db
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def wait(desk: Desk, key: str, *, price: int, side: PositionSide = LONG, group: str = "g") -> Order:
    """An entry that waits on the venue's book."""
    terms = OrderTerms(order_type=OrderType.LIMIT, price=Decimal(price), quantity=Decimal("0.010"), oco_group=group)
    return desk.submit(desk.create(key, terms=terms, purpose=OrderPurpose.MANUAL, origin="manual", position_side=side))


def reduction(desk: Desk, quantity: str, *, key: str = "out") -> Order:
    terms = OrderTerms(
        order_type=OrderType.LIMIT, price=Decimal(60_500), quantity=Decimal(quantity), is_reduce_only=True
    )
    return desk.submit(desk.create(key, terms=terms, purpose=OrderPurpose.MANUAL, origin="manual"))


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_the_first_fill_of_a_group_ends_the_rest_of_it_and_nothing_else(desk: Desk) -> None:
    below, above, other = (
        wait(desk, "below", price=59_500),
        wait(desk, "above", price=60_500, side=SHORT),
        wait(desk, "other", price=59_400, group="h"),
    )
    desk.sync()
    assert [status(order) for order in (below, above, other)] == ["accepted"] * 3
    desk.venue.fill(below.client_order_id, "0.004")
    desk.sync()
    assert [status(order) for order in (below, above, other)] == ["partially_filled", "canceled", "accepted"]
    [told] = Order.objects.get(pk=above.pk).events.filter(kind="oco")
    assert told.data == {"filled": below.pk, "group": "g"}
    assert [position.side for position in Position.objects.all()] == ["long"]


def test_an_order_that_comes_to_a_group_already_filled_is_denied(desk: Desk) -> None:
    first = wait(desk, "first", price=59_500)
    desk.venue.fill(first.client_order_id)
    desk.hear()
    late = wait(desk, "late", price=60_500, side=SHORT)
    assert (late.status, late.reason_code) == ("denied", "oco_filled")
    assert "has been filled" in late.reason
    assert wait(desk, "elsewhere", price=60_500, side=SHORT, group="h").status == "accepted"


def test_a_cancel_that_fails_is_tried_again_and_told_once(desk: Desk) -> None:
    below, above = wait(desk, "below", price=59_500), wait(desk, "above", price=60_500, side=SHORT)
    desk.venue.fill(below.client_order_id)
    desk.hear()
    desk.venue.reads = [Unavailable("down")] * 3
    desk.manager.tidy(desk.connection, connector=desk.venue)
    assert status(above) == "accepted"
    desk.manager.tidy(desk.connection, connector=desk.venue)
    assert status(above) == "canceled"
    assert above.events.filter(kind="oco").count() == 1


def test_a_reduction_that_waits_ends_with_what_it_was_to_close(desk: Desk) -> None:
    position = desk.open()
    waiting = reduction(desk, "0.010")
    desk.sync()
    assert status(waiting) == "accepted"
    desk.manager.close(position, reason="manual", connector=desk.venue)
    assert status(waiting) == "canceled"
    desk.sync()
    assert Position.objects.get().status == "closed"
    assert desk.venue.open_orders() == []
    assert Order.objects.filter(purpose="exit", status="filled").count() == 1


def test_what_others_of_the_leg_hold_is_left_to_be_reduced(desk: Desk) -> None:
    first = desk.open("a", "0.010")
    desk.open("b", "0.030")
    waiting = reduction(desk, "0.010")
    desk.manager.close(first, reason="manual", connector=desk.venue)
    desk.sync()
    assert status(waiting) == "accepted"


def test_a_stop_that_was_quicker_leaves_no_reduction_behind(desk: Desk) -> None:
    position = desk.open()
    desk.sync()
    waiting = reduction(desk, "0.010")
    [stop] = Order.objects.filter(purpose="stop", position_key=position.key)
    desk.venue.fill(stop.client_order_id)
    desk.sync()
    assert (Position.objects.get().status, status(waiting)) == ("closed", "canceled")


def test_a_reduction_larger_than_what_is_left_is_cut_to_it(desk: Desk) -> None:
    desk.open("a", "0.030")
    waiting = reduction(desk, "0.030")
    desk.sync()
    terms = OrderTerms(quantity=Decimal("0.010"), is_reduce_only=True)
    desk.submit(desk.create("part", terms=terms, purpose=OrderPurpose.MANUAL, origin="manual"))
    desk.sync()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.quantity) == ("accepted", Decimal("0.020"))
    assert desk.venue.orders[waiting.client_order_id].quantity == Decimal("0.020")
