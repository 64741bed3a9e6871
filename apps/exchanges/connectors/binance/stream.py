"""Binance's three sockets: quotes, market, account. https://developers.binance.com/docs/derivatives"""

import threading
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect, StreamBroken, log, tell
from cts.domain.errors import ExchangeError, PayloadError
from cts.domain.types import Tick

if TYPE_CHECKING:
    from apps.exchanges.connectors.binance.connector import BinanceConnector

STREAMS_PER_FRAME = 100
LISTEN_KEY_RENEW_S = 30 * 60.0
# Between trades a moved quote is told too, so that a price's age says whether we hear, not whether somebody dealt.
QUOTE_TICK_S = 0.25


class Quote(msgspec.Struct, gc=False):
    """The newest of a symbol, put together from both market sockets."""

    symbol: str
    last: float = 0.0
    last_ms: int = 0
    last_trade_id: int = -1
    bid: float = 0.0
    ask: float = 0.0
    told_at: float = 0.0
    book: Row | None = None
    mark: Row | None = None


class QuoteBoard:
    """Trades and best prices come by different sockets; a tick needs both."""

    def __init__(self, connector: "BinanceConnector", events: StreamEvents) -> None:
        self.connector = connector
        self._events = events
        self._lock = threading.Lock()
        self._quotes: dict[str, Quote] = {}

    def note_book(self, row: Row) -> None:
        read = self.connector.read
        bid, ask = float(read.positive(row, "b")), float(read.positive(row, "a"))
        at_ms, now = read.integer(row, "E"), time.monotonic()
        with self._lock:
            quote = self._quote(row)
            quote.bid, quote.ask = bid, ask
            quote.book = {"bidPrice": row["b"], "askPrice": row["a"]}
            # A last price the quotes have left behind is not repeated: the trade that moved them is on its way.
            if not bid <= quote.last <= ask or now - quote.told_at < QUOTE_TICK_S:
                return
            tick = _tick(quote, at_ms=at_ms, now=now)
        tell(self._events.on_ticks, [tick])

    def note_price(self, row: Row, *, price_field: str, trade_field: str, time_field: str) -> None:
        """A trade, or the day's last price. They come in any order; the number of the trade tells which is newer."""
        read = self.connector.read
        price, at_ms = float(read.positive(row, price_field)), read.integer(row, time_field)
        trade_id = read.integer(row, trade_field)
        with self._lock:
            quote = self._quote(row)
            if trade_id > quote.last_trade_id:
                quote.last, quote.last_trade_id = price, trade_id
            quote.last_ms = max(at_ms, quote.last_ms)
            tick = _tick(quote, at_ms=quote.last_ms, now=time.monotonic())
        tell(self._events.on_ticks, [tick])

    def forget_trades(self) -> None:
        """After a reconnect whatever is told is the newest."""
        with self._lock:
            for quote in self._quotes.values():
                quote.last_trade_id = -1

    def note_mark(self, row: Row) -> None:
        names = {"markPrice": "p", "indexPrice": "i", "lastFundingRate": "r", "nextFundingTime": "T"}
        with self._lock:
            self._quote(row).mark = {name: row.get(short) for name, short in names.items()}

    def note_day(self, row: Row) -> None:
        names = {"symbol": "s", "lastPrice": "c", "priceChangePercent": "P", "volume": "v", "quoteVolume": "q"}
        fields = {name: row.get(short) for name, short in names.items()} | {"closeTime": row.get("E")}
        with self._lock:
            quote = self._quote(row)
            book, mark = quote.book, quote.mark
        tell(self._events.on_tickers, [self.connector.parse_ticker(fields, book=book, mark=mark)])
        self.note_price(row, price_field="c", trade_field="L", time_field="E")

    def _quote(self, row: Row) -> Quote:
        name = row.get("s")
        quote = self._quotes.get(name) if type(name) is str else None
        if quote is None:
            symbol = self.connector.symbol(row, "s")
            quote = self._quotes[row["s"]] = Quote(symbol)
        return quote


def _tick(quote: Quote, *, at_ms: int, now: float) -> Tick:
    quote.told_at = now
    return Tick(quote.symbol, quote.last, quote.bid or quote.last, quote.ask or quote.last, at_ms, time.monotonic_ns())


