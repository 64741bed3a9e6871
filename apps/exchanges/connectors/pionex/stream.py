"""Pionex's public socket, and how both of its sockets talk. Frames come as binary JSON, one symbol each.

https://www.pionex.com/docs/api-docs
"""

import time
from collections.abc import Iterable, Sequence, Set
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.pionex.quotes import QuoteBoard
from apps.exchanges.connectors.spec import ErrorClass
from apps.exchanges.connectors.stream import Dialect, StreamBroken, log
from cts.domain.errors import AuthFailed, PayloadError
from cts.domain.venue import Channel

if TYPE_CHECKING:
    from apps.exchanges.connectors.pionex.wire import PionexWire

TRADE, BOOK, INDEX = "TRADE", "ORDERBOOK", "INDEX"
TOPICS = {Channel.TICKERS: (TRADE, BOOK, INDEX), Channel.TRADES: (TRADE,), Channel.BOOK_TOP: (BOOK,)}


def frame(op: str, **terms: object) -> str:
    return msgspec.json.encode({"op": op, **terms}).decode()


class PionexDialect(Dialect):
    # Five messages a second are allowed on a socket.
    send_interval_s = 0.25

    def __init__(self, connector: "PionexWire", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector

    def receive(self, frame: str | bytes) -> list[str]:
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        if "topic" in message and "data" in message:
            return self._data(message)
        return self._control(message)

    def _data(self, message: Row) -> list[str]:
        raise NotImplementedError

    def _control(self, message: Row) -> list[str]:
        op = message.get("op")
        if op == "PING":
            return [frame("PONG", timestamp=message.get("timestamp"))]
        if op == "CLOSE":
            raise StreamBroken(f"the venue closes: {str(message.get('note'))[:200]}")
        if message.get("type") == "ERROR" or message.get("result") is False:
            self._refused(str(message.get("code")), str(message.get("message"))[:200])
        elif message.get("type") == "SUBSCRIBED":
            self._subscribed(str(message.get("topic")), str(message.get("symbol", "")))
        return []

    def _subscribed(self, topic: str, name: str) -> None:
        self.is_ready = True

    def _refused(self, code: str, text: str) -> None:
        error_class = self._connector.spec.errors.get(code)
        if error_class is ErrorClass.AUTH:
            raise AuthFailed(f"Pionex refused the stream's login: {code} {text}", exchange="pionex", venue_code=code)
        if error_class is ErrorClass.RESIGN:
            self._connector.clock_refused()
            raise StreamBroken(f"login refused: {code} {text}")
        log.warning("Pionex refused a subscription: %s %s", code, text)


class PublicDialect(PionexDialect):
    # The mark price comes all the time, whatever the market does; where there is none, the venue's pings do.
    is_never_quiet = True

    def __init__(
        self, connector: "PionexWire", *, urls: Sequence[str], events: StreamEvents, channels: Set[Channel]
    ) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._board = QuoteBoard(connector.read, events, channels=channels)
        topics = (topic for channel in sorted(channels) for topic in TOPICS[channel])
        self._topics = tuple(dict.fromkeys(topic for topic in topics if topic in connector.topics))

    def opening(self) -> list[str]:
        self._board.forget()
        return self._frames(sorted(self.symbols))

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        """Prices of all before the rest of any: at a few messages a second, many symbols take a while."""
        names = [self._connector.venue_symbol(symbol) for symbol in symbols]
        return [frame("SUBSCRIBE", topic=topic, symbol=name) for topic in self._topics for name in names]

    def _control(self, message: Row) -> list[str]:
        if INDEX not in self._topics:
            self.data_at = time.monotonic()
        return super()._control(message)

    def _data(self, message: Row) -> list[str]:
        self.data_at = time.monotonic()
        try:
            return self._event(message)
        except PayloadError as error:
            log.warning("Unreadable market event: %s", error.message)
        return []

    def _event(self, message: Row) -> list[str]:
        connector, topic = self._connector, message["topic"]
        symbol = connector.symbol_or_none(message)
        if symbol is None:
            return []
        if topic == TRADE:
            self._board.note_trades(symbol, connector.read.rows(message, "data"))
        elif topic == INDEX:
            for row in connector.read.rows(message, "data"):
                self._board.note_index(symbol, row, at_ms=connector.read.integer(message, "timestamp"))
        elif topic == BOOK:
            data, at_ms = connector.read.mapping(message, "data"), connector.read.integer(message, "timestamp")
            if not self._board.note_book(symbol, data, at_ms=at_ms):
                return self._again(message["symbol"])
        return []

    def _again(self, name: str) -> list[str]:
        """A change of the book is missing: take leave and ask for the whole."""
        return [frame(op, topic=BOOK, symbol=name) for op in ("UNSUBSCRIBE", "SUBSCRIBE")]
