"""Messages between processes over Redis pub/sub: names of the topics, one client per process, msgpack both ways.

What belongs here is transport only. Who says what, and when, is the business of the apps.
"""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_S, READ_S = 1.0, 2.0

T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()


@lru_cache(maxsize=1)
def client() -> "redis.Redis":
    """One thread-safe client per process; the pool inside it opens connections as threads need them."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=READ_S,
        health_check_interval=15,
        # Once more over a fresh connection where one was closed; never where Redis hangs: somebody waits for the page.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def subscriber(*topics: str) -> "redis.client.PubSub":
    """A pub/sub of its own connection (no read timeout: silence is normal), subscribed to `topics`."""
    listener = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_keepalive=True)
    pubsub: redis.client.PubSub = listener.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    if topics:
        pubsub.subscribe(*topics)
    return pubsub


def publish(topic: str, message: Any) -> int:
    """Send to whoever listens now; returns how many did. Nothing is kept: what must not be lost is in the database."""
    return int(client().publish(topic, _encoder.encode(message)))


def decode(payload: bytes, kind: type[T]) -> T:
    return msgspec.msgpack.decode(payload, type=kind)


def _key(*parts: object) -> str:
    return ":".join([settings.REDIS_PREFIX, *map(str, parts)])


def ticks_topic(exchange: str, environment: str, market: str) -> str:
    """Carries `list[Tick]`, one message per venue frame."""
    return _key("ticks", exchange, environment, market)


def tickers_key(exchange: str, environment: str, market: str) -> str:
    """Hash symbol -> JSON of the newest `Ticker`, written at most 4 times a second per symbol."""
    return _key("tickers", exchange, environment, market)


def lines_topic(study_id: int) -> str:
    """Carries `list[LineEvent]` of one study."""
    return _key("lines", study_id)


def wake_topic(lease_name: str) -> str:
    """Carries nothing: the run under this lease should look at its desired state now instead of at its next beat."""
    return _key("wake", lease_name)


def state_key(*parts: object) -> str:
    """A key of small, losable, shared state (heartbeats of processes, last seen times)."""
    return _key("state", *parts)
