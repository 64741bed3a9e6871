"""One Redis subscriber per process, however many runs listen: ticks, line events and wake-ups, decoded once.

What is made in this process does not go through Redis to be heard here: its `Source` hands it over.
"""

import logging
import threading
import time
import uuid
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


def _nothing(payload: bytes) -> None:
    return None


@dataclass
class _Topic:
    decode: Callable[[bytes], Any]
    note: Callable[[Any], None] = _nothing
    callbacks: list[Callable[[Any], None]] = field(default_factory=list)
    is_live: threading.Event = field(default_factory=threading.Event)


_decode_ticks = msgspec.msgpack.Decoder(list[Tick]).decode
_decode_lines = msgspec.msgpack.Decoder(list[LineEvent]).decode


class TickHub:
    """Callbacks run on the hub's thread, or on a source's: they must be quick and hand over to an `Inbox`."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._last: dict[Venue, dict[str, tuple[Tick, float]]] = {}
        self._confirmed: set[str] = set()
        self._sources: dict[str, Source] = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        # Subscriptions change on the hub's own thread only; a message on this topic makes it look.
        self._nudge_topic = bus.wake_topic(f"hub:{uuid.uuid4().hex}")

    def subscribe(
        self, exchange: str, environment: str, market: str, callback: Callable[[list[Tick]], None]
    ) -> Unsubscribe:
        venue = (exchange, environment, market)
        last = self._last.setdefault(venue, {})

        def note(ticks: list[Tick]) -> None:
            now = time.monotonic()
            for tick in ticks:
                last[tick.symbol] = (tick, now)

        return self._add(bus.ticks_topic(*venue), _Topic(_decode_ticks, note), callback)

    def subscribe_lines(self, study_id: int, callback: Callable[[list[LineEvent]], None]) -> Unsubscribe:
        return self._add(bus.lines_topic(study_id), _Topic(_decode_lines), callback)

    def subscribe_wake(self, lease_name: str, callback: Callable[[], None]) -> Unsubscribe:
        return self._add(bus.wake_topic(lease_name), _Topic(_nothing), lambda _: callback())

    def last(self, venue: Venue, symbol: str) -> Tick | None:
        """The newest tick heard here; None where nobody in this process listens to the venue."""
        found = self._last.get(venue, {}).get(symbol)
        return found[0] if found else None

    def last_age_s(self, venue: Venue, symbol: str) -> float | None:
        """Seconds since the newest tick arrived, by our own clock."""
        found = self._last.get(venue, {}).get(symbol)
        return time.monotonic() - found[1] if found else None

    def source(self, name: str, *, rest_s: float = 0.0) -> "Source":
        """For whoever alone publishes on a topic, by its lease: until closed, Redis is not listened to for it."""
        with self._lock:
            source = self._sources[name] = Source(self, name, rest_s=rest_s)
            if name in self._topics:
                self._topics[name].is_live.set()
        self._nudge()
        return source

    def source_closed(self, source: "Source") -> None:
        with self._lock:
            if self._sources.get(source.name) is source:
                del self._sources[source.name]
        self._nudge()

    def hand(self, name: str, message: Any) -> None:
        """To those who listen here, on the caller's thread."""
        if (topic := self._topics.get(name)) is not None:
            self._tell(name, topic, message)

    def _add(self, name: str, new: _Topic, callback: Callable[[Any], None], *, wait_s: float = 2.0) -> Unsubscribe:
        with self._lock:
            topic = self._topics.setdefault(name, new)
            topic.callbacks.append(callback)
            if name in self._sources:
                topic.is_live.set()
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
                for name in self._topics.keys() - self._sources.keys():
                    self._topics[name].is_live.clear()
            pubsub.close()

    def _reconcile(self, pubsub: "redis.client.PubSub", subscribed: set[str]) -> None:
        with self._lock:
            wanted = self._topics.keys() - self._sources.keys()
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
        if topic is None or name in self._sources:
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
        self._tell(name, topic, decoded)

    def _tell(self, name: str, topic: _Topic, message: Any) -> None:
        topic.note(message)
        for callback in tuple(topic.callbacks):
            try:
                callback(message)
            except Exception:
                # One listener's fault must not silence the others, nor end the thread that feeds them all.
                log.exception("hub_callback_failed", extra={"topic": name})


class Source:
    """The one publisher of a topic: who listens in this process hears it at once, all others over Redis.

    With `rest_s`, Redis is left alone that long after a message nobody there was waiting for: only for what the next
    message makes good, such as prices.
    """

    def __init__(self, hub: TickHub, name: str, *, rest_s: float = 0.0) -> None:
        self.name = name
        self._hub = hub
        self._rest_s = rest_s
        self._rests_until = 0.0

    def send(self, message: Any) -> bool:
        """Whether Redis was asked.

        Raises:
            RedisError: only this process has heard it.
        """
        self._hub.hand(self.name, message)
        if self._rest_s and time.monotonic() < self._rests_until:
            return False
        if not bus.publish(self.name, message):
            self._rests_until = time.monotonic() + self._rest_s
        return True

    def close(self) -> None:
        self._hub.source_closed(self)


@lru_cache(maxsize=1)
def hub() -> TickHub:
    """The hub of this process."""
    return TickHub()
