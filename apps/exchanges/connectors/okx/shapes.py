"""OKX's rows that come by the thousand: the fields we read, and what they must be. Empty strings stand for null."""

from decimal import Decimal

import msgspec

from apps.exchanges.connectors.okx.words import FLAGS, KINDS, LEGS, MARGINS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import ZERO, Milliseconds, Reader, Shape, Text, Words

READ = Reader("okx")


class TickerRow(msgspec.Struct, gc=False):
    """Volumes: `vol24h` in contracts, `volCcy24h` in base coins."""

    instId: str
    last: Decimal
    bidPx: Decimal = ZERO
    askPx: Decimal = ZERO
    open24h: Decimal | None = None
    volCcy24h: Decimal | None = None
    ts: Milliseconds = 0


class SpotTickerRow(msgspec.Struct, gc=False):
    """Volumes: `vol24h` in base coins, `volCcy24h` in quote."""

    instId: str
    last: Decimal
    bidPx: Decimal = ZERO
    askPx: Decimal = ZERO
    open24h: Decimal | None = None
    vol24h: Decimal | None = None
    volCcy24h: Decimal | None = None
    ts: Milliseconds = 0


class OrderRow(msgspec.Struct, gc=False):
    ordId: Text
    instId: str
    side: str
    ordType: str
    state: str
    sz: Decimal
    accFillSz: Decimal
    posSide: str
    reduceOnly: str = ""
    clOrdId: str = ""
    algoClOrdId: str = ""
    avgPx: str = ""
    px: str = ""
    cancelSource: str = ""
    cTime: Milliseconds = 0
    uTime: Milliseconds = 0


class PositionRow(msgspec.Struct, gc=False):
    instId: str
    posSide: str
    pos: Decimal
    mgnMode: str = ""
    avgPx: str = ""
    lever: str = ""
    markPx: str = ""
    upl: str = ""
    liqPx: str = ""
    uTime: Milliseconds = 0


SPOT_TICKER = Shape(READ, SpotTickerRow)
TICKER, ORDER, POSITION = Shape(READ, TickerRow), Shape(READ, OrderRow), Shape(READ, PositionRow)
ORDER_WORDS: Words = {"side": SIDES, "state": STATUSES, "posSide": LEGS, "ordType": KINDS, "reduceOnly": FLAGS}
POSITION_WORDS: Words = {"posSide": LEGS, "mgnMode": {"": None, **MARGINS}}
