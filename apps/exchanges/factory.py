"""The only place where a connection's keys are opened: connectors, one per connection and process."""

import threading
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from apps.exchanges.connectors.base import Connector, Target
from apps.exchanges.connectors.registry import connector_create
from apps.exchanges.crypto import credentials_unseal
from apps.exchanges.limiter import SharedLimiter
from apps.exchanges.models import Connection
from cts.domain.types import Environment, MarginMode, Market, PositionMode


@dataclass(frozen=True)
class _Entry:
    fingerprint: tuple[object, ...]
    connector: Connector


_entries: dict[int, _Entry] = {}
_lock = threading.Lock()


def connector_for(connection: Connection) -> Connector:
    """The process's connector of this account; a new one after the keys or the mode have changed."""
    fingerprint = _fingerprint(connection)
    with _lock:
        entry = _entries.get(connection.pk)
        if entry is not None and entry.fingerprint == fingerprint:
            return entry.connector
        _entries[connection.pk] = _Entry(fingerprint, _create(connection))
        if entry is not None:
            entry.connector.close()
        return _entries[connection.pk].connector


def venue_now_ms(connection: Connection) -> int:
    """The time at the venue, as this process has last compared clocks with it; ours where it never did. Asks nobody."""
    entry = _entries.get(connection.pk)
    clock = getattr(entry.connector, "clock", None) if entry else None
    return int(clock.now_ms()) if clock is not None and clock.is_synced else time.time_ns() // 1_000_000


def connector_forget(connection_id: int) -> None:
    with _lock:
        entry = _entries.pop(connection_id, None)
    if entry is not None:
        entry.connector.close()


@lru_cache(maxsize=64)
def public_connector(exchange: str, environment: str, market: str) -> Connector:
    """For market data: no key."""
    return connector_create(
        exchange, credentials=None, target=target_for(environment, market), limiter=shared_limiter()
    )


@lru_cache(maxsize=1)
def shared_limiter() -> SharedLimiter:
    """Venues count by address and by account, whichever of our processes calls."""
    return SharedLimiter()


def target_for(
    environment: str,
    market: str,
    *,
    position_mode: str = PositionMode.ONE_WAY,
    margin_mode: str = MarginMode.CROSS,
) -> Target:
    return Target(
        environment=Environment(environment),
        market=Market(market),
        position_mode=PositionMode(position_mode),
        margin_mode=MarginMode(margin_mode),
        paper_url=settings.PAPER_URL,
        timeout_s=settings.VENUE_TIMEOUT_S,
    )


def _fingerprint(connection: Connection) -> tuple[object, ...]:
    # Not the row's version: arming or a volume factor must not cut the sockets of an engine that trades.
    return (
        connection.exchange,
        connection.environment,
        connection.market,
        connection.position_mode,
        connection.margin_mode,
        bytes(connection.credentials),
        settings.PAPER_URL,
    )


def _create(connection: Connection) -> Connector:
    return connector_create(
        connection.exchange,
        credentials=credentials_unseal(connection.credentials, connection_id=connection.pk),
        target=target_for(
            connection.environment,
            connection.market,
            position_mode=connection.position_mode,
            margin_mode=connection.margin_mode,
        ),
        limiter=shared_limiter(),
    )
