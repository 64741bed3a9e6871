"""OrangeX's rows that come by the thousand: the fields we read, and what they must be."""

from decimal import Decimal

import msgspec

from apps.exchanges.connectors.orangex.words import CONDITIONS, LEGS, ORDER_TYPES, SIDES, STATUSES
from apps.exchanges.connectors.parsing import ZERO, Milliseconds, Reader, Shape, Text, Words

READ = Reader("orangex")


class DayRow(msgspec.Struct, frozen=True, gc=False):
    """The last 24 hours."""

    volume: Decimal | None = None
    turnover: Decimal | None = None
    price_change: Decimal | None = None


NO_DAY = DayRow()


class TickerRow(msgspec.Struct, gc=False):
    """Some numbers come as text, the best prices on the socket as numbers."""

    instrument_name: str
    last_price: Decimal
    timestamp: Milliseconds
    best_bid_price: Decimal = ZERO
    best_ask_price: Decimal = ZERO
    best_bid_amount: Decimal = ZERO
    best_ask_amount: Decimal = ZERO
    mark_price: Decimal = ZERO
    underlying_price: Decimal = ZERO
    stats: DayRow = NO_DAY


class OrderRow(msgspec.Struct, gc=False):
    """A market order's price is -1."""

    order_id: Text
    instrument_name: str
    direction: str
    order_type: str
    order_state: str
    amount: Decimal
    filled_amount: Decimal
    reduce_only: bool
    position_side: str = ""
    custom_order_id: str = ""
    condition_type: str = "NORMAL"
    average_price: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    error_code: int = 0
    creation_timestamp: Milliseconds = 0
    last_update_timestamp: Milliseconds = 0


class PositionRow(msgspec.Struct, gc=False):
    """The size of a short is below zero."""

    instrument_name: str
    size: Decimal
    direction: str = ""
    position_side: str = ""
    average_price: Decimal | None = None
    leverage: Decimal | None = None
    mark_price: Decimal | None = None
    floating_profit_loss: Decimal | None = None
    liquid_price: Decimal | None = None
    margin_type: str = ""


TICKER, ORDER, POSITION = Shape(READ, TickerRow), Shape(READ, OrderRow), Shape(READ, PositionRow)
ORDER_WORDS: Words = {
    "direction": SIDES,
    "order_state": STATUSES,
    "position_side": LEGS,
    "condition_type": CONDITIONS,
    "order_type": ORDER_TYPES,
}
