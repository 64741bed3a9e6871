"""One subscriber per process: what is published arrives, decoded once, and one bad listener harms no other."""

import threading
import time
from typing import Any

import pytest

from apps.exchanges.hub import TickHub
from apps.exchanges.inbox import Inbox
from cts import bus
from cts.domain.types import LineEvent, PositionSide, Tick

VENUE = ("bybit", "paper", "linear")


def _tick(price: float, symbol: str = "BTC/USDT:USDT") -> Tick:
    return Tick(symbol, price, price - 1, price + 1, 1_700_000_000_000, 5)


def _wait(arrived: threading.Event) -> None:
    assert arrived.wait(3), "nothing arrived"


def test_ticks_published_after_subscribe_returned_all_arrive_in_order() -> None:
    hub, done = TickHub(), threading.Event()
    got: list[Any] = []

    def receive(ticks: list[Tick]) -> None:
        got.extend(tick.price for tick in ticks)
        if len(got) == 20:
            done.set()

    hub.subscribe(*VENUE, receive)
    for price in range(10):
        bus.publish(bus.ticks_topic(*VENUE), [_tick(price), _tick(price + 0.5)])
    _wait(done)
    assert got == [price + half for price in range(10) for half in (0.0, 0.5)]
    last = hub.last(VENUE, "BTC/USDT:USDT")
    assert last == _tick(9.5)
    assert (hub.last_age_s(VENUE, "BTC/USDT:USDT") or 9) < 3
    assert hub.last(VENUE, "ETH/USDT:USDT") is None


def test_another_venue_is_not_heard() -> None:
    hub, done = TickHub(), threading.Event()
    got: list[Any] = []
    hub.subscribe(*VENUE, got.extend)
    hub.subscribe(*VENUE, lambda ticks: done.set())
    bus.publish(bus.ticks_topic("binance", "paper", "linear"), [_tick(1)])
    bus.publish(bus.ticks_topic(*VENUE), [_tick(2)])
    _wait(done)
    assert [tick.price for tick in got] == [2]


def test_a_listener_that_raises_does_not_silence_the_others() -> None:
    hub, done = TickHub(), threading.Event()

    def broken(ticks: list[Tick]) -> None:
        raise ValueError("broken listener")

    hub.subscribe(*VENUE, broken)
    hub.subscribe(*VENUE, lambda ticks: done.set())
    bus.publish(bus.ticks_topic(*VENUE), [_tick(1)])
    _wait(done)


def test_unsubscribed_listeners_hear_nothing_and_can_come_back() -> None:
    hub, second = TickHub(), threading.Event()
    first: list[Tick] = []
    leave = hub.subscribe(*VENUE, first.extend)
    leave()
    leave()
    hub.subscribe(*VENUE, lambda ticks: second.set())
    bus.publish(bus.ticks_topic(*VENUE), [_tick(1)])
    _wait(second)
    assert first == []


def test_line_events_and_wake_ups_arrive() -> None:
    hub, lines, woken = TickHub(), threading.Event(), threading.Event()
    got: list[LineEvent] = []
    hub.subscribe_lines(3, got.extend)
    hub.subscribe_lines(3, lambda events: lines.set())
    hub.subscribe_wake("engine:1", woken.set)
    event = LineEvent(
        kind="opened", study_id=3, line_id=9, symbol="BTC/USDT:USDT", side=PositionSide.LONG, price=1.5, at_ms=1
    )
    bus.publish(bus.lines_topic(3), [event])
    bus.publish(bus.wake_topic("engine:1"), None)
    _wait(lines)
    _wait(woken)
    assert got == [event]


def test_the_hub_comes_back_after_its_connection_was_killed() -> None:
    hub, done = TickHub(), threading.Event()
    hub.subscribe(*VENUE, lambda ticks: done.set())
    bus.client().client_kill_filter(_type="pubsub")
    deadline = time.monotonic() + 5
    while not done.is_set() and time.monotonic() < deadline:
        bus.publish(bus.ticks_topic(*VENUE), [_tick(1)])
        time.sleep(0.05)
    assert done.is_set()


