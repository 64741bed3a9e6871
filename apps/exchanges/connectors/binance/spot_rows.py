"""Binance's spot rows in our types."""

from abc import ABC
from decimal import Decimal, InvalidOperation

import msgspec

from apps.exchanges.connectors.binance.fills import BinanceFills
from apps.exchanges.connectors.binance.shapes import READ, TICKER
from apps.exchanges.connectors.binance.spot_spec import FILLS, ORDER, SPOT_SPEC, TIME, USED_HEADERS
from apps.exchanges.connectors.binance.words import SIDES, STATUSES
from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Milliseconds, Row, Shape, Words
from apps.exchanges.connectors.spot import SpotVerbs
from cts.domain.types import Balance, Instrument, OrderType, Ticker, VenueFill, VenueOrder

KINDS = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP_MARKET,
    "STOP_LOSS_LIMIT": OrderType.STOP_MARKET,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_MARKET,
}
_HUNDRED = Decimal(100)


class SpotOrderRow(msgspec.Struct, gc=False):
    orderId: int
    symbol: str
    side: str
    status: str
    type: str
    origQty: Decimal
    executedQty: Decimal
    cummulativeQuoteQty: Decimal | None = None
    clientOrderId: str = ""
    price: str = ""
    stopPrice: str = ""
    time: Milliseconds = 0
    updateTime: Milliseconds = 0


SPOT_ORDER = Shape(READ, SpotOrderRow)
SPOT_ORDER_WORDS: Words = {"side": SIDES, "status": STATUSES, "type": KINDS}


class BinanceSpotRows(SpotVerbs, BinanceFills, ABC):
    spec = SPOT_SPEC
    read = READ
    time_call = TIME
    time_field = "serverTime"
    used_headers = USED_HEADERS
    fills_call = FILLS
    order_call = ORDER
    fills_span_ms = 86_400_000
    is_order_unbounded = True

    def parse_instrument(self, row: Row) -> Instrument:
        read = self.read
        filters = {read.text(entry, "filterType"): entry for entry in read.rows(row, "filters")}
        lots, market = read.mapping(filters, "LOT_SIZE"), filters.get("MARKET_LOT_SIZE", {})
        notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
        quote = read.text(row, "quoteAsset")
        return Instrument(
            symbol=self.symbol(row),
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=read.text(row, "baseAsset"),
            quote=quote,
            settle=quote,
            tick_size=read.positive(read.mapping(filters, "PRICE_FILTER"), "tickSize"),
            lot_step=read.positive(lots, "stepSize"),
            min_quantity=read.positive(lots, "minQty"),
            max_quantity=read.positive_or_none(lots, "maxQty"),
            max_market_quantity=read.positive_or_none(market, "maxQty"),
            min_notional=read.positive(notional, "minNotional") if notional else None,
            is_trading=read.text(row, "status") == "TRADING",
        )

    def parse_ticker(self, row: Row | bytes, *, book: Row | None = None, mark: Row | None = None) -> Ticker:
        """The day's figures; the list brings the best prices along, the stream lays them beside."""
        r, read = TICKER.read(row), self.read
        fields = row if isinstance(row, dict) else read.decode(row)
        last, volume, turnover, change = r.lastPrice, r.volume, r.quoteVolume, r.priceChangePercent
        try:
            is_sane = (
                ZERO < last < HUGE
                and (volume is None or ZERO <= volume < HUGE)
                and (turnover is None or ZERO <= turnover < HUGE)
                and (change is None or TINY < change < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            TICKER.refuse(r, positive=("lastPrice",), signed=("priceChangePercent",))
        return Ticker(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            last=last,
            bid=read.positive_or_none(book or fields, "bidPrice"),
            ask=read.positive_or_none(book or fields, "askPrice"),
            volume_24h=volume,
            turnover_24h=turnover,
            change_24h_ratio=None if change is None else change / _HUNDRED,
            at_ms=r.closeTime,
        )

    def parse_balance(self, row: Row) -> Balance:
        free, locked = self.read.unsigned(row, "free"), self.read.unsigned(row, "locked")
        total = free + locked
        return Balance(asset=self.read.text(row, "asset"), total=total, available=free, equity=total)

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r, read = SPOT_ORDER.read(row), self.read
        quantity, filled, cost, order_id = r.origQty, r.executedQty, r.cummulativeQuoteQty, str(r.orderId)
        try:
            side, status, kind = SIDES[r.side], STATUSES[r.status], KINDS[r.type]
            # Old orders tell a cost below zero where it isn't known.
            is_sane = ZERO < quantity < HUGE and ZERO <= filled < HUGE and (cost is None or TINY < cost < HUGE)
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            SPOT_ORDER.refuse(r, words=SPOT_ORDER_WORDS, positive=("origQty",), signed=("cummulativeQuoteQty",))
        return VenueOrder(
            client_order_id=r.clientOrderId,
            venue_order_id=order_id,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=kind,
            status=status,
            quantity=quantity,
            filled_quantity=filled,
            average_price=cost / filled if cost is not None and cost > 0 and filled else None,
            price=read.price_in(r.price, "price"),
            trigger_price=read.price_in(r.stopPrice, "stopPrice"),
            created_ms=r.time,
            updated_ms=r.updateTime,
        )

    def parse_fill(self, row: Row) -> VenueFill:
        read = self.read
        order_id = read.identifier(row, "orderId")
        return VenueFill(
            venue_trade_id=read.identifier(row, "id"),
            venue_order_id=order_id,
            client_order_id=self.client_ids.get(order_id) or "",
            symbol=self.symbol(row),
            side=SIDES["BUY" if read.flag(row, "isBuyer") else "SELL"],
            price=read.positive(row, "price"),
            quantity=read.positive(row, "qty"),
            fee=read.signed(row, "commission"),
            fee_asset=read.text(row, "commissionAsset"),
            is_maker=read.flag(row, "isMaker"),
            executed_ms=read.integer(row, "time"),
        )

    # --- the same facts as the account stream spells them -----------------------------------------------------------
    def parse_order_event(self, row: Row) -> VenueOrder:
        names = {"orderId": "i", "symbol": "s", "side": "S", "status": "X", "type": "o", "origQty": "q", "price": "p"}
        names |= {"executedQty": "z", "cummulativeQuoteQty": "Z", "stopPrice": "P", "time": "O", "updateTime": "T"}
        # A cancel has an id of its own; the order's is then told as the original one.
        return self.parse_order(
            {name: row.get(short) for name, short in names.items()} | {"clientOrderId": row.get("C") or row.get("c")}
        )

    def parse_fill_event(self, row: Row) -> VenueFill:
        names = {"id": "t", "orderId": "i", "symbol": "s", "price": "L", "qty": "l", "isMaker": "m", "time": "T"}
        fields = {name: row.get(short) for name, short in names.items()}
        fields |= {"commission": row.get("n") or "0", "commissionAsset": row.get("N") or "USDT"}
        return self.parse_fill(fields | {"isBuyer": self.read.choice(row, "S", SIDES).sign > 0})

    def parse_balance_event(self, row: Row) -> Balance:
        return self.parse_balance({"asset": row.get("a"), "free": row.get("f"), "locked": row.get("l")})
