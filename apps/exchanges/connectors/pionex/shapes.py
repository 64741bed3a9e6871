"""Pionex's rows that come by the thousand: the fields we read, and what they must be."""

from decimal import Decimal

import msgspec

from apps.exchanges.connectors.parsing import ZERO, Milliseconds, Reader, Shape, Words
from apps.exchanges.connectors.pionex.words import KINDS, LEGS, SIDES, STATES

READ = Reader("pionex")


class TickerRow(msgspec.Struct, gc=False):
    symbol: str
    close: Decimal
    time: Milliseconds = 0
    open: Decimal | None = None
    volume: Decimal | None = None
    amount: Decimal | None = None


class OrderRow(msgspec.Struct, gc=False):
    """`size` may have been trimmed below `origSize`: a reduce-only order shrinks to what is held."""

    orderId: int
    symbol: str
    side: str
    type: str
    status: str
    size: Decimal
    filledSize: Decimal
    origSize: Decimal = ZERO
    filledAmount: Decimal = ZERO
    price: Decimal = ZERO
    positionSide: str = "BOTH"
    clientOrderId: str = ""
    reduceOnly: bool = False
    createTime: Milliseconds = 0
    updateTime: Milliseconds = 0


class PositionRow(msgspec.Struct, gc=False):
    """The stream tells neither leverage nor anything that moves with the mark price."""

    symbol: str
    netSize: Decimal
    positionSide: str
    avgPrice: str = ""
    isolatedMode: str = ""
    leverage: Decimal = ZERO
    markPrice: Decimal = ZERO
    unrealizedPnL: Decimal | None = None
    liquidationPrice: str = ""
    updateTime: Milliseconds = 0


TICKER, ORDER, POSITION = Shape(READ, TickerRow), Shape(READ, OrderRow), Shape(READ, PositionRow)
ORDER_WORDS: Words = {"side": SIDES, "type": KINDS, "status": STATES, "positionSide": LEGS}
