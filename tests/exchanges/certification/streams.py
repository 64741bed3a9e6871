"""What is heard of a venue's sockets, and the rows of the table about them."""

import threading
from collections.abc import Iterable
from typing import Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import Stream
from cts.domain.types import Candle
from cts.domain.venue import Channel
from tests.exchanges.certification.stage import Stage

PUBLIC = {channel: f"public: {channel.replace('_', ' ')}" for channel in Channel}
PRIVATE = "private: orders, fills, positions"
BALANCES = "private: balances"
DROPPED, SILENT = "socket dropped", "socket open but silent"
REPEATED, REORDERED, LATE, LOST = "event twice", "events out of order", "event late", "event lost"
ROWS = [*PUBLIC.values(), PRIVATE, BALANCES, DROPPED, SILENT, REPEATED, REORDERED, LATE, LOST]


class Heard:
    """Everything a stream has told so far."""

    def __init__(self) -> None:
        self.told: dict[str, list[Any]] = {
            name: [] for name in ("ticks", "tickers", "trades", "tops", "candles", "orders", "fills", "legs", "coins")
        }
        self.ups, self.downs = threading.Semaphore(0), threading.Semaphore(0)
        self.events = StreamEvents(
            on_ticks=self["ticks"].extend,
            on_tickers=self["tickers"].extend,
            on_trades=self["trades"].extend,
            on_book_top=self["tops"].append,
            on_candle=self._candle,
            on_order=self["orders"].append,
            on_fill=self["fills"].append,
            on_position=lambda leg, symbol: self["legs"].append((leg, symbol)),
            on_balance=self["coins"].append,
            on_connected=self.ups.release,
            on_disconnected=lambda reason: self.downs.release(),
        )

    def __getitem__(self, name: str) -> list[Any]:
        return self.told[name]

    def _candle(self, symbol: str, timeframe_s: int, candle: Candle) -> None:
        self["candles"].append((symbol, timeframe_s, candle))

    def public(self, stage: Stage, channels: Iterable[Channel]) -> Stream:
        return self._started(stage.connector.public_stream([stage.symbol], self.events, channels=channels))

    def private(self, stage: Stage) -> Stream:
        return self._started(stage.connector.private_stream(self.events))

    def _started(self, stream: Stream) -> Stream:
        stream.start()
        assert self.ups.acquire(timeout=20), "the stream did not come up"
        return stream
