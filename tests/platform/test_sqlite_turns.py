"""Writers of one process take turns: the longest waiting next, who is in a hurry first, nobody for ever."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction

from apps.exchanges.models import Lease
from cts.sqlite.base import Turns, urgently


def waiting(turns: Turns, name: str, order: list[str], *, is_urgent: bool = False) -> threading.Thread:
    def take() -> None:
        assert turns.take(is_urgent=is_urgent, timeout_s=5)
        order.append(name)
        turns.give()

    thread = threading.Thread(target=take)
    thread.start()
    time.sleep(0.05)
    return thread


def test_turns_go_by_waiting_and_hurry() -> None:
    turns, order = Turns(), list[str]()
    assert turns.take(is_urgent=False, timeout_s=1)
    threads = [waiting(turns, "first", order), waiting(turns, "second", order)]
    threads.append(waiting(turns, "in a hurry", order, is_urgent=True))
    turns.give()
    for thread in threads:
        thread.join(5)
    assert order == ["in a hurry", "first", "second"]


def test_who_gave_up_waiting_is_passed_over() -> None:
    turns, order = Turns(), list[str]()
    assert turns.take(is_urgent=False, timeout_s=1)
    assert not turns.take(is_urgent=False, timeout_s=0.01)
    thread = waiting(turns, "next", order)
    turns.give()
    thread.join(5)
    assert order == ["next"]
    assert turns.take(is_urgent=False, timeout_s=0.1)


def apart(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_transactions_and_single_writes_wait_for_one_another_and_in_order() -> None:
    order: list[str] = []

    def single() -> None:
        Lease.objects.filter(name="a").update(owner="single")
        order.append("single")

    def hurried() -> None:
        with urgently(), transaction.atomic():
            order.append("hurried")

    with transaction.atomic():
        Lease.objects.create(name="a")
        threads = [apart(single)]
        time.sleep(0.1)
        threads.append(apart(hurried))
        time.sleep(0.1)
        order.append("first")
    for thread in threads:
        thread.join(5)
    assert order == ["first", "hurried", "single"]
    assert Lease.objects.get().owner == "single"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_transaction_that_fails_or_whose_connection_goes_gives_its_turn_back() -> None:
    def failing() -> None:
        with pytest.raises(RuntimeError), transaction.atomic():
            raise RuntimeError

    def broken() -> None:
        with transaction.atomic():
            connection.close()

    for work in (failing, broken):
        apart(work).join(5)
        started = time.monotonic()
        with transaction.atomic():
            Lease.objects.create(name=work.__name__)
        assert time.monotonic() - started < 2
