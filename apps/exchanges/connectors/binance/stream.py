"""Binance's public sockets: quotes, and the market. https://developers.binance.com/docs/derivatives"""

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.binance.board import QuoteBoard
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect, log, tell
from cts.domain.errors import PayloadError
from cts.domain.venue import Channel

STREAMS_PER_FRAME = 100


class BoardDialect(Dialect):
    """One of the two public sockets: it carries `streams` of every symbol."""

    def __init__(
        self,
        board: QuoteBoard,
        *,
        urls: Sequence[str],
        events: StreamEvents,
        streams: Sequence[str],
        channels: frozenset[Channel],
        timeframe_s: int = 60,
    ) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=board.connector.spec.heartbeat_s)
        # The mark price comes every second, whatever the market does.
        self.is_never_quiet = "markPrice@1s" in streams or "ticker" in streams
        self.streams = tuple(streams)
        self._channels = channels
        self._timeframe_s = timeframe_s
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
        streams = iter([f"{name}@{stream}" for name in names for stream in self.streams])
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


class QuoteDialect(BoardDialect):
    def _event(self, message: Row) -> None:
        if message.get("e") != "bookTicker":
            return
        if Channel.TICKERS in self._channels:
            self._board.note_book(message)
        if Channel.BOOK_TOP in self._channels:
            tell(self.events.on_book_top, self._board.connector.parse_book_top(message))


class MarketDialect(BoardDialect):
    def opening(self) -> list[str]:
        self._board.forget_trades()
        return super().opening()

    def _event(self, message: Row) -> None:
        kind, connector = message.get("e"), self._board.connector
        if kind == "aggTrade":
            if Channel.TICKERS in self._channels:
                self._board.note_price(message, price_field="p", trade_field="l", time_field="T")
            if Channel.TRADES in self._channels:
                tell(self.events.on_trades, [connector.parse_trade(message)])
        elif kind == "markPriceUpdate":
            self._board.note_mark(message)
        elif kind == "24hrTicker":
            self._board.note_day(message)
        elif kind == "kline":
            bar = connector.parse_bar(connector.read.mapping(message, "k"))
            tell(self.events.on_candle, connector.symbol(message, "s"), self._timeframe_s, bar)


def dialects(
    board: QuoteBoard,
    urls: Mapping[str, Sequence[str]],
    *,
    events: StreamEvents,
    channels: frozenset[Channel],
    timeframe_s: int,
) -> list[BoardDialect]:
    """The sockets these channels need: a socket without a stream would wait for its first answer for ever."""
    quotes = ["bookTicker"] if channels & {Channel.TICKERS, Channel.BOOK_TOP} else []
    market = ["aggTrade"] if channels & {Channel.TICKERS, Channel.TRADES} else []
    market += ["ticker", "markPrice@1s"] if Channel.TICKERS in channels else []
    if Channel.CANDLES in channels:
        market.append(f"kline_{board.connector.spec.timeframes[timeframe_s]}")
    made: list[BoardDialect] = []
    if quotes:
        made.append(QuoteDialect(board, urls=urls["public"], events=events, streams=quotes, channels=channels))
    if market:
        made.append(
            MarketDialect(
                board,
                urls=urls["market"],
                events=events,
                streams=market,
                channels=channels,
                timeframe_s=timeframe_s,
            )
        )
    return made
