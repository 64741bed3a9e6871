"""Bybit's rows in our types, from the REST lists and the private stream alike."""

from abc import ABC
from decimal import Decimal, InvalidOperation

import msgspec

from apps.exchanges.connectors.bybit.shapes import ORDER, ORDER_WORDS, POSITION, READ, TICKER
from apps.exchanges.connectors.bybit.spec import SPEC, TIME
from apps.exchanges.connectors.bybit.words import CONDITIONS, KINDS, LEG_SIDES, LEGS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Row
from apps.exchanges.connectors.rest import RestConnector
from cts.domain.types import (
    Balance,
    Instrument,
    MarginMode,
    PositionSide,
    Side,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)


class BybitRows(RestConnector, ABC):
    spec = SPEC
    read = READ
    time_call = TIME
    time_field = "time"

    def parse_instrument(self, row: Row) -> Instrument:
        read = self.read
        lots, prices = read.mapping(row, "lotSizeFilter"), read.mapping(row, "priceFilter")
        return Instrument(
            symbol=self.symbol(row),
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=read.text(row, "baseCoin"),
            quote=read.text(row, "quoteCoin"),
            settle=read.text(row, "settleCoin"),
            tick_size=read.positive(prices, "tickSize"),
            lot_step=read.positive(lots, "qtyStep"),
            min_quantity=read.positive(lots, "minOrderQty"),
            max_quantity=read.positive_or_none(lots, "maxOrderQty"),
            max_market_quantity=read.positive_or_none(lots, "maxMktOrderQty"),
            min_notional=read.positive_or_none(lots, "minNotionalValue"),
            max_leverage=int(read.positive(read.mapping(row, "leverageFilter"), "maxLeverage")),
            is_trading=read.text(row, "status") == "Trading",
        )

    def parse_ticker(self, row: Row | bytes, *, at_ms: int = 0) -> Ticker:
        r = TICKER.read(row)
        last, bid, ask, mark, index = r.lastPrice, r.bid1Price, r.ask1Price, r.markPrice, r.indexPrice
        funding, volume, turnover, change = r.fundingRate, r.volume24h, r.turnover24h, r.price24hPcnt
        try:
            is_sane = (
                ZERO < last < HUGE
                and ZERO <= bid < HUGE
                and ZERO <= ask < HUGE
                and ZERO <= mark < HUGE
                and ZERO <= index < HUGE
                and (funding is None or TINY < funding < HUGE)
                and (volume is None or ZERO <= volume < HUGE)
                and (turnover is None or ZERO <= turnover < HUGE)
                and (change is None or TINY < change < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            TICKER.refuse(r, positive=("lastPrice",), signed=("fundingRate", "price24hPcnt"))
        return Ticker(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            last=last,
            bid=bid or None,
            ask=ask or None,
            mark=mark or None,
            index=index or None,
            funding_rate=funding,
            next_funding_ms=r.nextFundingTime or None,
            volume_24h=volume,
            turnover_24h=turnover,
            change_24h_ratio=change,
            at_ms=at_ms,
        )

    def parse_balance(self, row: Row, account: Row) -> Balance:
        read = self.read
        asset, total = read.text(row, "coin"), read.signed(row, "walletBalance")
        # The account's figure is in USD and counts for the margin coin; it is empty when margin is isolated.
        available = read.signed_or_none(account, "totalAvailableBalance") if asset == "USDT" else None
        if available is None:
            taken = ("totalPositionIM", "totalOrderIM", "locked") if asset == "USDT" else ("locked",)
            available = total - sum((read.unsigned(row, name) for name in taken), Decimal(0))
        return Balance(
            asset=asset,
            total=total,
            available=max(available, Decimal(0)),
            equity=read.signed(row, "equity"),
            unrealized_pnl=read.signed(row, "unrealisedPnl"),
        )

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        r = POSITION.read(row)
        quantity, leverage, mark, unrealized = r.size, r.leverage, r.markPrice, r.unrealisedPnl
        if not quantity:
            return None
        # The private stream spells the average entry differently from the list.
        entry = r.avgPrice or r.entryPrice or self.read.refuse("avgPrice", r.avgPrice)
        try:
            side = LEG_SIDES[r.side]
            is_sane = (
                ZERO < quantity < HUGE
                and ZERO < entry < HUGE
                and (leverage is None or ZERO <= leverage < HUGE)
                and (mark is None or ZERO <= mark < HUGE)
                and (unrealized is None or TINY < unrealized < HUGE)
            )
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            POSITION.refuse(r, words={"side": LEG_SIDES}, positive=("size", "avgPrice"), signed=("unrealisedPnl",))
        return VenuePosition(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            quantity=quantity,
            entry_price=entry,
            leverage=leverage or None,
            margin_mode=MarginMode.ISOLATED if r.tradeMode == 1 else None,
            mark_price=mark or None,
            unrealized_pnl=unrealized,
            liquidation_price=self.read.price_in(r.liqPrice, "liqPrice") if r.liqPrice else None,
            at_ms=r.updatedTime,
        )

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r = ORDER.read(row)
        quantity, filled, price = r.qty, r.cumExecQty, r.price
        try:
            side, status, leg = SIDES[r.side], STATUSES[r.orderStatus], LEGS[r.positionIdx]
            kind = KINDS[r.orderType]
            average = Decimal(r.avgPrice) if r.avgPrice else None
            is_sane = (
                ZERO < quantity < HUGE
                and ZERO <= filled < HUGE
                and (price is None or ZERO <= price < HUGE)
                and (average is None or ZERO <= average < HUGE)
            )
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            self.read.price_in(r.avgPrice, "avgPrice")
            ORDER.refuse(r, words=ORDER_WORDS, positive=("qty",))
        trigger = self.read.price_in(r.triggerPrice, "triggerPrice") if r.triggerPrice else None
        if trigger is not None:
            kind = CONDITIONS.get((r.triggerDirection, side), kind)
        # The sixteenth keyword would make Python build a dictionary for the call, at twice the price of all the rest.
        order = VenueOrder(
            client_order_id=r.orderLinkId,
            venue_order_id=r.orderId,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=kind,
            status=status,
            quantity=quantity,
            filled_quantity=filled,
            average_price=average or None,
            price=price or None,
            trigger_price=trigger,
            is_reduce_only=r.reduceOnly,
            position_side=leg,
            created_ms=r.createdTime,
            updated_ms=r.updatedTime,
        )
        # Canceled because it was asked for is no reason worth telling.
        if r.rejectReason in ("EC_NoError", "EC_PerCancelRequest", ""):
            return order
        return msgspec.structs.replace(order, reject_reason=r.rejectReason)

    def parse_fill(self, row: Row) -> VenueFill:
        read = self.read
        side = read.choice(row, "side", SIDES)
        return VenueFill(
            venue_trade_id=read.identifier(row, "execId"),
            venue_order_id=read.identifier(row, "orderId"),
            client_order_id=read.text_or_empty(row, "orderLinkId"),
            symbol=self.symbol(row),
            side=side,
            price=read.positive(row, "execPrice"),
            quantity=read.positive(row, "execQty"),
            fee=read.signed(row, "execFee"),
            fee_asset=read.text_or_empty(row, "feeCurrency") or "USDT",
            is_maker=read.flag(row, "isMaker"),
            executed_ms=read.integer(row, "execTime"),
            position_side=self._leg_of(row, side),
        )

    def _leg_of(self, row: Row, side: Side) -> PositionSide | None:
        """Executions don't name the leg; in hedge mode what was closed tells which one it was."""
        if not self._hedged:
            return None
        is_closing = bool(self.read.unsigned_or_none(row, "closedSize"))
        return PositionSide.LONG if (side is Side.BUY) is not is_closing else PositionSide.SHORT
