"""One Redis subscriber per process, however many runs listen: ticks, line events and wake-ups, decoded once."""

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
import redis

from cts import bus
from cts.domain.types import LineEvent, Tick

log = logging.getLogger(__name__)

Venue = tuple[str, str, str]
Unsubscribe = Callable[[], None]


@dataclass
class Batch:
    """What came in since the last look."""

    ticks: list[Tick] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)


class Inbox:
    """What a run has to look at. A slow run loses its oldest ticks, counted in `dropped`; events are never lost."""

    def __init__(self, *, max_ticks: int = 20_000) -> None:
        self.dropped = 0
        self._ticks: deque[Tick] = deque(maxlen=max_ticks)
        self._events: list[Any] = []
        self._is_woken = False
        self._changed = threading.Condition()

    def put_ticks(self, ticks: list[Tick]) -> None:
        with self._changed:
            room = (self._ticks.maxlen or 0) - len(self._ticks)
            self.dropped += max(0, len(ticks) - room)
            self._ticks.extend(ticks)
            self._changed.notify_all()

    def put(self, event: Any) -> None:
        self.put_all([event])

    def put_all(self, events: list[Any]) -> None:
        with self._changed:
            self._events.extend(events)
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def consume_wake(self) -> bool:
        with self._changed:
            was, self._is_woken = self._is_woken, False
        return was

    def take(self, *, timeout_s: float) -> Batch:
        """Everything there is, as soon as there is anything; empty after `timeout_s` or when woken."""
        with self._changed:
            self._changed.wait_for(lambda: self._ticks or self._events or self._is_woken, timeout_s)
            batch = Batch(list(self._ticks), self._events)
            self._ticks.clear()
            self._events = []
        return batch

    def take_events(self) -> list[Any]:
        """What has happened so far, without the ticks and without waiting."""
        with self._changed:
            events, self._events = self._events, []
        return events


@dataclass
class _Topic:
    decode: Callable[[bytes], Any]
    callbacks: list[Callable[[Any], None]] = field(default_factory=list)
    is_live: threading.Event = field(default_factory=threading.Event)


_decode_ticks = msgspec.msgpack.Decoder(list[Tick]).decode
_decode_lines = msgspec.msgpack.Decoder(list[LineEvent]).decode


class TickHub:
    """Callbacks run on the hub's thread: they must be quick and hand over to an `Inbox`."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._last: dict[Venue, dict[str, tuple[Tick, float]]] = {}
        self._confirmed: set[str] = set()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        # Subscriptions change on the hub's own thread only; a message on this topic makes it look.
        self._nudge_topic = bus.wake_topic(f"hub:{uuid.uuid4().hex}")

    def subscribe(
        self, exchange: str, environment: str, market: str, callback: Callable[[list[Tick]], None]
    ) -> Unsubscribe:
        venue = (exchange, environment, market)
        last = self._last.setdefault(venue, {})

        def decode(payload: bytes) -> list[Tick]:
            ticks = _decode_ticks(payload)
            now = time.monotonic()
            for tick in ticks:
                last[tick.symbol] = (tick, now)
            return ticks

        return self._add(bus.ticks_topic(*venue), decode, callback)

    def subscribe_lines(self, study_id: int, callback: Callable[[list[LineEvent]], None]) -> Unsubscribe:
        return self._add(bus.lines_topic(study_id), _decode_lines, callback)

    def subscribe_wake(self, lease_name: str, callback: Callable[[], None]) -> Unsubscribe:
        return self._add(bus.wake_topic(lease_name), lambda payload: None, lambda _: callback())

    def last(self, venue: Venue, symbol: str) -> Tick | None:
        """The newest tick heard here; None where nobody in this process listens to the venue."""
        found = self._last.get(venue, {}).get(symbol)
        return found[0] if found else None

    def last_age_s(self, venue: Venue, symbol: str) -> float | None:
        """Seconds since the newest tick arrived, by our own clock."""
        found = self._last.get(venue, {}).get(symbol)
        return time.monotonic() - found[1] if found else None

    def _add(
        self, name: str, decode: Callable[[bytes], Any], callback: Callable[[Any], None], *, wait_s: float = 2.0
    ) -> Unsubscribe:
        with self._lock:
            topic = self._topics.setdefault(name, _Topic(decode))
            topic.callbacks.append(callback)
            self._start()
        self._nudge()
        # Returning before Redis has confirmed would lose whatever is published in between.
        if threading.current_thread() is not self._thread and not topic.is_live.wait(wait_s):
            log.warning("subscription_unconfirmed", extra={"topic": name})

        def remove() -> None:
            with self._lock:
                if callback in topic.callbacks:
                    topic.callbacks.remove(callback)
                if not topic.callbacks and self._topics.get(name) is topic:
                    del self._topics[name]
            self._nudge()

        return remove

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._listen_for_ever, name="hub", daemon=True)
            self._thread.start()

    def _nudge(self) -> None:
        try:
            bus.publish(self._nudge_topic, None)
        except redis.RedisError:
            # The listener looks for itself once Redis is back.
            return

    def _listen_for_ever(self) -> None:
        is_known_down = False
        while True:
            try:
                self._listen()
            except redis.RedisError as error:
                if not is_known_down:
                    log.warning("hub_disconnected", extra={"reason": str(error)})
                is_known_down = True
                time.sleep(0.5)
            else:
                is_known_down = False

    def _listen(self) -> None:
        """Until the connection breaks: messages out, subscriptions kept equal to what is wanted."""
        pubsub = bus.subscriber(self._nudge_topic)
        pubsub.ignore_subscribe_messages = False
        subscribed: set[str] = set()
        self._confirmed = set()
        try:
            while True:
                self._reconcile(pubsub, subscribed)
                message = pubsub.get_message(timeout=1.0)
                if message is not None:
                    self._dispatch(message)
        finally:
            with self._lock:
                for topic in self._topics.values():
                    topic.is_live.clear()
            pubsub.close()

    def _reconcile(self, pubsub: "redis.client.PubSub", subscribed: set[str]) -> None:
        with self._lock:
            wanted = set(self._topics)
            for name in wanted & self._confirmed:
                self._topics[name].is_live.set()
        if added := wanted - subscribed:
            pubsub.subscribe(*added)
        if gone := subscribed - wanted:
            pubsub.unsubscribe(*gone)  # type: ignore[no-untyped-call]
        subscribed |= added
        subscribed -= gone
        self._confirmed -= gone

    def _dispatch(self, message: dict[str, Any]) -> None:
        name = message["channel"].decode()
        topic = self._topics.get(name)
        if topic is None:
            return
        if message["type"] == "subscribe":
            self._confirmed.add(name)
            topic.is_live.set()
        elif message["type"] == "message":
            self._deliver(name, topic, message["data"])

    def _deliver(self, name: str, topic: _Topic, payload: bytes) -> None:
        try:
            decoded = topic.decode(payload)
        except msgspec.MsgspecError:
            log.exception("hub_payload_unreadable", extra={"topic": name})
            return
        for callback in tuple(topic.callbacks):
            try:
                callback(decoded)
            except Exception:
                # One listener's fault must not silence the others, nor end the thread that feeds them all.
                log.exception("hub_callback_failed", extra={"topic": name})


@lru_cache(maxsize=1)
def hub() -> TickHub:
    """The hub of this process."""
    return TickHub()
