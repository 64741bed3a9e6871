"""Bybit's rows in our types, from the REST lists and the private stream alike."""

from abc import ABC
from decimal import Decimal

from apps.exchanges.connectors.bybit.spec import SPEC, TIME
from apps.exchanges.connectors.bybit.words import CONDITIONS, LEG_SIDES, LEGS, SIDES, STATUSES
from apps.exchanges.connectors.parsing import Reader, Row
from apps.exchanges.connectors.rest import RestConnector
from cts.domain.types import (
    Balance,
    Instrument,
    MarginMode,
    OrderType,
    PositionSide,
    Side,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)


class BybitRows(RestConnector, ABC):
    spec = SPEC
    read = Reader("bybit")
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
            min_notional=read.positive_or_none(lots, "minNotionalValue"),
            max_leverage=int(read.positive(read.mapping(row, "leverageFilter"), "maxLeverage")),
            is_trading=read.text(row, "status") == "Trading",
        )

    def parse_ticker(self, row: Row, *, at_ms: int = 0) -> Ticker:
        read = self.read
        return Ticker(
            symbol=self.symbol(row),
            last=read.positive(row, "lastPrice"),
            bid=read.positive_or_none(row, "bid1Price"),
            ask=read.positive_or_none(row, "ask1Price"),
            mark=read.positive_or_none(row, "markPrice"),
            index=read.positive_or_none(row, "indexPrice"),
            funding_rate=read.signed_or_none(row, "fundingRate"),
            next_funding_ms=read.integer_or_none(row, "nextFundingTime"),
            volume_24h=read.unsigned_or_none(row, "volume24h"),
            turnover_24h=read.unsigned_or_none(row, "turnover24h"),
            change_24h_ratio=read.signed_or_none(row, "price24hPcnt"),
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

    def parse_position(self, row: Row) -> VenuePosition | None:
        """None for a leg that is flat."""
        read = self.read
        quantity = read.unsigned(row, "size")
        if not quantity:
            return None
        return VenuePosition(
            symbol=self.symbol(row),
            side=read.choice(row, "side", LEG_SIDES),
            quantity=quantity,
            # The private stream spells the average entry differently from the list.
            entry_price=read.positive(row, "entryPrice" if "entryPrice" in row else "avgPrice"),
            leverage=read.positive_or_none(row, "leverage"),
            margin_mode=MarginMode.ISOLATED if row.get("tradeMode") == 1 else None,
            mark_price=read.positive_or_none(row, "markPrice"),
            unrealized_pnl=read.signed_or_none(row, "unrealisedPnl"),
            liquidation_price=read.positive_or_none(row, "liqPrice"),
            at_ms=read.integer_or_none(row, "updatedTime") or 0,
        )

    def parse_order(self, row: Row) -> VenueOrder:
        read = self.read
        side = read.choice(row, "side", SIDES)
        trigger = read.positive_or_none(row, "triggerPrice")
        kind = OrderType.LIMIT if read.text(row, "orderType") == "Limit" else OrderType.MARKET
        if trigger is not None:
            kind = CONDITIONS.get((read.integer(row, "triggerDirection"), side), kind)
        return VenueOrder(
            client_order_id=read.text_or_empty(row, "orderLinkId"),
            venue_order_id=read.identifier(row, "orderId"),
            symbol=self.symbol(row),
            side=side,
            order_type=kind,
            status=read.choice(row, "orderStatus", STATUSES),
            quantity=read.positive(row, "qty"),
            filled_quantity=read.unsigned(row, "cumExecQty"),
            average_price=read.positive_or_none(row, "avgPrice"),
            price=read.positive_or_none(row, "price"),
            trigger_price=trigger,
            is_reduce_only=read.flag(row, "reduceOnly"),
            position_side=read.choice(row, "positionIdx", LEGS),
            reject_reason=read.text_or_empty(row, "rejectReason").replace("EC_NoError", ""),
            created_ms=read.integer_or_none(row, "createdTime") or 0,
            updated_ms=read.integer_or_none(row, "updatedTime") or 0,
        )

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
