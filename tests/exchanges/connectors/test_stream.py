"""Sockets that stay up: drops, silence, refusals, failing listeners. Against a real websocket server."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from apps.exchanges.connectors import stream as module
from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import Dialect, Stream
from cts.domain.errors import AuthFailed

HEARTBEAT_S = 0.2


class Echo(Dialect):
    """A made-up venue: subscribes by name, is acknowledged, tells numbers."""

    is_never_quiet = False

    def __init__(self, urls: list[str], events: StreamEvents, heard: list[Any]) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=HEARTBEAT_S)
        self.heard = heard

    def opening(self) -> list[str]:
        return [json.dumps({"sub": sorted(self.symbols)})]

    def subscribe(self, symbols: Any) -> list[str]:
        self.symbols.update(symbols)
        return [json.dumps({"sub": sorted(symbols)})]

    def receive(self, frame: str | bytes) -> list[str]:
        message = json.loads(frame)
        if message == "ok":
            self.is_ready = True
        elif message == "forbidden":
            raise AuthFailed("no")
        elif message == "answer me":
            return ['"answered"']
        else:
            self.data_at = time.monotonic()
            module.tell(self.events.on_ticks, message)
        return []


class Venue:
    """Keeps what it is told; behaves as `behave` says, by the number of the connection."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Any]] = []
        self.sockets: list[ServerConnection] = []
        self.behave: Callable[[int, ServerConnection], None] = lambda number, socket: self.welcome(number, socket)
        self._server: Server = serve(self._serve, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/x"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _serve(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            self.behave(len(self.sockets), socket)
        except ConnectionClosed:
            return

    def welcome(self, number: int, socket: ServerConnection, *, first: Any = None) -> None:
        for frame in socket:
            message = json.loads(frame)
            self.told.append((number, message))
            socket.send('"ok"')
            if first is not None:
                socket.send(json.dumps(first))

    def close(self) -> None:
        self._server.shutdown()
        for socket in self.sockets:
            socket.close_socket()


class Listener:
    def __init__(self) -> None:
        self.ticks: list[Any] = []
        self.ups = 0
        self.reasons: list[str] = []
        self.events = StreamEvents(
            on_ticks=self.ticks.append,
            on_connected=self._up,
            on_disconnected=self.reasons.append,
        )

    def _up(self) -> None:
        self.ups += 1


@pytest.fixture
def venue() -> Iterator[Venue]:
    made = Venue()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_OFF_BASE_S", 0.02)
    monkeypatch.setattr(module, "BACK_OFF_MAX_S", 0.1)
    monkeypatch.setattr(module, "READY_S", 0.6)


@pytest.fixture
def listen(venue: Venue) -> Iterator[Callable[..., tuple[Stream, Listener]]]:
    streams: list[Stream] = []

    def start(*, sockets: int = 1, urls: list[str] | None = None, symbols: str = "A") -> tuple[Stream, Listener]:
        listener = Listener()
        dialects = [Echo(urls or [venue.url], listener.events, []) for _ in range(sockets)]
        for dialect in dialects:
            dialect.subscribe(symbols)
        stream = Stream(dialects, events=listener.events, name="test")
        stream.start()
        streams.append(stream)
        return stream, listener

    yield start
    for stream in streams:
        stream.stop()


def eventually(claim: Callable[[], object], *, within_s: float = 3.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


Listen = Callable[..., tuple[Stream, Listener]]


def test_stream_connects_subscribes_and_tells(venue: Venue, listen: Listen) -> None:
    venue.behave = lambda number, socket: venue.welcome(number, socket, first=[1])
    stream, listener = listen()
    eventually(lambda: listener.ticks)
    assert (listener.ticks[0], listener.ups) == ([1], 1)
    assert venue.told[0] == (1, {"sub": ["A"]})
    assert stream.is_connected
    age = stream.last_message_age_s()
    assert age is not None
    assert age < 1


def test_dropped_socket_is_opened_again_with_all_symbols(venue: Venue, listen: Listen) -> None:
    stream, listener = listen()
    eventually(lambda: stream.is_connected)
    stream.add(["B"])
    eventually(lambda: (1, {"sub": ["B"]}) in venue.told)
    venue.sockets[0].close_socket()
    eventually(lambda: listener.ups == 2)
    assert len(listener.reasons) == 1
    assert (2, {"sub": ["A", "B"]}) in venue.told


def test_silent_socket_is_noticed_within_two_heartbeats(venue: Venue, listen: Listen) -> None:
    def mute(number: int, socket: ServerConnection) -> None:
        if number > 1:
            return venue.welcome(number, socket)
        socket.recv()
        socket.send('"ok"')
        # From here on not even a pong: the library answers pings only while somebody reads.
        socket.protocol.receive_data = lambda data: None  # type: ignore[method-assign]
        time.sleep(10 * HEARTBEAT_S)
        return None

    venue.behave = mute
    stream, listener = listen()
    eventually(lambda: listener.ups == 1)
    started = time.monotonic()
    eventually(lambda: listener.reasons)
    assert time.monotonic() - started < 2 * HEARTBEAT_S + 0.15
    assert "nothing received" in listener.reasons[0]
    eventually(lambda: listener.ups == 2)
    assert stream.is_connected


def test_market_data_that_stops_is_noticed_though_the_socket_answers(
    venue: Venue, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echo, "is_never_quiet", True)
    venue.behave = lambda number, socket: venue.welcome(number, socket, first=[number])
    _, listener = listen()
    eventually(lambda: listener.reasons)
    assert "no market data" in listener.reasons[0]
    eventually(lambda: [2] in listener.ticks)


def test_quiet_socket_without_data_lives_by_its_pongs(venue: Venue, listen: Listen) -> None:
    stream, listener = listen()
    eventually(lambda: stream.is_connected)
    time.sleep(5 * HEARTBEAT_S)
    assert stream.is_connected
    assert listener.reasons == []
    age = stream.last_message_age_s()
    assert age is not None
    assert age < 2 * HEARTBEAT_S


def test_market_data_that_never_starts_is_noticed(
    venue: Venue, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echo, "is_never_quiet", True)
    _, listener = listen()
    eventually(lambda: listener.ups == 2)
    assert "no market data" in listener.reasons[0]


def test_venue_that_drops_everybody_is_asked_less_and_less(
    venue: Venue, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop(number: int, socket: ServerConnection) -> None:
        socket.recv()
        socket.send('"ok"')

    venue.behave = drop
    ceilings: list[float] = []

    def uniform(low: float, high: float) -> float:
        ceilings.append(high)
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    _, listener = listen()
    eventually(lambda: listener.ups >= 3)
    assert ceilings[0] < ceilings[1] <= module.BACK_OFF_MAX_S


def test_subscription_never_confirmed_is_tried_again(venue: Venue, listen: Listen) -> None:
    def ignore_first(number: int, socket: ServerConnection) -> None:
        if number > 1:
            return venue.welcome(number, socket)
        for _ in socket:
            pass
        return None

    venue.behave = ignore_first
    _, listener = listen()
    eventually(lambda: listener.ups == 1)
    assert len(venue.sockets) == 2


def test_failing_listener_does_not_stop_the_stream(venue: Venue, listen: Listen) -> None:
    def answer_twice(number: int, socket: ServerConnection) -> None:
        socket.recv()
        for frame in ('"ok"', "[1]", "[2]"):
            socket.send(frame)
        for _ in socket:
            pass

    venue.behave = answer_twice
    told: list[Any] = []

    def fail(ticks: Any) -> None:
        told.append(ticks)
        raise RuntimeError("a listener's own mistake")

    events = StreamEvents(on_ticks=fail)
    dialect = Echo([venue.url], events, [])
    stream = Stream([dialect], events=events, name="test")
    stream.start()
    eventually(lambda: told == [[1], [2]])
    assert stream.is_connected
    assert len(venue.sockets) == 1
    stream.stop()


def test_refused_key_stops_for_good_and_says_so(venue: Venue, listen: Listen) -> None:
    def forbid(number: int, socket: ServerConnection) -> None:
        socket.recv()
        socket.send('"forbidden"')
        for _ in socket:
            pass

    venue.behave = forbid
    stream, listener = listen()
    eventually(lambda: listener.reasons)
    time.sleep(0.3)
    assert len(venue.sockets) == 1
    assert isinstance(stream.failure, AuthFailed)
    assert listener.ups == 0


def test_answers_the_venue_asks_for_are_sent(venue: Venue, listen: Listen) -> None:
    def ask(number: int, socket: ServerConnection) -> None:
        socket.recv()
        socket.send('"answer me"')
        venue.told.append((number, json.loads(socket.recv())))
        socket.send('"ok"')
        for _ in socket:
            pass

    venue.behave = ask
    stream, _ = listen()
    eventually(lambda: stream.is_connected)
    assert venue.told == [(1, "answered")]


def test_next_address_is_tried_when_one_fails(venue: Venue, listen: Listen) -> None:
    stream, _ = listen(urls=["ws://127.0.0.1:9/none", venue.url])
    eventually(lambda: stream.is_connected)


def test_two_sockets_are_connected_when_both_are(venue: Venue, listen: Listen) -> None:
    stream, listener = listen(sockets=2)
    eventually(lambda: stream.is_connected)
    assert listener.ups == 1
    venue.sockets[0].close_socket()
    eventually(lambda: listener.ups == 2)
    assert len(listener.reasons) == 1


def test_stop_ends_the_threads_and_stays_stopped(venue: Venue, listen: Listen) -> None:
    stream, _ = listen()
    eventually(lambda: stream.is_connected)
    started = time.monotonic()
    stream.stop()
    assert time.monotonic() - started < 2
    assert not stream.is_connected
    count = len(venue.sockets)
    time.sleep(0.3)
    assert len(venue.sockets) == count
    assert not any(thread.name.startswith("test-") for thread in threading.enumerate())


def test_venue_that_is_away_is_tried_until_it_is_back() -> None:
    listener = Listener()
    first = Venue()
    url = first.url
    first.close()
    stream = Stream([Echo([url], listener.events, [])], events=listener.events, name="away")
    stream.start()
    time.sleep(0.2)
    assert not stream.is_connected
    assert stream.failure is None
    assert stream.last_message_age_s() is None
    stream.stop()
