"""BingX's spot rows in our types, from lists and streams alike. Numbers come as text or as numbers, as the list has it."""

from abc import ABC
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import msgspec

from apps.exchanges.connectors.bingx.shapes import READ, in_text
from apps.exchanges.connectors.bingx.spot_spec import (
    CANCEL,
    CANCEL_ALL,
    OPEN_ORDERS,
    ORDER,
    SPOT_SPEC,
    STREAM_INTERVALS,
)
from apps.exchanges.connectors.bingx.wire import BingxWire
from apps.exchanges.connectors.bingx.words import MAY_TRADE_SPOT, SIDES, STATUSES
from apps.exchanges.connectors.parsing import HUGE, ZERO, Milliseconds, Row, Shape, Words
from apps.exchanges.connectors.spot import SpotVerbs
from cts.domain.types import Balance, Candle, Instrument, OrderType, Side, VenueFill, VenueOrder
from cts.domain.venue import Trade

# Stops and targets have one word; which it is, is remembered.
KINDS = {
    "LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "TAKE_STOP_MARKET": OrderType.STOP_MARKET,
    "TAKE_STOP_LIMIT": OrderType.STOP_MARKET,
    "TRIGGER_MARKET": OrderType.STOP_MARKET,
    "TRIGGER_LIMIT": OrderType.STOP_MARKET,
}
_IS_MAKER = {True: True, False: False, "true": True, "false": False}
_ORDER = {"orderId": "i", "symbol": "s", "side": "S", "type": "o", "status": "X", "origQty": "q", "executedQty": "z"}
_ORDER |= {"price": "p", "cummulativeQuoteQty": "Z", "clientOrderID": "C", "time": "O"}
_FILL = {"id": "t", "orderId": "i", "symbol": "s", "price": "L", "qty": "l", "commission": "n", "commissionAsset": "N"}
_CANDLE = {"open_ms": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
# Commissions are binary floats on the wire: what is beyond the fifteenth digit is theirs, not the venue's.
_FLOAT = Context(prec=15)


class SpotOrderRow(msgspec.Struct, gc=False):
    """One that bought for an amount of quote has no quantity."""

    orderId: int
    symbol: str
    side: str
    type: str
    status: str
    origQty: Decimal
    executedQty: Decimal
    cummulativeQuoteQty: Decimal | None = None
    origQuoteOrderQty: Decimal | None = None
    price: str = ""
    stopPrice: str = ""
    StopPrice: str = ""  # so in the lists
    clientOrderID: str = ""
    time: Milliseconds = 0
    updateTime: Milliseconds = 0


SPOT_ORDER = Shape(READ, SpotOrderRow)
SPOT_ORDER_WORDS: Words = {"side": SIDES, "status": STATUSES, "type": KINDS}


def _renamed(row: Row, names: dict[str, str]) -> Row:
    return {name: row.get(short) for name, short in names.items()}


class BingxSpotRows(SpotVerbs, BingxWire, ABC):
    spec = SPOT_SPEC
    stream_intervals = STREAM_INTERVALS
    trade_right = MAY_TRADE_SPOT
    client_id_field = "clientOrderID"
    cancel_call, cancel_all_call, order_call, open_orders_call = CANCEL, CANCEL_ALL, ORDER, OPEN_ORDERS

    def parse_instrument(self, row: Row) -> Instrument:
        """Bounds of quantity are told, too, and deprecated: what counts is the order's cost."""
        read, symbol = self.read, self.symbol(row)
        base, _, quote = symbol.partition("/")
        return Instrument(
            symbol=symbol,
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=base,
            quote=quote,
            settle=quote,
            tick_size=read.positive(row, "tickSize"),
            lot_step=(step := read.positive(row, "stepSize")),
            min_quantity=step,
            min_notional=read.positive_or_none(row, "minNotional"),
            # Rows from before there were flags have none.
            is_trading=read.integer(row, "status") == 1
            and row.get("apiStateBuy", True) is True
            and row.get("apiStateSell", True) is True,
        )

    def parse_balance(self, row: Row) -> Balance:
        free, locked = self.read.unsigned(row, "free"), self.read.unsigned(row, "locked")
        total = free + locked
        return Balance(asset=self.read.text(row, "asset"), total=total, available=free, equity=total)

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r, read = SPOT_ORDER.read(in_text(row)), self.read
        quantity, filled, cost, order_id = r.origQty, r.executedQty, r.cummulativeQuoteQty, str(r.orderId)
        try:
            side, status, kind = SIDES[r.side], STATUSES[r.status], KINDS[r.type]
            is_sane = ZERO <= quantity < HUGE and ZERO <= filled < HUGE and (cost is None or ZERO <= cost < HUGE)
            is_sane = is_sane and r.orderId > 0
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane or not (quantity or r.origQuoteOrderQty):
            SPOT_ORDER.refuse(r, words=SPOT_ORDER_WORDS, positive=("origQty",))
        client_id = r.clientOrderID or self.client_ids.get(order_id) or ""
        return VenueOrder(
            client_order_id=client_id,
            venue_order_id=order_id,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=self._conditionals.kind(client_id, order_id) or kind,
            status=status,
            quantity=quantity or filled,
            filled_quantity=filled,
            average_price=cost / filled if cost and filled else None,
            price=read.price_in(r.price, "price") if r.type.endswith("LIMIT") else None,
            trigger_price=read.price_in(r.StopPrice or r.stopPrice, "StopPrice" if r.StopPrice else "stopPrice"),
            created_ms=r.time,
            updated_ms=r.updateTime,
        )

    def parse_fill(self, row: Row) -> VenueFill:
        """A commission below zero was paid."""
        read = self.read
        order_id = read.identifier(row, "orderId")
        return VenueFill(
            venue_trade_id=read.identifier(row, "id"),
            venue_order_id=order_id,
            client_order_id=self.client_ids.get(order_id) or "",
            symbol=self.symbol(row),
            side=Side.BUY if read.flag(row, "isBuyer") else Side.SELL,
            price=read.positive(row, "price"),
            quantity=read.positive(row, "qty"),
            fee=-_FLOAT.plus(read.signed(row, "commission")),
            fee_asset=read.text(row, "commissionAsset"),
            is_maker=read.flag(row, "isMaker"),
            executed_ms=read.integer(row, "time"),
        )

    # --- the same facts as the streams spell them -------------------------------------------------------------------
    def parse_order_event(self, row: Row, *, at_ms: Any) -> VenueOrder:
        # The time of the trade is 0 where there was none.
        times = {"updateTime": row.get("T") or at_ms, "origQuoteOrderQty": row.get("Q")}
        return self.named(self.parse_order(_renamed(row, _ORDER) | times))

    def parse_fill_event(self, row: Row) -> VenueFill:
        """That `m` tells the maker isn't documented; so ccxt reads it."""
        is_buyer = self.read.choice(row, "S", SIDES) is Side.BUY
        is_maker = self.read.choice(row, "m", _IS_MAKER)
        return self.parse_fill(_renamed(row, _FILL) | {"isBuyer": is_buyer, "isMaker": is_maker, "time": row.get("T")})

    def parse_trade_event(self, row: Row, *, ordinal: int) -> Trade:
        read = self.read
        return Trade(
            symbol=self.symbol(row, "s"),
            trade_id=read.identifier(row, "t"),
            price=read.positive(row, "p"),
            quantity=read.positive(row, "q"),
            # That of who took: the buyer, unless it was the one who waited.
            side=Side.SELL if read.choice(row, "m", _IS_MAKER) else Side.BUY,
            at_ms=read.integer(row, "T"),
        )

    def parse_candle_event(self, row: Row, *, timeframe_s: int) -> Candle:
        bar = self.read.mapping(row, "K")
        return self._candle(_renamed(bar, _CANDLE), frame_ms=timeframe_s * 1000, now_ms=self.now_ms())
