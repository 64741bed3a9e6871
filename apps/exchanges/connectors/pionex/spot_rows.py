"""Pionex's spot rows in our types, from the REST lists and the private stream alike."""

from abc import ABC
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from apps.exchanges.connectors.parsing import HUGE, ZERO, Milliseconds, Row, Shape, Words
from apps.exchanges.connectors.pionex.names import OrderName
from apps.exchanges.connectors.pionex.rows import AVERAGE_DIGITS
from apps.exchanges.connectors.pionex.shapes import READ
from apps.exchanges.connectors.pionex.spot_spec import BOOKS, CANDLES, ORDERS, SPOT_SPEC
from apps.exchanges.connectors.pionex.stream import BOOK, TRADE
from apps.exchanges.connectors.pionex.wire import PionexWire
from apps.exchanges.connectors.pionex.words import KINDS, SIDES, STATES
from apps.exchanges.connectors.spot import BuysForQuote
from cts.domain.types import Balance, Instrument, OrderStatus, OrderType, VenueOrder

ONE = Decimal(1)


class SpotOrderRow(msgspec.Struct, gc=False):
    """A buy at market is asked for by `amount`, in quote, and has no size."""

    orderId: int
    symbol: str
    side: str
    type: str
    status: str
    filledSize: Decimal
    size: Decimal = ZERO
    amount: Decimal = ZERO
    filledAmount: Decimal = ZERO
    price: Decimal = ZERO
    clientOrderId: str = ""
    createTime: Milliseconds = 0
    updateTime: Milliseconds = 0


SPOT_ORDER = Shape(READ, SpotOrderRow)
SPOT_ORDER_WORDS: Words = {"side": SIDES, "type": KINDS, "status": STATES}


class PionexSpotRows(BuysForQuote, PionexWire, ABC):
    spec = SPOT_SPEC
    time_call = BOOKS
    time_params = {"symbol": "BTC_USDT"}
    candles_call = CANDLES
    order_calls = ORDERS
    # These lists take no limit: all that is open, the newest hundred trades.
    open_orders_limit = {}
    fills_limit = {}
    fills_page = 100
    topics = frozenset({TRADE, BOOK})

    def parse_instrument(self, row: Row, *, max_leverage: int | None = None) -> Instrument:
        """Bounds that hold for limit orders and sales at market alike, so that either kind fits."""
        read, symbol = self.read, self.symbol(row)
        largest = [size for name in ("maxTradeSize", "maxTradeDumping") if (size := read.positive_or_none(row, name))]
        smallest = [size for name in ("minTradeSize", "minTradeDumping") if (size := read.positive_or_none(row, name))]
        lot_step = self._step(row, "basePrecision")
        quote = read.text(row, "quoteCurrency")
        return Instrument(
            symbol=symbol,
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=symbol.partition("/")[0],
            quote=quote,
            settle=quote,
            tick_size=self._step(row, "quotePrecision"),
            lot_step=lot_step,
            min_quantity=max([lot_step, *smallest]),
            max_quantity=min(largest) if len(largest) == 2 else None,
            min_notional=read.positive_or_none(row, "minAmount"),
            is_trading=read.flag(row, "enable"),
        )

    def _step(self, row: Row, field: str) -> Decimal:
        digits = self.read.integer(row, field)
        return ONE.scaleb(-digits) if digits <= 18 else self.read.refuse(field, str(digits))

    def parse_balance(self, row: Row, isolated: Sequence[Row] = ()) -> Balance:
        read = self.read
        free = read.unsigned(row, "free")
        total = free + read.unsigned(row, "frozen")
        return Balance(asset=read.text(row, "coin"), total=total, available=free, equity=total)

    def parse_balance_event(self, row: Row) -> Balance:
        return self.parse_balance(row)

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        """Of a buy at market that was made by amount, by somebody else, only what it has bought is an amount of base."""
        r = SPOT_ORDER.read(row)
        size, filled, spent, price = r.size, r.filledSize, r.filledAmount, r.price
        try:
            side, kind, is_open = SIDES[r.side], KINDS[r.type], STATES[r.status]
            is_sane = ZERO <= size < HUGE and ZERO <= filled < HUGE and ZERO <= spent < HUGE and ZERO <= price < HUGE
            is_sane = is_sane and ZERO <= r.amount < HUGE
            average = round(spent / filled, AVERAGE_DIGITS) if spent and filled else None
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane or not (size or r.amount):
            nothing = () if size or r.amount else ("amount" if r.type == "MARKET" else "size",)
            SPOT_ORDER.refuse(r, words=SPOT_ORDER_WORDS, positive=nothing)
        order_id = str(r.orderId)
        if self.names.get(order_id) is None:
            self.names.learn(order_id, OrderName(r.clientOrderId, None))
        order = VenueOrder(
            client_order_id=r.clientOrderId,
            venue_order_id=order_id,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=kind,
            status=_status(r, is_open=is_open),
            quantity=size or filled,
            filled_quantity=filled,
            average_price=average,
            price=None if kind is OrderType.MARKET else price or None,
            created_ms=r.createTime,
            updated_ms=r.updateTime,
        )
        return self.asked_as(order)


def _status(row: SpotOrderRow, *, is_open: bool) -> OrderStatus:
    """Filled, canceled and rejected are all CLOSED here."""
    if is_open:
        return OrderStatus.PARTIALLY_FILLED if row.filledSize else OrderStatus.ACCEPTED
    is_filled = row.filledSize >= row.size if row.size else bool(row.filledSize)
    return OrderStatus.FILLED if is_filled else OrderStatus.CANCELED
