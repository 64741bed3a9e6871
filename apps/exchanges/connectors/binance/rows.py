"""Binance's rows in our types. Conditional orders are "algo orders" with ids, fields and states of their own."""

from abc import ABC
from decimal import Decimal, InvalidOperation

from apps.exchanges.connectors.binance.fills import BinanceFills
from apps.exchanges.connectors.binance.shapes import ORDER, ORDER_WORDS, POSITION, READ, TICKER
from apps.exchanges.connectors.binance.spec import SPEC, TIME, USED_HEADERS
from apps.exchanges.connectors.binance.words import ALGO_STATUSES, KINDS, LEGS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Row
from cts.domain.types import (
    Balance,
    Instrument,
    PositionSide,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

_HUNDRED = Decimal(100)


class BinanceRows(BinanceFills, ABC):
    spec = SPEC
    used_headers = USED_HEADERS
    read = READ
    time_call = TIME
    time_field = "serverTime"

    def parse_instrument(self, row: Row) -> Instrument:
        read = self.read
        filters = {read.text(entry, "filterType"): entry for entry in read.rows(row, "filters")}
        lots = read.mapping(filters, "LOT_SIZE")
        notional = filters.get("MIN_NOTIONAL")
        return Instrument(
            symbol=self.symbol(row),
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=read.text(row, "baseAsset"),
            quote=read.text(row, "quoteAsset"),
            settle=read.text(row, "marginAsset"),
            tick_size=read.positive(read.mapping(filters, "PRICE_FILTER"), "tickSize"),
            lot_step=read.positive(lots, "stepSize"),
            min_quantity=read.positive(lots, "minQty"),
            max_quantity=read.positive_or_none(lots, "maxQty"),
            max_market_quantity=read.positive_or_none(filters.get("MARKET_LOT_SIZE", {}), "maxQty"),
            min_notional=read.positive(notional, "notional") if notional else None,
            # Leverage brackets are signed and per account; without them the exchange-wide ceiling holds.
            max_leverage=self.spec.max_leverage,
            is_trading=read.text(row, "status") == "TRADING",
        )

    def parse_ticker(self, row: Row | bytes, *, book: Row | None = None, mark: Row | None = None) -> Ticker:
        """The day's figures; quotes and mark price come from lists of their own."""
        r, read = TICKER.read(row), self.read
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
            bid=read.positive_or_none(book, "bidPrice") if book else None,
            ask=read.positive_or_none(book, "askPrice") if book else None,
            mark=read.positive_or_none(mark, "markPrice") if mark else None,
            index=read.positive_or_none(mark, "indexPrice") if mark else None,
            funding_rate=read.signed_or_none(mark, "lastFundingRate") if mark else None,
            next_funding_ms=read.integer_or_none(mark, "nextFundingTime") if mark else None,
            volume_24h=volume,
            turnover_24h=turnover,
            change_24h_ratio=None if change is None else change / _HUNDRED,
            at_ms=r.closeTime,
        )

    def parse_balance(self, row: Row) -> Balance:
        read = self.read
        total = read.signed(row, "balance")
        unrealized = read.signed(row, "crossUnPnl")
        return Balance(
            asset=read.text(row, "asset"),
            total=total,
            available=max(read.signed(row, "availableBalance"), Decimal(0)),
            equity=total + unrealized,
            unrealized_pnl=unrealized,
        )

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        """One-way amounts are signed; hedge legs are named, and signed as well."""
        r, read = POSITION.read(row), self.read
        amount = r.positionAmt
        if not amount:
            return None
        entry = read.price_in(r.entryPrice, "entryPrice") or read.refuse("entryPrice", r.entryPrice)
        if r.positionSide not in LEGS or not (amount.is_finite() and TINY < amount < HUGE):
            POSITION.refuse(r, words={"positionSide": LEGS}, signed=("positionAmt",))
        return VenuePosition(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=LEGS[r.positionSide] or (PositionSide.LONG if amount > 0 else PositionSide.SHORT),
            quantity=abs(amount),
            entry_price=entry,
            mark_price=read.price_in(r.markPrice, "markPrice"),
            unrealized_pnl=read.signed_in(r.unRealizedProfit, "unRealizedProfit"),
            liquidation_price=read.price_in(r.liquidationPrice, "liquidationPrice"),
            at_ms=r.updateTime,
        )

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r, read = ORDER.read(row), self.read
        quantity, filled, order_id = r.origQty, r.executedQty, str(r.orderId)
        try:
            side, status, leg = SIDES[r.side], STATUSES[r.status], LEGS[r.positionSide]
            kind = KINDS[r.origType or r.type]
            is_sane = ZERO < quantity < HUGE and ZERO <= filled < HUGE
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            ORDER.refuse(r, words=ORDER_WORDS, positive=("origQty",))
        return VenueOrder(
            client_order_id=self.client_ids.get(order_id) or r.clientOrderId,
            venue_order_id=order_id,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=kind,
            status=status,
            quantity=quantity,
            filled_quantity=filled,
            average_price=read.price_in(r.avgPrice, "avgPrice"),
            price=read.price_in(r.price, "price"),
            trigger_price=read.price_in(r.stopPrice, "stopPrice"),
            is_reduce_only=r.reduceOnly,
            position_side=leg,
            created_ms=r.time,
            updated_ms=r.updateTime,
        )

    def parse_algo_order(self, row: Row) -> VenueOrder:
        read = self.read
        client_order_id = read.text_or_empty(row, "clientAlgoId")
        if became := read.text_or_empty(row, "actualOrderId"):
            self.client_ids.learn(became, client_order_id)
        return VenueOrder(
            client_order_id=client_order_id,
            venue_order_id=became or read.identifier(row, "algoId"),
            symbol=self.symbol(row),
            side=read.choice(row, "side", SIDES),
            order_type=read.choice(row, "orderType", KINDS),
            status=read.choice(row, "algoStatus", ALGO_STATUSES),
            quantity=read.unsigned(row, "quantity"),
            filled_quantity=Decimal(0),
            price=read.positive_or_none(row, "price"),
            trigger_price=self._trigger(row),
            is_reduce_only=read.flag(row, "reduceOnly"),
            position_side=read.choice(row, "positionSide", LEGS),
            created_ms=read.integer_or_none(row, "createTime") or 0,
            updated_ms=read.integer_or_none(row, "updateTime") or 0,
        )

    def _trigger(self, row: Row) -> Decimal | None:
        """A trailing stop's is the price at which it begins to follow, if it waits for one."""
        if row.get("orderType") == "TRAILING_STOP_MARKET":
            return self.read.positive_or_none(row, "activatePrice")
        return self.read.positive(row, "triggerPrice")

    def parse_fill(self, row: Row) -> VenueFill:
        read = self.read
        order_id = read.identifier(row, "orderId")
        return VenueFill(
            venue_trade_id=read.identifier(row, "id"),
            venue_order_id=order_id,
            client_order_id=self.client_ids.get(order_id) or "",
            symbol=self.symbol(row),
            side=read.choice(row, "side", SIDES),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "qty"),
            fee=read.signed(row, "commission"),
            fee_asset=read.text(row, "commissionAsset"),
            is_maker=read.flag(row, "maker"),
            executed_ms=read.integer(row, "time"),
            position_side=read.choice(row, "positionSide", LEGS),
        )
