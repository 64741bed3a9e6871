"""Bybit v5, spot: the same calls in another category. https://bybit-exchange.github.io/docs/v5/intro"""

from decimal import Decimal
from typing import Any

import msgspec

from apps.exchanges.connectors.bybit import spec as calls
from apps.exchanges.connectors.bybit.account import BybitAccount
from apps.exchanges.connectors.bybit.spec import SPOT_SPEC
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spot import SpotVerbs
from cts.domain.errors import OrderNotFound
from cts.domain.types import (
    Balance,
    Instrument,
    OrderRequest,
    OrderType,
    PositionSide,
    Side,
    VenueFill,
    VenueOrder,
)
from cts.domain.units import decimal_text
from cts.domain.venue import CancelRequest

# Conditional orders are found under a filter of their own until they are triggered.
PLAIN, WAITING = "Order", "StopOrder"
_TIED = ("totalPositionIM", "totalOrderIM", "locked")


class BybitSpotConnector(SpotVerbs, BybitAccount):
    spec = SPOT_SPEC
    category = "spot"
    in_category = {"category": "spot"}
    in_whole = {"category": "spot"}
    has_quotes_apart = True
    trade_group = "Spot"
    trade_right = "SpotTrade"

    def instruments(self) -> list[Instrument]:
        rows = self._pages(calls.INSTRUMENTS, self.in_category | {"limit": "1000"})
        return [
            self.parse_instrument(row) for row in rows if row.get("quoteCoin") == "USDT" and self.symbol_or_none(row)
        ]

    def parse_instrument(self, row: Row) -> Instrument:
        read = self.read
        lots, prices = read.mapping(row, "lotSizeFilter"), read.mapping(row, "priceFilter")
        quote = read.text(row, "quoteCoin")
        # What rests and what fills at market have bounds of their own; older lists know one for both.
        most = read.positive_or_none(lots, "maxLimitOrderQty") or read.positive_or_none(lots, "maxOrderQty")
        return Instrument(
            symbol=self.symbol(row),
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            base=read.text(row, "baseCoin"),
            quote=quote,
            settle=quote,
            tick_size=read.positive(prices, "tickSize"),
            lot_step=read.positive(lots, "basePrecision"),
            min_quantity=read.positive_or_none(lots, "minOrderQty") or read.positive(lots, "basePrecision"),
            max_quantity=most,
            max_market_quantity=read.positive_or_none(lots, "maxMarketOrderQty"),
            min_notional=read.positive_or_none(lots, "minOrderAmt"),
            is_trading=read.text(row, "status") == "Trading",
        )

    def parse_balance(self, row: Row, account: Row) -> Balance:
        """Nothing is borrowed: what can be spent of a coin is the coin itself, less what orders and positions tie up."""
        read = self.read
        total = read.signed(row, "walletBalance")
        tied = sum((read.unsigned_or_none(row, name) or Decimal(0) for name in _TIED), Decimal(0))
        return Balance(
            asset=read.text(row, "coin"),
            total=total,
            available=max(total - tied, Decimal(0)),
            equity=read.signed(row, "equity"),
            unrealized_pnl=read.signed_or_none(row, "unrealisedPnl") or Decimal(0),
        )

    # --- orders -----------------------------------------------------------------------------------------------------
    def _order_terms(self, request: OrderRequest) -> dict[str, Any]:
        params = self._plain_terms(request)
        if request.order_type is not OrderType.LIMIT:
            # A buy at market would be taken for an amount of quote.
            params["marketUnit"] = "baseCoin"
        if request.trigger_price is not None and request.order_type.is_conditional:
            params["triggerPrice"] = decimal_text(request.trigger_price)
            params["orderFilter"] = WAITING
        return params

    def _place_group(self, request: OrderRequest) -> str | None:
        return None if request.order_type.is_conditional else ""

    def _cancel_group(self, request: CancelRequest) -> str | None:
        return None if request.is_conditional else ""

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        naming = self.in_category | self._naming(symbol, client_order_id, venue_order_id)
        if is_conditional:
            try:
                self.call(calls.CANCEL, naming | {"orderFilter": WAITING})
                return
            except OrderNotFound:
                pass  # triggered meanwhile, perhaps: then it is an order like any other
        self.call(calls.CANCEL, naming | {"orderFilter": PLAIN})

    def cancel_all(self, symbol: str) -> None:
        for kind in (PLAIN, WAITING):
            self.call(calls.CANCEL_ALL, self.in_category | {"symbol": self.venue_symbol(symbol), "orderFilter": kind})

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        order = super().parse_order(row)
        if order.trigger_price is None:
            return order
        return msgspec.structs.replace(order, order_type=self._condition(row, order))

    def _condition(self, row: Row | bytes, order: VenueOrder) -> OrderType:
        """Rows don't say which way the price had to go: the price it had when the order was made does, where told."""
        fields = row if isinstance(row, dict) else self.read.decode(row)
        last = self.read.positive_or_none(fields, "lastPriceOnCreated")
        if last is None or order.trigger_price is None:
            return OrderType.STOP_MARKET
        is_rising = order.trigger_price > last
        return OrderType.STOP_MARKET if is_rising is (order.side is Side.BUY) else OrderType.TAKE_PROFIT_MARKET

    def parse_fill(self, row: Row) -> VenueFill:
        fill = super().parse_fill(row)
        if self.read.text_or_empty(row, "feeCurrency"):
            return fill
        base = fill.symbol.partition("/")[0]
        return msgspec.structs.replace(fill, fee_asset=base if fill.side is Side.BUY else "USDT")

    def _leg_of(self, row: Row, side: Side) -> PositionSide | None:
        return None
