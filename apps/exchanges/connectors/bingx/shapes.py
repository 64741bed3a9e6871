"""BingX's rows that come by the thousand: the fields we read, and what they must be.

Numbers come as text, as numbers, or as empty text where there is none.
"""

from decimal import Decimal

import msgspec

from apps.exchanges.connectors.bingx.words import KINDS, LEGS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import ZERO, Milliseconds, Reader, Row, Shape, Words

READ = Reader("bingx")


def in_text(row: Row | bytes) -> Row | bytes:
    """Prices are text, but now and then a number; a whole one has no point."""
    if not isinstance(row, dict):
        return row
    return {name: str(value) if type(value) in (int, Decimal) else value for name, value in row.items()}


class TickerRow(msgspec.Struct, gc=False):
    """A price of zero is none."""

    symbol: str
    lastPrice: Decimal
    bidPrice: Decimal = ZERO
    askPrice: Decimal = ZERO
    volume: Decimal | None = None
    quoteVolume: Decimal | None = None
    priceChangePercent: str = ""
    closeTime: Milliseconds = 0


class OrderRow(msgspec.Struct, gc=False):
    """What is often empty is text here: it is read where it is there."""

    orderId: int
    symbol: str
    side: str
    type: str
    status: str
    origQty: Decimal
    executedQty: Decimal
    positionSide: str
    avgPrice: str = ""
    price: str = ""
    stopPrice: str = ""
    activationPrice: str = ""
    reduceOnly: bool = False
    clientOrderId: str = ""
    clientOrderID: str = ""
    time: Milliseconds = 0
    updateTime: Milliseconds = 0


class PositionRow(msgspec.Struct, gc=False):
    symbol: str
    positionAmt: Decimal
    positionSide: str
    avgPrice: Decimal | None = None
    leverage: Decimal | None = None
    isolated: bool | None = None
    markPrice: Decimal | None = None
    unrealizedProfit: Decimal | None = None
    liquidationPrice: Decimal | None = None
    updateTime: Milliseconds = 0


TICKER, ORDER, POSITION = Shape(READ, TickerRow), Shape(READ, OrderRow), Shape(READ, PositionRow)
ORDER_WORDS: Words = {"side": SIDES, "status": STATUSES, "positionSide": LEGS, "type": KINDS}
