"""Bybit's rows that come by the thousand: the fields we read, and what they must be."""

from decimal import Decimal

import msgspec

from apps.exchanges.connectors.bybit.words import KINDS, LEGS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import ZERO, Milliseconds, Reader, Shape, Text, Words

READ = Reader("bybit")


class TickerRow(msgspec.Struct, gc=False):
    """A price of zero is none."""

    symbol: str
    lastPrice: Decimal
    bid1Price: Decimal = ZERO
    ask1Price: Decimal = ZERO
    markPrice: Decimal = ZERO
    indexPrice: Decimal = ZERO
    fundingRate: Decimal | None = None
    nextFundingTime: Milliseconds = 0
    volume24h: Decimal | None = None
    turnover24h: Decimal | None = None
    price24hPcnt: Decimal | None = None


class OrderRow(msgspec.Struct, gc=False):
    """What is often empty is text here: it is read where it is there."""

    orderId: Text
    symbol: str
    side: str
    orderType: str
    orderStatus: str
    qty: Decimal
    cumExecQty: Decimal
    reduceOnly: bool
    positionIdx: int
    orderLinkId: str = ""
    avgPrice: str = ""
    price: Decimal | None = None
    triggerPrice: str = ""
    triggerDirection: int = 0
    rejectReason: str = ""
    createdTime: Milliseconds = 0
    updatedTime: Milliseconds = 0


class PositionRow(msgspec.Struct, gc=False):
    symbol: str
    size: Decimal
    side: str = ""
    avgPrice: Decimal | None = None
    entryPrice: Decimal | None = None
    leverage: Decimal | None = None
    markPrice: Decimal | None = None
    unrealisedPnl: Decimal | None = None
    liqPrice: str = ""
    tradeMode: int = 0
    updatedTime: Milliseconds = 0


TICKER, ORDER, POSITION = Shape(READ, TickerRow), Shape(READ, OrderRow), Shape(READ, PositionRow)
ORDER_WORDS: Words = {"side": SIDES, "orderStatus": STATUSES, "positionIdx": LEGS, "orderType": KINDS}
