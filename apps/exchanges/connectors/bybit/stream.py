"""Bybit's public socket. https://bybit-exchange.github.io/docs/v5/ws/connect"""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bybit.frames import BybitDialect, frame_of
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import log, tell
from cts.domain.errors import PayloadError
from cts.domain.types import Tick, Ticker
from cts.domain.venue import Channel

if TYPE_CHECKING:
    from apps.exchanges.connectors.bybit.account import BybitAccount

TOPICS_PER_FRAME = 10
_QUOTES = ("bid1Price", "ask1Price")


class PublicDialect(BybitDialect):
    """Tickers come whole once, then as the fields that changed: kept merged here. The best prices come whole each time."""

    def __init__(
        self,
        connector: "BybitAccount",
        *,
        urls: Sequence[str],
        events: StreamEvents,
        channels: frozenset[Channel],
        timeframe_s: int,
    ) -> None:
        super().__init__(connector, urls=urls, events=events)
        # Both are told again and again, whatever the market does.
        self.is_never_quiet = bool(channels & {Channel.TICKERS, Channel.BOOK_TOP})
        self._timeframe_s = timeframe_s
        words = {
            Channel.TICKERS: "tickers",
            Channel.TRADES: "publicTrade",
            Channel.BOOK_TOP: "orderbook.1",
            Channel.CANDLES: f"kline.{connector.spec.timeframes[timeframe_s]}",
        }
        self._is_book_wanted = Channel.BOOK_TOP in channels
        # Best prices come with the tickers, or have to be laid beside them.
        self._is_book_merged = connector.has_quotes_apart and Channel.TICKERS in channels
        needed = channels | ({Channel.BOOK_TOP} if self._is_book_merged else set())
        self._kinds = [word for channel, word in words.items() if channel in needed]
        self._rows: dict[str, Row] = {}

    def opening(self) -> list[str]:
        self._rows = {}
        return self._frames(sorted(self.symbols))

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        names = [self._connector.venue_symbol(symbol) for symbol in symbols]
        topics = iter([f"{kind}.{name}" for name in names for kind in self._kinds])
        frames = []
        while chunk := list(islice(topics, TOPICS_PER_FRAME)):
            frames.append(frame_of("subscribe", chunk))
        return frames

    def _data(self, message: Row) -> None:
        received_ns = time.monotonic_ns()
        self.data_at = received_ns / 1e9
        kind, _, rest = str(message.get("topic")).partition(".")
        try:
            if kind == "tickers":
                self._ticker(message, received_ns=received_ns)
            elif kind == "publicTrade":
                trades = [self._connector.parse_trade(row) for row in self._connector.read.rows(message, "data")]
                tell(self.events.on_trades, trades)
            elif kind == "orderbook" and message.get("type") == "snapshot":
                self._book(message, received_ns=received_ns)
            elif kind == "kline":
                self._candles(message, name=rest.partition(".")[2])
        except PayloadError as error:
            log.warning("Unreadable market event: %s", error.message)

    def _book(self, message: Row, *, received_ns: int) -> None:
        row = self._connector.read.mapping(message, "data")
        top = self._connector.parse_book_top(row, at_ms=_stamp(message))
        if self._is_book_wanted:
            tell(self.events.on_book_top, top)
        ticker = self._rows.get(row["s"])
        if self._is_book_merged and ticker is not None:
            ticker |= {"bid1Price": str(top.bid or ""), "ask1Price": str(top.ask or "")}
            self._tell(ticker, at_ms=top.at_ms, received_ns=received_ns)

    def _ticker(self, message: Row, *, received_ns: int) -> None:
        data = message.get("data")
        if not isinstance(data, dict) or not isinstance(name := data.get("symbol"), str):
            return
        if message.get("type") == "snapshot":
            quotes = {k: v for k, v in self._rows.get(name, {}).items() if k in _QUOTES and self._is_book_merged}
            row = self._rows[name] = quotes | data
        else:
            row = self._rows.get(name, {})
            if not row:
                return  # a change to what we never had whole: the next snapshot brings it
            row.update(data)
        self._tell(row, at_ms=_stamp(message), received_ns=received_ns)

    def _tell(self, row: Row, *, at_ms: int, received_ns: int) -> None:
        ticker = self._connector.parse_ticker(row, at_ms=at_ms)
        tell(self.events.on_ticks, [_tick(ticker, received_ns)])
        tell(self.events.on_tickers, [ticker])

    def _candles(self, message: Row, *, name: str) -> None:
        symbol = self._connector.symbol_named(name)
        for row in self._connector.read.rows(message, "data"):
            tell(self.events.on_candle, symbol, self._timeframe_s, self._connector.parse_bar(row))


def _stamp(message: Row) -> int:
    at_ms: Any = message.get("ts")
    return at_ms if type(at_ms) is int else 0


def _tick(ticker: Ticker, received_ns: int) -> Tick:
    last = float(ticker.last)
    bid = last if ticker.bid is None else float(ticker.bid)
    ask = last if ticker.ask is None else float(ticker.ask)
    return Tick(ticker.symbol, last, bid, ask, ticker.at_ms, received_ns)
