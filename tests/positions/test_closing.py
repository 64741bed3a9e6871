"""Two who close the same position at once: one exit order, the same outcome for both."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from apps.orders.models import Order
from apps.positions.closing import CloseOutcome, position_close
from apps.positions.models import Position
from apps.positions.services import position_closing_end
from cts.domain.types import OrderStatus
from tests.orders.conftest import Desk


def exits(position: Position) -> list[Order]:
    return list(Order.objects.filter(position_key=position.key, purpose__in=("exit", "emergency")).order_by("pk"))


@pytest.mark.django_db
def test_an_exit_made_between_look_and_act_is_not_doubled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    position = desk.open()
    desk.venue.is_market_filled = False
    look = "apps.positions.closing._running"
    rival: list[CloseOutcome] = []

    def looks_too_early(*_: object) -> None:
        monkeypatch.undo()
        rival.append(desk.manager.close(position, reason="emergency", connector=desk.venue))

    monkeypatch.setattr(look, looks_too_early)
    late = position_close(position, reason="manual", connector=desk.venue, executor=desk.executor)
    assert (late.is_ok, late.code, late.detail) == (True, "closing", "Its exit is on the way")
    assert late.order == rival[0].order
    assert [order.purpose for order in exits(position)] == ["emergency"]
    assert len([request for request in desk.venue.placed if request.is_reduce_only]) == 1


@pytest.mark.django_db
def test_a_position_closed_between_look_and_act_is_closed_for_both(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    position = desk.open()

    def looks_too_early(*_: object) -> None:
        monkeypatch.undo()
        desk.manager.close_now(position, reason="emergency", connector=desk.venue)

    monkeypatch.setattr("apps.positions.closing._running", looks_too_early)
    late = position_close(position, reason="manual", connector=desk.venue, executor=desk.executor)
    assert (late.is_ok, late.code, late.position.exit_reason) == (True, "closed", "emergency")
    assert len(exits(position)) == 1


@pytest.mark.django_db
def test_a_failed_exit_does_not_reopen_what_another_is_closing(desk: Desk) -> None:
    position = desk.open()
    desk.venue.is_market_filled = False
    desk.manager.close(position, reason="target", connector=desk.venue)
    assert position_closing_end(position, reason="an older exit was refused").status == "closing"


@pytest.mark.django_db(transaction=True)
def test_of_six_who_close_at_once_one_sends_an_exit(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    position = desk.open()
    desk.venue.is_market_filled = False
    barrier, outcomes = threading.Barrier(6), []

    def close() -> None:
        try:
            barrier.wait(10)
            outcomes.append(desk.manager.close(position, reason="manual", connector=desk.venue))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=close) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [outcome.is_ok for outcome in outcomes] == [True] * 6
    assert len({outcome.order.pk for outcome in outcomes if outcome.order}) == 1
    assert len([request for request in desk.venue.placed if request.is_reduce_only]) == 1
    assert [order.status for order in exits(position)] == [OrderStatus.ACCEPTED]
