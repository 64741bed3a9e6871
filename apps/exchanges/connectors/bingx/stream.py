"""BingX's public topics and its account stream. https://bingx-api.github.io/docs-v3/"""

import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx.frames import Pace, Shelf, pong, subscription, unpacked
from apps.exchanges.connectors.bingx.owed import Owed
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect, Stream, StreamBroken, log, tell
from cts.domain.errors import ExchangeError, PayloadError
from cts.domain.types import OrderStatus, Tick
from cts.domain.venue import Channel

if TYPE_CHECKING:
    from apps.exchanges.connectors.bingx.wire import BingxWire

LISTEN_KEY_RENEW_S = 30 * 60.0
# A quote that is told long after it was true has been seen at the start of a subscription.
QUOTE_AGE_MAX_MS = 60_000
PING, PONG = ("Ping", b"Ping"), "Pong"


def public_stream(
    connector: "BingxWire",
    symbols: Iterable[str],
    events: StreamEvents,
    *,
    channels: frozenset[Channel],
    timeframe_s: int,
) -> Stream:
    """As many sockets as the symbols need; more as symbols are added."""
    topics = {
        Channel.TICKERS: ("ticker", "lastPrice"),
        Channel.TRADES: ("trade",),
        Channel.BOOK_TOP: ("bookTicker",),
        Channel.CANDLES: (f"kline_{connector.stream_intervals.get(timeframe_s, '')}",),
    }
    kinds = tuple(kind for channel in sorted(channels) for kind in topics[channel])
    shelf, wanted = Shelf(topics_each=len(kinds)), sorted(symbols)

    def dialect() -> PublicDialect:
        return PublicDialect(connector, shelf, kinds=kinds, events=events, timeframe_s=timeframe_s)

    dialects = [dialect() for _ in range(shelf.sockets_for(wanted))]
    for each in dialects:
        each.subscribe(wanted)
    return Stream(dialects, events=events, name=f"bingx-{connector.spec.market}-public", another=dialect)


