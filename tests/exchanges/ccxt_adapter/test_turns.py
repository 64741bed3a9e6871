"""The client serves one at a time, orders first, whoever asks how often."""

import threading
import time

from apps.exchanges.connectors.ccxt_adapter.turns import Turns


def test_an_order_goes_before_reads_that_waited_longer_and_reads_keep_their_order() -> None:
    turns, done, started = Turns(), list[str](), list[threading.Thread]()

    def ask(name: str, *, is_urgent: bool) -> None:
        with turns.turn(is_urgent=is_urgent):
            done.append(name)

    with turns.turn(is_urgent=False):
        for name, is_urgent in (("read1", False), ("read2", False), ("order", True)):
            thread = threading.Thread(target=ask, args=(name,), kwargs={"is_urgent": is_urgent})
            thread.start()
            started.append(thread)
            while len(turns._waiting) < len(started):
                time.sleep(0.001)
    for thread in started:
        thread.join(timeout=5)
    assert done == ["order", "read1", "read2"]


def test_a_turn_that_fails_is_given_back() -> None:
    turns = Turns()
    for _ in range(2):
        try:
            with turns.turn(is_urgent=True):
                raise ValueError
        except ValueError:
            continue
    with turns.turn(is_urgent=False):
        assert turns._is_taken
    assert not turns._is_taken
