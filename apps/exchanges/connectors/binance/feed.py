"""Binance's public prints in our types: the same letters on every market."""

from abc import ABC

from apps.exchanges.connectors.binance.wording import BinanceWording
from apps.exchanges.connectors.parsing import ZERO, Row
from cts.domain.types import Candle, Side
from cts.domain.venue import BookTop, Trade


class BinanceFeed(BinanceWording, ABC):
    def parse_trade(self, row: Row) -> Trade:
        read = self.read
        return Trade(
            symbol=self.symbol(row, "s"),
            trade_id=read.identifier(row, "a"),
            price=read.positive(row, "p"),
            quantity=read.positive(row, "q"),
            # It says whether the buyer was the maker.
            side=Side.SELL if read.flag(row, "m") else Side.BUY,
            at_ms=read.integer(row, "T"),
        )

    def parse_book_top(self, row: Row) -> BookTop:
        read = self.read
        bid, ask = read.positive_or_none(row, "b"), read.positive_or_none(row, "a")
        return BookTop(
            symbol=self.symbol(row, "s"),
            bid=bid,
            bid_quantity=ZERO if bid is None else read.unsigned(row, "B"),
            ask=ask,
            ask_quantity=ZERO if ask is None else read.unsigned(row, "A"),
            # Spot's best prices come without a time.
            at_ms=read.integer_or_none(row, "E") or self.now_ms(),
        )

    def parse_bar(self, row: Row) -> Candle:
        names = {"open_ms": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
        return self.bar({name: row.get(short) for name, short in names.items()}, is_closed=self.read.flag(row, "x"))
