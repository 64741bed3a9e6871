"""Push to browsers. Services call `push_on_commit` inside their transaction; nothing else may send to a page.

Topics (Channels groups): `connection.<id>` ledger and engine events of one connection, `user.<id>` what concerns all of
an owner's connections, `tickers.<exchange>.<environment>.<market>` coalesced prices, `health` the state of the parts.
"""

import asyncio
import logging
import threading
from typing import Any

from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)


class _Publisher:
    """One event loop on one thread per process: the layer's connections belong to a loop, our callers to any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, topic: str, message: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(self._send(topic, message), self._ready_loop())

    def _ready_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="realtime", daemon=True).start()
            return self._loop

    async def _send(self, topic: str, message: dict[str, Any]) -> None:
        layer = get_channel_layer()
        try:
            await layer.group_send(topic, message)
        except Exception:
            # A page that misses a push asks for a snapshot; trading never waits for a page.
            log.warning("push_failed", extra={"topic": topic}, exc_info=True)


_publisher = _Publisher()


def push(topic: str, payload: dict[str, Any]) -> None:
    """Send now, outside any transaction: prices and other frames that may be dropped."""
    _publisher.send(topic, {"type": "push", "topic": topic, "payload": payload})


def push_on_commit(topic: str, payload: dict[str, Any]) -> None:
    """Send once the surrounding transaction has committed, or never."""
    transaction.on_commit(lambda: push(topic, payload))


def event(entity: str, row: dict[str, Any]) -> dict[str, Any]:
    """A ledger event: `row` is the API's shape of the entity and carries `id` and `version`."""
    return {"type": "event", "entity": entity, "row": row}