class BingxDialect(Dialect):
    def __init__(self, connector: "BingxWire", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector

    def receive(self, frame: str | bytes) -> list[str]:
        text = unpacked(frame)
        if text in PING:
            return [PONG, *self._quietly()]
        message = self._connector.read.decode(text)
        if not isinstance(message, dict):
            return []
        if "ping" in message:
            return [pong(message), *self._quietly()]
        return self._message(message)

    def _message(self, message: Row) -> list[str]:
        raise NotImplementedError

    def _quietly(self) -> list[str]:
        """What there is to do while nothing is told."""
        return []


class PublicDialect(BingxDialect):
    """The day's figures and quotes come every second, the last price with each trade."""

    is_never_quiet = True

    def __init__(
        self,
        connector: "BingxWire",
        shelf: Shelf,
        *,
        kinds: tuple[str, ...],
        events: StreamEvents,
        timeframe_s: int,
    ) -> None:
        super().__init__(connector, urls=connector.addresses.ws["public"], events=events)
        self._shelf, self._kinds, self._timeframe_s = shelf, kinds, timeframe_s
        self._pace = Pace()
        self._quotes: dict[str, tuple[float, float]] = {}

    def opening(self) -> list[str]:
        self._quotes.clear()
        self._pace.restart()
        self.is_ready = not self.symbols
        return self._frames(sorted(self.symbols))

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = self._shelf.take(symbols, held=len(self.symbols))
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        names = [self._connector.venue_symbol(symbol) for symbol in symbols]
        return self._pace.due(subscription(f"{name}@{kind}") for name in names for kind in self._kinds)

    def _quietly(self) -> list[str]:
        return self._pace.due()

    def _message(self, message: Row) -> list[str]:
        topic, data = message.get("dataType"), message.get("data")
        if topic and data is not None:
            received_ns = time.monotonic_ns()
            self.data_at = received_ns / 1e9
            try:
                name, _, kind = str(topic).partition("@")
                self._data(name, kind, data, received_ns=received_ns)
            except PayloadError as error:
                log.warning("Unreadable market event: %s", error.message)
        elif "id" in message:
            if str(message.get("code")) != "0":
                log.warning("BingX refused the subscription %s: %s", message["id"], str(message.get("msg"))[:200])
            self.is_ready = True
        return self._pace.due()

    def _data(self, name: str, kind: str, data: Any, *, received_ns: int) -> None:
        rows = self._connector.read.all_rows(data if isinstance(data, list) else [data], "data")
        if not rows:
            return
        if kind == "ticker":
            self._ticker(rows[0], received_ns)
        elif kind == "lastPrice":
            self._last_price(rows[0], received_ns)
        elif kind == "trade":
            trades = [self._connector.parse_trade_event(row, ordinal=n) for n, row in enumerate(rows)]
            tell(self.events.on_trades, trades)
        elif kind == "bookTicker":
            self._book(rows[0])
        elif kind.startswith("kline_"):
            symbol, timeframe_s = self._connector.symbol_named(name, "dataType"), self._timeframe_s
            for row in rows:
                candle = self._connector.parse_candle_event(row, timeframe_s=timeframe_s)
                tell(self.events.on_candle, symbol, timeframe_s, candle)

    def _ticker(self, row: Row, received_ns: int) -> None:
        ticker = self._connector.parse_ticker_event(row)
        last = float(ticker.last)
        bid = last if ticker.bid is None else float(ticker.bid)
        ask = last if ticker.ask is None else float(ticker.ask)
        self._quotes[ticker.symbol] = (bid, ask)
        tell(self.events.on_ticks, [Tick(ticker.symbol, last, bid, ask, ticker.at_ms, received_ns)])
        tell(self.events.on_tickers, [ticker])

    def _last_price(self, row: Row, received_ns: int) -> None:
        read = self._connector.read
        symbol, last = self._connector.symbol(row, "s"), float(read.positive(row, "c"))
        # The spot market's comes without a time, or with that of the trade.
        at_ms = read.integer_or_none(row, "E") or read.integer_or_none(row, "T") or self._connector.now_ms()
        bid, ask = self._quotes.get(symbol, (last, last))
        # Quotes the price has left behind are none.
        if not bid <= last <= ask:
            bid = ask = last
        tell(self.events.on_ticks, [Tick(symbol, last, bid, ask, at_ms, received_ns)])

    def _book(self, row: Row) -> None:
        read = self._connector.read
        at_ms = read.integer(row, "E")
        if at_ms - (read.integer_or_none(row, "T") or at_ms) <= QUOTE_AGE_MAX_MS:
            tell(self.events.on_book_top, self._connector.parse_book_event(row))


class PrivateDialect(BingxDialect):
    """The address is the login: it ends in a key that lives an hour and is renewed. Everything is told unasked."""

    def __init__(self, connector: "BingxWire", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._owed = Owed(connector, events)
        self._listen_key = ""
        self._renewed_at = -math.inf

    def url(self, misses: int) -> str:
        self._listen_key = self._connector.listen_key()
        self._renewed_at = time.monotonic()
        return f"{super().url(misses)}?listenKey={self._listen_key}"

    def opening(self) -> list[str]:
        self._owed.clear()
        self.is_ready = True
        return []

    def tend(self) -> None:
        if time.monotonic() - self._renewed_at < LISTEN_KEY_RENEW_S:
            return
        try:
            self._connector.listen_key_keep(self._listen_key)
        except ExchangeError as error:
            raise StreamBroken(f"the listen key could not be renewed: {error.message}") from None
        self._renewed_at = time.monotonic()

    def _quietly(self) -> list[str]:
        self._owed.settle()
        return []

    def _message(self, message: Row) -> list[str]:
        kind = message.get("e")
        if kind == "listenKeyExpired":
            raise StreamBroken("the listen key expired")
        try:
            if kind == "ORDER_TRADE_UPDATE":
                self._order(self._connector.read.mapping(message, "o"), at_ms=message.get("E"))
            elif kind == "ACCOUNT_UPDATE":
                self._account(self._connector.read.mapping(message, "a"), at_ms=message.get("E"))
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None
        self._owed.settle()
        return []

    def _order(self, row: Row, *, at_ms: Any) -> None:
        if self._connector.symbol_or_none(row, "s") is None:
            return
        order = self._connector.named(self._connector.parse_order_event(row, at_ms=at_ms))
        if order.client_order_id:
            self._connector.client_ids.learn(order.venue_order_id, order.client_order_id)
        if order.order_type.is_conditional and not order.client_order_id and order.status is OrderStatus.ACCEPTED:
            self._owed.name(order)
        else:
            tell(self.events.on_order, order)
        if row.get("x") == "TRADE":
            self._owed.fills(order)

    def _account(self, data: Row, *, at_ms: Any) -> None:
        for row in self._connector.read.all_rows(data.get("P") or [], "P"):
            if (symbol := self._connector.symbol_or_none(row, "s")) is None:
                continue
            if row.get("ps") == "BOTH":
                self._owed.position(symbol)
            else:
                tell(self.events.on_position, self._connector.parse_position_event(row, at_ms=at_ms), symbol)
        if data.get("B"):
            self._owed.balances()
