"""OrangeX's public channels. https://openapi-docs.orangex.com

Best bid and ask come with the ticker: the book's own channel tells changes to a book that it never tells whole.
"""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.orangex.dialect import OrangeXDialect
from apps.exchanges.connectors.orangex.spec import SOCKET_RESOLUTIONS
from apps.exchanges.connectors.orangex.words import SIDES
from apps.exchanges.connectors.parsing import ZERO, Row
from apps.exchanges.connectors.stream import log, tell
from cts.domain.errors import PayloadError
from cts.domain.types import Candle, Tick, Ticker
from cts.domain.venue import BookTop, Channel, Trade

if TYPE_CHECKING:
    from apps.exchanges.connectors.orangex.connector import OrangeXConnector

CHANNELS_PER_FRAME = 100
# Told every second whatever the contracts we listen to do: the market's pulse, which a dead line lacks.
PULSE = "price_index.btc_usdt"


class PublicDialect(OrangeXDialect):
    method = "/public/subscribe"
    is_never_quiet = True

    def __init__(
        self,
        connector: "OrangeXConnector",
        *,
        urls: Sequence[str],
        events: StreamEvents,
        channels: frozenset[Channel],
        timeframe_s: int,
    ) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._channels = channels
        self._timeframe_s = timeframe_s
        resolution = connector.spec.timeframes.get(timeframe_s, "")
        self._resolution = SOCKET_RESOLUTIONS.get(resolution, resolution)
        self._bars: dict[str, Candle] = {}

    def opening(self) -> list[str]:
        self._asked.clear()
        return [*self._frames(sorted(self.symbols)), self._frame([PULSE])]

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        names = [self._connector.venue_symbol(symbol) for symbol in symbols]
        channels = iter([channel for name in names for channel in self._channels_of(name)])
        frames = []
        while chunk := list(islice(channels, CHANNELS_PER_FRAME)):
            frames.append(self._frame(chunk))
        return frames

    def _channels_of(self, name: str) -> list[str]:
        wanted = []
        if self._channels & {Channel.TICKERS, Channel.BOOK_TOP}:
            wanted.append(f"ticker.{name}.raw")
        if Channel.TRADES in self._channels:
            wanted.append(f"trades.{name}.raw")
        if Channel.CANDLES in self._channels:
            wanted.append(f"chart.trades.{name}.{self._resolution}")
        return wanted

    def _answered(self, asked: list[str], message: Row) -> list[str]:
        """One channel the venue doesn't know and it takes none of the frame: the others are asked for again."""
        error = message.get("error")
        if not isinstance(error, dict):
            self.is_ready = self.is_ready or bool(asked)
            return []
        log.warning("OrangeX refused a subscription: %s", str(error)[:200])
        data = error.get("data")
        bad = data.get("channel") if isinstance(data, dict) else None
        rest = [channel for channel in asked if channel != bad]
        if bad not in asked or not rest:
            self.is_ready = self.is_ready or bool(asked)
            return []
        return [self._frame(rest)]

    def _data(self, channel: str, data: Any) -> None:
        received_ns = time.monotonic_ns()
        self.data_at = received_ns / 1e9
        try:
            if channel.startswith("ticker."):
                self._ticker(data, received_ns)
            elif channel.startswith("trades."):
                trades = [self._trade(row) for row in self._connector.read.all_rows(data, "data")]
                tell(self.events.on_trades, trades)
            elif channel.startswith("chart.trades."):
                self._bar(channel.split(".")[2], data)
        except PayloadError as error:
            log.warning("Unreadable market event: %s", error.message)

    def _ticker(self, row: Row, received_ns: int) -> None:
        ticker = self._connector.parse_ticker(row)
        if Channel.TICKERS in self._channels:
            tell(self.events.on_ticks, [_tick(ticker, received_ns)])
            tell(self.events.on_tickers, [ticker])
        if Channel.BOOK_TOP in self._channels:
            read = self._connector.read
            tell(
                self.events.on_book_top,
                BookTop(
                    symbol=ticker.symbol,
                    bid=ticker.bid,
                    bid_quantity=(read.unsigned_or_none(row, "best_bid_amount") or ZERO) if ticker.bid else ZERO,
                    ask=ticker.ask,
                    ask_quantity=(read.unsigned_or_none(row, "best_ask_amount") or ZERO) if ticker.ask else ZERO,
                    at_ms=ticker.at_ms,
                ),
            )

    def _trade(self, row: Row) -> Trade:
        read = self._connector.read
        return Trade(
            symbol=self._connector.symbol(row, "instrument_name"),
            trade_id=read.identifier(row, "trade_id"),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "amount"),
            side=read.choice(row, "direction", SIDES),
            at_ms=read.integer(row, "timestamp"),
        )

    def _bar(self, name: str, row: Row) -> None:
        """Bars come as they run; that one is over is told by the first of the next."""
        read = self._connector.read
        symbol = self._connector.symbol_named(name)
        open_ms = read.integer(row, "tick") * 1000
        bar = self._connector.bar(row | {"open_ms": open_ms}, is_closed=False)
        before = self._bars.get(name)
        if before is not None and open_ms < before.open_ms:
            return
        self._bars[name] = bar
        if before is not None and before.open_ms < open_ms:
            closed = msgspec.structs.replace(before, is_closed=True)
            tell(self.events.on_candle, symbol, self._timeframe_s, closed)
        tell(self.events.on_candle, symbol, self._timeframe_s, bar)


def _tick(ticker: Ticker, received_ns: int) -> Tick:
    last = float(ticker.last)
    bid = last if ticker.bid is None else float(ticker.bid)
    ask = last if ticker.ask is None else float(ticker.ask)
    return Tick(ticker.symbol, last, bid, ask, ticker.at_ms, received_ns)
