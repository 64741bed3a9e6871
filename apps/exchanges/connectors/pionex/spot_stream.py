"""Pionex's spot account stream: the address is the login, orders and executions are told symbol by symbol."""

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.pionex.private_stream import BALANCE, FILL, ORDER, PrivateDialect
from apps.exchanges.connectors.pionex.stream import frame

if TYPE_CHECKING:
    from apps.exchanges.connectors.pionex.spot import PionexSpotConnector

# A stream is ready when this many symbols are confirmed: at a few messages a second more would take too long.
AWAITED = 15


class SpotPrivateDialect(PrivateDialect):
    def __init__(self, connector: "PionexSpotConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._spot = connector
        self._confirmed: set[tuple[str, str]] = set()
        self._awaited: set[tuple[str, str]] = set()
        self._changed = threading.Condition()

    def url(self, misses: int) -> str:
        return self._spot.stream_address(super().url(misses))

    def opening(self) -> list[str]:
        self._nameless.clear()
        self.symbols |= self._spot.symbols_used()
        symbols = sorted(self.symbols)
        names = [self._spot.venue_symbol(symbol) for symbol in symbols[:AWAITED]]
        with self._changed:
            self._confirmed.clear()
        self._awaited = {(BALANCE, ""), *((topic, name) for name in names for topic in (ORDER, FILL))}
        return [frame("SUBSCRIBE", topic=BALANCE), *self._frames(symbols)]

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        names = map(self._spot.venue_symbol, symbols)
        return [frame("SUBSCRIBE", topic=topic, symbol=name) for name in names for topic in (ORDER, FILL)]

    def _subscribed(self, topic: str, name: str) -> None:
        with self._changed:
            self._confirmed.add((topic, name))
            self._changed.notify_all()
        # One more symbol doesn't make a stream that was ready unready.
        self.is_ready = self.is_ready or self._awaited <= self._confirmed

    def wait_for(self, name: str, *, within_s: float) -> bool:
        """Until the venue has confirmed this symbol's orders and executions. False where it took too long."""
        wanted = {(ORDER, name), (FILL, name)}
        with self._changed:
            return self._changed.wait_for(lambda: wanted <= self._confirmed, timeout=within_s)

    def _data(self, message: Row) -> list[str]:
        """An execution's row doesn't name its symbol, the message does."""
        data, name = message["data"], message.get("symbol")
        if name and isinstance(data, dict):
            message = {**message, "data": {"symbol": name, **data}}
        return super()._data(message)
