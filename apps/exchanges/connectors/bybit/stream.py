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
        self._kinds = [word for channel, word in words.items() if channel in channels]
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
                row = self._connector.read.mapping(message, "data")
                tell(self.events.on_book_top, self._connector.parse_book_top(row, at_ms=_stamp(message)))
            elif kind == "kline":
                self._candles(message, name=rest.partition(".")[2])
        except PayloadError as error:
            log.warning("Unreadable market event: %s", error.message)

    def _ticker(self, message: Row, *, received_ns: int) -> None:
        data = message.get("data")
        if not isinstance(data, dict) or not isinstance(name := data.get("symbol"), str):
            return
        if message.get("type") == "snapshot":
            row = self._rows[name] = data
        else:
            row = self._rows.get(name, {})
            if not row:
                return  # a change to what we never had whole: the next snapshot brings it
            row.update(data)
        ticker = self._connector.parse_ticker(row, at_ms=_stamp(message))
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
