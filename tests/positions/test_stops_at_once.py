"""Two who look after the same account at once (an engine and a worker's sync): one stop, and never a moment without."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connections

from apps.orders.models import Order
from apps.positions.models import Position
from apps.positions.rows import stop_status
from tests.orders.conftest import Desk

pytestmark = pytest.mark.django_db(transaction=True)


def together(count: int, work: Callable[[], object]) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def stops(position: Position) -> list[Order]:
    return list(Order.objects.filter(purpose="stop", position_key=position.key).order_by("pk"))


def test_two_who_find_no_stop_place_one(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    for number in range(3):
        position = desk.open(f"k{number}")
        together(2, lambda position=position: desk.manager.ensure_stop(position, connector=desk.venue))  # type: ignore[misc]
        [stop] = stops(position)
        assert stop.status == "accepted"
        assert [request.client_order_id for request in desk.venue.placed].count(stop.client_order_id) == 1
        desk.manager.ensure_stop(position, connector=desk.venue)
        assert stop_status(Position.objects.get(pk=position.pk)) == "on_venue"
        assert len(stops(position)) == 1


def test_one_who_decided_by_what_was_true_a_moment_ago_makes_no_second_stop(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    position = desk.open()
    desk.venue.after = [lambda: time.sleep(0.3)]  # the first is on the venue long before its answer is back
    together(6, lambda: desk.manager.ensure_stop(position, connector=desk.venue))
    assert [stop.status for stop in stops(position)] == ["accepted"]
    row = Position.objects.get(pk=position.pk)
    assert (stop_status(row), row.uncovered_since) == ("on_venue", None)


def test_a_stop_that_is_to_be_replaced_is_replaced_once(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    position = desk.open()
    desk.manager.ensure_stop(position, connector=desk.venue)
    Position.objects.filter(pk=position.pk).update(stop_price=Decimal(59_000))
    together(4, lambda: desk.manager.ensure_stop(position, connector=desk.venue))
    desk.manager.ensure_stop(position, connector=desk.venue)
    assert [stop.status for stop in stops(position)] == ["canceled", "accepted"]
    assert [key for key in desk.venue.orders if desk.venue.rests(key)] == [stops(position)[1].client_order_id]
