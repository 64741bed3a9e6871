"""Binance's rows that come by the thousand: the fields we read, and what they must be."""

from decimal import Decimal

import msgspec

from apps.exchanges.connectors.binance.words import KINDS, LEGS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import Milliseconds, Reader, Shape, Words

READ = Reader("binance")


class TickerRow(msgspec.Struct, gc=False):
    symbol: str
    lastPrice: Decimal
    closeTime: Milliseconds
    priceChangePercent: Decimal | None = None
    volume: Decimal | None = None
    quoteVolume: Decimal | None = None


class OrderRow(msgspec.Struct, gc=False):
    orderId: int
    symbol: str
    side: str
    status: str
    type: str
    origQty: Decimal
    executedQty: Decimal
    reduceOnly: bool
    positionSide: str
    origType: str = ""
    clientOrderId: str = ""
    avgPrice: str = ""
    price: str = ""
    stopPrice: str = ""
    time: Milliseconds = 0
    updateTime: Milliseconds = 0


class PositionRow(msgspec.Struct, gc=False):
    symbol: str
    positionAmt: Decimal
    positionSide: str
    entryPrice: str = ""
    markPrice: str = ""
    unRealizedProfit: str = ""
    liquidationPrice: str = ""
    updateTime: Milliseconds = 0


TICKER, ORDER, POSITION = Shape(READ, TickerRow), Shape(READ, OrderRow), Shape(READ, PositionRow)
ORDER_WORDS: Words = {
    "side": SIDES,
    "status": STATUSES,
    "positionSide": LEGS,
    "type": KINDS,
    "origType": {"": None, **KINDS},
}
