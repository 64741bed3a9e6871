"""Threads beside the one that trades: exits once at a time, failures told to the run, an end when the run ends."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from apps.engine.exits import Exit
from apps.engine.leaving import Leaving
from apps.positions.models import Position

pytestmark = pytest.mark.django_db(transaction=True)  # the threads give back database connections


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def leaving(close: Callable[[Exit], None], *, is_held: Callable[[], bool] = lambda: True) -> Leaving:
    side = Leaving("leaving-test", close=close, is_held=is_held, on_news=lambda: None)
    side.start()
    return side


def exit_of(pk: int) -> Exit:
    return Exit(Position(pk=pk, symbol="BTC/USDT:USDT", side="long", quantity=Decimal(1)), "target")


def test_a_position_that_is_being_closed_is_not_closed_beside_it() -> None:
    closed: list[int] = []
    go = threading.Event()

    def close(leave: Exit) -> None:
        assert go.wait(5)
        closed.append(leave.position.pk)

    side = leaving(close)
    side.put([exit_of(1), exit_of(2)])
    side.put([exit_of(1), exit_of(2)])
    go.set()
    until(lambda: len(closed) == 2)
    side.put([exit_of(1)])  # it was refused, and a later tick asks again
    until(lambda: len(closed) == 3)
    side.stop()
    assert closed == [1, 2, 1]


def test_a_failure_ends_the_thread_and_is_the_runs() -> None:
    def close(leave: Exit) -> None:
        raise RuntimeError("the ledger can't be written")

    side = leaving(close)
    side.check(stall_s=60)
    side.put([exit_of(1)])
    with pytest.raises(RuntimeError, match="ledger"):
        until(lambda: side.check(stall_s=60))
    side.stop()


def test_a_thread_that_does_not_come_on_is_noticed() -> None:
    go = threading.Event()
    side = leaving(lambda leave: (go.wait(10), None)[1])
    side.put([exit_of(1)])
    with pytest.raises(TimeoutError):
        until(lambda: side.check(stall_s=0.4))
    go.set()
    side.stop()


def test_without_the_lease_nothing_more_is_closed() -> None:
    closed: list[int] = []
    held = [True]

    def close(leave: Exit) -> None:
        closed.append(leave.position.pk)
        held[0] = False

    side = leaving(close, is_held=lambda: held[0])
    side.put([exit_of(1), exit_of(2)])
    until(lambda: closed)
    side.stop()
    assert closed == [1]
