"""BingX's rows in our types, from the REST lists and the private stream alike."""

from abc import ABC
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.exchanges.connectors.bingx.shapes import (
    ORDER,
    ORDER_WORDS,
    POSITION,
    READ,
    TICKER,
    OrderRow,
    PositionRow,
    in_text,
)
from apps.exchanges.connectors.bingx.spec import SPEC, TIME
from apps.exchanges.connectors.bingx.words import KINDS, LEGS, ROLES, SIDES, STATUSES
from apps.exchanges.connectors.client_ids import ClientIds
from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Row
from apps.exchanges.connectors.rest import RestConnector
from cts.domain.types import (
    Balance,
    Environment,
    Instrument,
    MarginMode,
    PositionSide,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from cts.domain.venue import FundingPayment, FundingRate

_HUNDRED = Decimal(100)
_PLAY_MONEY = "VST"  # what contracts of the simulated market settle in


class BingxRows(RestConnector, ABC):
    spec = SPEC
    read = READ
    time_call = TIME
    time_field = "serverTime"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Trades don't name the client id; nor do conditional orders, for which the venue keeps none.
        self.client_ids = ClientIds()

    def parse_instrument(self, row: Row) -> Instrument:
        """Precision comes as numbers of decimals. The greatest leverage is documented, but not always told."""
        read = self.read
        return Instrument(
            symbol=self.symbol(row),
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=read.text(row, "asset"),
            quote="USDT",
            settle=read.text(row, "currency"),
            tick_size=self._step(row, "pricePrecision"),
            lot_step=self._step(row, "quantityPrecision"),
            min_quantity=read.positive(row, "tradeMinQuantity"),
            min_notional=read.positive_or_none(row, "tradeMinUSDT"),
            max_leverage=int(read.positive_or_none(row, "maxLongLeverage") or self.spec.max_leverage),
            maker_fee_rate=read.signed_or_none(row, "makerFeeRate"),
            taker_fee_rate=read.signed_or_none(row, "takerFeeRate"),
            is_trading=read.integer(row, "status") == 1
            and row.get("apiStateOpen") == "true"
            and row.get("apiStateClose") == "true",
        )

    def _step(self, row: Row, field: str) -> Decimal:
        decimals = self.read.integer(row, field)
        return Decimal(1).scaleb(-decimals) if decimals <= 18 else self.read.refuse(field, row[field])

    def parse_ticker(self, row: Row | bytes, *, premium: Row | None = None) -> Ticker:
        """The day's figures and the quotes; mark, index and funding come from a list of their own."""
        r, read = TICKER.read(row), self.read
        last, bid, ask, volume, turnover = r.lastPrice, r.bidPrice, r.askPrice, r.volume, r.quoteVolume
        try:
            is_sane = (
                ZERO < last < HUGE
                and ZERO <= bid < HUGE
                and ZERO <= ask < HUGE
                and (volume is None or ZERO <= volume < HUGE)
                and (turnover is None or ZERO <= turnover < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            TICKER.refuse(r, positive=("lastPrice",))
        change = read.signed_in(r.priceChangePercent.removesuffix("%"), "priceChangePercent")
        return Ticker(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            last=last,
            bid=bid or None,
            ask=ask or None,
            mark=read.positive_or_none(premium, "markPrice") if premium else None,
            index=read.positive_or_none(premium, "indexPrice") if premium else None,
            funding_rate=read.signed_or_none(premium, "lastFundingRate") if premium else None,
            next_funding_ms=read.integer_or_none(premium, "nextFundingTime") if premium else None,
            volume_24h=volume,
            turnover_24h=turnover,
            change_24h_ratio=None if change is None else change / _HUNDRED,
            at_ms=r.closeTime,
        )

    def parse_balance(self, row: Row) -> Balance:
        read = self.read
        asset = read.text(row, "asset")
        is_play = asset == _PLAY_MONEY and self.target.environment is Environment.TESTNET
        return Balance(
            asset="USDT" if is_play else asset,
            total=read.signed(row, "balance"),
            available=max(read.signed(row, "availableMargin"), ZERO),
            equity=read.signed(row, "equity"),
            unrealized_pnl=read.signed(row, "unrealizedProfit"),
        )

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        r = POSITION.read(row)
        amount, entry, leverage, mark = r.positionAmt, r.avgPrice, r.leverage, r.markPrice
        unrealized, liquidation = r.unrealizedProfit, r.liquidationPrice
        if not amount:
            return None
        if entry is None:
            self.read.refuse("avgPrice", entry)
        try:
            is_sane = (
                r.positionSide in LEGS
                and TINY < amount < HUGE
                and ZERO < entry < HUGE
                and (leverage is None or ZERO <= leverage < HUGE)
                and (mark is None or ZERO <= mark < HUGE)
                and (unrealized is None or TINY < unrealized < HUGE)
                and (liquidation is None or TINY < liquidation < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            signed = ("positionAmt", "unrealizedProfit", "liquidationPrice")
            POSITION.refuse(r, words={"positionSide": LEGS}, positive=("avgPrice",), signed=signed)
        return VenuePosition(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=LEGS[r.positionSide] or self._side_of_both(r),
            quantity=abs(amount),
            entry_price=entry,
            leverage=leverage or None,
            margin_mode=None if r.isolated is None else MarginMode.ISOLATED if r.isolated else MarginMode.CROSS,
            mark_price=mark or None,
            unrealized_pnl=unrealized,
            # In a cross position that nothing could liquidate it is zero or below.
            liquidation_price=liquidation if liquidation is not None and liquidation > 0 else None,
            at_ms=r.updateTime,
        )

    def _side_of_both(self, r: PositionRow) -> PositionSide:
        """One-way amounts may come without a sign: then what the price did to the result tells, or the liquidation price."""
        if r.positionAmt < 0:
            return PositionSide.SHORT
        entry = r.avgPrice or ZERO
        lean = (r.markPrice - entry) * (r.unrealizedProfit or ZERO) if r.markPrice else ZERO
        if not lean and r.liquidationPrice is not None and r.liquidationPrice > 0:
            lean = entry - r.liquidationPrice
        if not lean:
            self.read.refuse("positionSide", r.positionSide)
        return PositionSide.LONG if lean > 0 else PositionSide.SHORT

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r, read = ORDER.read(in_text(row)), self.read
        quantity, filled, order_id = r.origQty, r.executedQty, str(r.orderId)
        try:
            side, status, leg, kind = SIDES[r.side], STATUSES[r.status], LEGS[r.positionSide], KINDS[r.type]
            is_sane = ZERO <= quantity < HUGE and ZERO <= filled < HUGE and r.orderId > 0
        except (KeyError, InvalidOperation):
            is_sane = False
        # One that closes whatever is held has no size of its own.
        if not is_sane or not (quantity or kind.is_conditional):
            ORDER.refuse(r, words=ORDER_WORDS, positive=("origQty",))
        return VenueOrder(
            client_order_id=r.clientOrderId or r.clientOrderID or self.client_ids.get(order_id) or "",
            venue_order_id=order_id,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=kind,
            status=status,
            quantity=quantity,
            filled_quantity=filled,
            average_price=read.price_in(r.avgPrice, "avgPrice") if r.avgPrice else None,
            price=read.price_in(r.price, "price") if r.price else None,
            trigger_price=self._trigger_of(r) if r.stopPrice or r.activationPrice else None,
            is_reduce_only=r.reduceOnly,
            position_side=leg,
            created_ms=r.time,
            updated_ms=r.updateTime,
        )

    def _trigger_of(self, r: OrderRow) -> Decimal | None:
        return self.read.price_in(r.stopPrice, "stopPrice") or self.read.price_in(r.activationPrice, "activationPrice")

    def parse_fill(self, row: Row) -> VenueFill:
        """Of the history of trades, which names them. A commission below zero was paid."""
        read = self.read
        order_id = read.identifier(row, "orderId")
        return VenueFill(
            venue_trade_id=read.identifier(row, "tradeId"),
            venue_order_id=order_id,
            client_order_id=self.client_ids.get(order_id) or "",
            symbol=self.symbol(row),
            side=read.choice(row, "side", SIDES),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "qty"),
            fee=-read.signed(row, "commission"),
            fee_asset=read.text_or_empty(row, "commissionAsset") or "USDT",
            is_maker=read.choice(row, "role", ROLES),
            executed_ms=self._moment(row, "filledTime"),
            position_side=read.choice(row, "positionSide", LEGS),
        )

    def _moment(self, row: Row, field: str) -> int:
        """`2026-09-18T02:39:57.000+0800`, the zone with or without a colon."""
        try:
            at = datetime.fromisoformat(self.read.text(row, field))
            if at.tzinfo is not None and at.year > 2000:
                return round(at.timestamp() * 1000)
        except ValueError:
            pass
        return self.read.refuse(field, row.get(field))

    def parse_funding_rate(self, row: Row) -> FundingRate:
        read = self.read
        return FundingRate(
            symbol=self.symbol(row), rate=read.signed(row, "fundingRate"), at_ms=read.integer(row, "fundingTime")
        )

    def parse_funding_payment(self, row: Row) -> FundingPayment:
        read = self.read
        return FundingPayment(
            payment_id=read.identifier(row, "tranId"),
            symbol=self.symbol(row),
            amount=read.signed(row, "income"),
            asset=read.text(row, "asset"),
            at_ms=read.integer(row, "time"),
        )
