"""Binance's market facts put together: trades, best prices and the day come by different sockets."""

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import tell
from cts.domain.types import Tick

if TYPE_CHECKING:
    from apps.exchanges.connectors.binance.connector import BinanceConnector
    from apps.exchanges.connectors.binance.spot import BinanceSpotConnector

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

    def __init__(self, connector: "BinanceConnector | BinanceSpotConnector", events: StreamEvents) -> None:
        self.connector = connector
        self._events = events
        self._lock = threading.Lock()
        self._quotes: dict[str, Quote] = {}

    def note_book(self, row: Row) -> None:
        read = self.connector.read
        bid, ask = float(read.positive(row, "b")), float(read.positive(row, "a"))
        # Spot's come without a time.
        at_ms, now = read.integer_or_none(row, "E") or self.connector.now_ms(), time.monotonic()
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
