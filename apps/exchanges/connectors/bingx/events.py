"""The same facts as BingX's websockets spell them: one letter a field."""

from abc import ABC
from typing import Any

from apps.exchanges.connectors.bingx.rows import BingxRows
from apps.exchanges.connectors.parsing import Row
from cts.domain.types import Candle, Side, Ticker, VenueOrder, VenuePosition
from cts.domain.venue import BookTop, Trade

_TICKER = {"symbol": "s", "lastPrice": "c", "bidPrice": "B", "askPrice": "A", "volume": "v", "quoteVolume": "q"}
_TICKER |= {"priceChangePercent": "P", "closeTime": "E"}
_ORDER = {"orderId": "i", "symbol": "s", "side": "S", "type": "o", "status": "X", "origQty": "q", "executedQty": "z"}
_ORDER |= {"avgPrice": "ap", "price": "p", "stopPrice": "sp", "positionSide": "ps", "reduceOnly": "ro"}
_POSITION = {"symbol": "s", "positionAmt": "pa", "avgPrice": "ep", "unrealizedProfit": "up", "positionSide": "ps"}
_CANDLE = {"open_ms": "T", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}


def _renamed(row: Row, names: dict[str, str]) -> Row:
    return {name: row.get(short) for name, short in names.items()}


class BingxEvents(BingxRows, ABC):
    def parse_ticker_event(self, row: Row) -> Ticker:
        return self.parse_ticker(_renamed(row, _TICKER))

    def parse_order_event(self, row: Row, *, at_ms: Any) -> VenueOrder:
        # The time of the trade is 0 where there was none; the client id has been seen in both cases.
        fields = _renamed(row, _ORDER) | {"updateTime": row.get("T") or at_ms}
        return self.parse_order(fields | {"clientOrderId": row.get("c") or row.get("C")})

    def parse_position_event(self, row: Row, *, at_ms: Any) -> VenuePosition | None:
        is_isolated = {"isolated": True, "cross": False}.get(str(row.get("mt")))
        return self.parse_position(_renamed(row, _POSITION) | {"isolated": is_isolated, "updateTime": at_ms})

    def parse_trade_event(self, row: Row, *, ordinal: int) -> Trade:
        """Prints have no id; what they are, and their place among those told together, stands for one."""
        read = self.read
        price, quantity, at_ms = read.positive(row, "p"), read.positive(row, "q"), read.integer(row, "T")
        side = Side.SELL if read.flag(row, "m") else Side.BUY
        return Trade(
            symbol=self.symbol(row, "s"),
            trade_id=f"{at_ms}-{price}-{quantity}-{side}-{ordinal}",
            price=price,
            quantity=quantity,
            side=side,
            at_ms=at_ms,
        )

    def parse_book_event(self, row: Row) -> BookTop:
        read = self.read
        return BookTop(
            symbol=self.symbol(row, "s"),
            bid=read.positive_or_none(row, "b"),
            bid_quantity=read.unsigned(row, "B"),
            ask=read.positive_or_none(row, "a"),
            ask_quantity=read.unsigned(row, "A"),
            at_ms=read.integer(row, "E"),
        )

    def parse_candle_event(self, row: Row, *, timeframe_s: int) -> Candle:
        return self._candle(_renamed(row, _CANDLE), frame_ms=timeframe_s * 1000, now_ms=self.now_ms())