def test_what_is_made_in_this_process_is_heard_at_once_and_once() -> None:
    hub, other, done = TickHub(), TickHub(), threading.Event()
    got: list[float] = []
    threads: list[threading.Thread] = []
    hub.subscribe(*VENUE, lambda ticks: got.extend(tick.price for tick in ticks))
    hub.subscribe(*VENUE, lambda ticks: threads.append(threading.current_thread()))
    other.subscribe(*VENUE, lambda ticks: done.set())
    source = hub.source(bus.ticks_topic(*VENUE))
    source.send([_tick(1)])
    assert (got, threads) == ([1], [threading.current_thread()])
    _wait(done)  # who is elsewhere hears it over Redis
    time.sleep(0.1)
    assert got == [1]
    assert hub.last(VENUE, "BTC/USDT:USDT") == _tick(1)


def test_what_nobody_elsewhere_heard_is_not_offered_again_at_once_but_soon() -> None:
    hub, other = TickHub(), TickHub()
    got: list[float] = []
    venue = ("okx", "paper", "linear")  # no other test's
    source = hub.source(bus.ticks_topic(*venue), rest_s=0.2)
    assert source.send([_tick(1)])
    assert not source.send([_tick(2)])
    other.subscribe(*venue, lambda ticks: got.extend(tick.price for tick in ticks))
    time.sleep(0.25)
    assert source.send([_tick(3)])
    assert source.send([_tick(4)])  # somebody listens: every one goes out
    deadline = time.monotonic() + 5
    while len(got) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert got == [3, 4]


def test_once_a_source_is_closed_another_process_is_heard_again() -> None:
    hub, done = TickHub(), threading.Event()
    source = hub.source(bus.ticks_topic(*VENUE))
    hub.subscribe(*VENUE, lambda ticks: done.set())
    source.close()
    deadline = time.monotonic() + 5
    while not done.is_set() and time.monotonic() < deadline:
        bus.publish(bus.ticks_topic(*VENUE), [_tick(2)])
        time.sleep(0.05)
    assert done.is_set()


def test_a_source_that_was_followed_by_another_does_not_close_that_one() -> None:
    hub = TickHub()
    first = hub.source(bus.lines_topic(3))
    second = hub.source(bus.lines_topic(3))
    first.close()
    got: list[LineEvent] = []
    hub.subscribe_lines(3, got.extend)
    event = LineEvent(
        kind="opened", study_id=3, line_id=9, symbol="BTC/USDT:USDT", side=PositionSide.LONG, price=1.5, at_ms=1
    )
    second.send([event])
    assert got == [event]


def test_a_slow_reader_loses_its_oldest_ticks_counted_but_no_event() -> None:
    inbox = Inbox(max_ticks=3)
    inbox.put_ticks([_tick(1), _tick(2)])
    inbox.put_all(["a", "b"])
    inbox.put_ticks([_tick(3), _tick(4)])
    inbox.put("c")
    batch = inbox.take(timeout_s=0)
    assert [tick.price for tick in batch.ticks] == [2, 3, 4]
    assert inbox.dropped == 1
    assert batch.events == ["a", "b", "c"]
    assert inbox.take(timeout_s=0).ticks == []


def test_a_waiting_reader_is_freed_by_a_wake_up() -> None:
    inbox = Inbox()
    threading.Timer(0.05, inbox.wake).start()
    started = time.monotonic()
    inbox.take(timeout_s=5)
    assert time.monotonic() - started < 2
    assert inbox.consume_wake()
    assert not inbox.consume_wake()


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
def test_an_empty_inbox_is_left_after_the_time_out(pause_s: float) -> None:
    started = time.monotonic()
    assert Inbox().take(timeout_s=pause_s).events == []
    assert time.monotonic() - started < pause_s + 1