class _BoardDialect(Dialect):
    channels: tuple[str, ...] = ()

    def __init__(self, board: QuoteBoard, *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=board.connector.spec.heartbeat_s)
        self._board = board
        self._number = 0

    def opening(self) -> list[str]:
        return self._frames(sorted(self.symbols))

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        names = [self._board.connector.venue_symbol(symbol).lower() for symbol in symbols]
        streams = iter([f"{name}@{channel}" for name in names for channel in self.channels])
        frames = []
        while chunk := list(islice(streams, STREAMS_PER_FRAME)):
            self._number += 1
            frames.append(msgspec.json.encode({"method": "SUBSCRIBE", "params": chunk, "id": self._number}).decode())
        return frames

    def receive(self, frame: str | bytes) -> list[str]:
        message = self._board.connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        if "id" in message and "e" not in message:
            if message.get("error"):
                log.warning("Binance refused a subscription: %s", str(message["error"])[:200])
            self.is_ready = True
            return []
        self.data_at = time.monotonic()
        try:
            self._event(message)
        except PayloadError as error:
            log.warning("Unreadable market event: %s", error.message)
        return []

    def _event(self, message: Row) -> None:
        raise NotImplementedError


class QuoteDialect(_BoardDialect):
    channels = ("bookTicker",)

    def _event(self, message: Row) -> None:
        if message.get("e") == "bookTicker":
            self._board.note_book(message)


class MarketDialect(_BoardDialect):
    # The mark price comes every second, whatever the market does.
    is_never_quiet = True
    channels = ("aggTrade", "ticker", "markPrice@1s")

    def opening(self) -> list[str]:
        self._board.forget_trades()
        return super().opening()

    def _event(self, message: Row) -> None:
        kind = message.get("e")
        if kind == "aggTrade":
            self._board.note_price(message, price_field="p", trade_field="l", time_field="T")
        elif kind == "markPriceUpdate":
            self._board.note_mark(message)
        elif kind == "24hrTicker":
            self._board.note_day(message)


class PrivateDialect(Dialect):
    """The address is the login: it ends in a key that lives an hour and is renewed."""

    def __init__(self, connector: "BinanceConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector
        self._renewed_at = 0.0

    def url(self, misses: int) -> str:
        key = self._connector.listen_key()
        self._renewed_at = time.monotonic()
        return f"{super().url(misses)}/{key}"

    def opening(self) -> list[str]:
        self.is_ready = True
        return []

    def tend(self) -> None:
        if time.monotonic() - self._renewed_at < LISTEN_KEY_RENEW_S:
            return
        try:
            self._connector.listen_key_keep()
        except ExchangeError as error:
            raise StreamBroken(f"the listen key could not be renewed: {error.message}") from None
        self._renewed_at = time.monotonic()

    def receive(self, frame: str | bytes) -> list[str]:
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        kind = message.get("e")
        if kind == "listenKeyExpired":
            raise StreamBroken("the listen key expired")
        try:
            if kind == "ORDER_TRADE_UPDATE":
                self._order(self._connector.read.mapping(message, "o"))
            elif kind == "ALGO_UPDATE":
                self._algo(self._connector.read.mapping(message, "o"), at_ms=message.get("T"))
            elif kind == "ACCOUNT_UPDATE":
                self._account(self._connector.read.mapping(message, "a"), at_ms=message.get("T"))
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None
        return []

    def _order(self, row: Row) -> None:
        if self._connector.symbol_or_none(row, "s") is None:
            return
        order = self._connector.parse_order_event(row)
        self._connector.client_ids.learn(order.venue_order_id, order.client_order_id)
        # A liquidation's executions are called CALCULATED; what counts is that a trade is told.
        if row.get("x") in ("TRADE", "CALCULATED") and row.get("t"):
            tell(self.events.on_fill, self._connector.parse_fill_event(row))
        tell(self.events.on_order, order)

    def _algo(self, row: Row, *, at_ms: Any) -> None:
        if self._connector.symbol_or_none(row, "s") is None:
            return
        order = self._connector.parse_algo_event(row, at_ms=at_ms)
        # From the trigger on, the ordinary order it became tells the story, under the same client id.
        if row.get("X") not in ("TRIGGERING", "TRIGGERED", "FINISHED"):
            tell(self.events.on_order, order)

    def _account(self, data: Row, *, at_ms: Any) -> None:
        for row in self._connector.read.rows(data, "P"):
            if self._connector.symbol_or_none(row, "s") is not None:
                leg = self._connector.parse_position_event(row | {"at": at_ms})
                tell(self.events.on_position, leg, self._connector.symbol(row, "s"))
