"""OKX v5, spot: the same calls for another type of instrument. https://www.okx.com/docs-v5/en/"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from apps.exchanges.connectors.okx import spec as calls
from apps.exchanges.connectors.okx.connector import OkxConnector
from apps.exchanges.connectors.okx.shapes import SPOT_TICKER
from apps.exchanges.connectors.okx.spec import COINS, SPOT_SPEC
from apps.exchanges.connectors.parsing import HUGE, ZERO, Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.spot import SpotVerbs
from cts.domain.types import Balance, Instrument, OrderRequest, OrderType, Side, Ticker, VenueOrder

ONE = Decimal(1)
IN_BASE, IN_QUOTE = "base_ccy", "quote_ccy"


class OkxSpotConnector(SpotVerbs, OkxConnector):
    spec = SPOT_SPEC
    in_market = COINS
    candle_columns = ("open_ms", "open", "high", "low", "close", "volume", "turnover_told")

    # --- sizes are base coins ---------------------------------------------------------------------------------------
    def contracts_load(self) -> None:
        """Nothing is counted in contracts."""

    def _size_or_none(self, name: str) -> Decimal:
        return ONE

    def _listed_size(self, row: Row) -> Decimal:
        return ONE

    # --- market -----------------------------------------------------------------------------------------------------
    def _listed(self) -> list[Row]:
        rows = self._data(calls.INSTRUMENTS, COINS)
        return [row for row in rows if row.get("quoteCcy") == "USDT" and self.symbol_or_none(row, "instId")]

    def parse_instrument(self, row: Row) -> Instrument:
        """A least value of an order isn't told: the least size alone counts."""
        read, quote = self.read, self.read.text(row, "quoteCcy")
        return Instrument(
            symbol=self.symbol(row, "instId"),
            venue_symbol=read.text(row, "instId"),
            market=self.target.market,
            base=read.text(row, "baseCcy"),
            quote=quote,
            settle=quote,
            tick_size=read.positive(row, "tickSz"),
            lot_step=read.positive(row, "lotSz"),
            min_quantity=read.positive(row, "minSz"),
            max_quantity=read.positive_or_none(row, "maxLmtSz"),
            # Of orders at market the largest is told in quote: no quantity can be made of it.
            is_trading=read.text(row, "state") == "live",
        )

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        if wanted is not None and len(wanted) == 1:
            rows = self._data(calls.TICKER, {"instId": self.venue_symbol(next(iter(wanted)))})
        else:
            rows = self._data(calls.TICKERS, COINS)
        return [
            self.parse_ticker(row)
            for row in rows
            if (symbol := self.symbol_or_none(row, "instId")) is not None and (wanted is None or symbol in wanted)
        ]

    def parse_ticker(self, row: Row | bytes, *, mark: Row | None = None, funding: Row | None = None) -> Ticker:
        r = SPOT_TICKER.read(row)
        amounts = (r.bidPx, r.askPx, r.open24h, r.vol24h, r.volCcy24h)
        try:
            is_sane = ZERO < r.last < HUGE and all(each is None or ZERO <= each < HUGE for each in amounts)
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            SPOT_TICKER.refuse(r, positive=("last",))
        return Ticker(
            symbol=self._symbols.get(r.instId) or self.symbol_named(r.instId, "instId"),
            last=r.last,
            bid=r.bidPx or None,
            ask=r.askPx or None,
            volume_24h=r.vol24h,
            turnover_24h=r.volCcy24h,
            change_24h_ratio=r.last / r.open24h - 1 if r.open24h else None,
            at_ms=r.ts,
        )

    # --- account ----------------------------------------------------------------------------------------------------
    def parse_balance(self, row: Row) -> Balance:
        """Nothing is borrowed: what can be spent of a coin is what is there of it, whatever else is margin."""
        balance = super().parse_balance(row)
        available = max(self.read.signed(row, "availBal"), ZERO)
        return msgspec.structs.replace(balance, available=available)

    # --- orders -----------------------------------------------------------------------------------------------------
    def _trade_mode(self) -> str:
        """As documented for orders without borrowing; ccxt has seen it refused (51000) for conditional ones."""
        return "cash"

    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        call, params = super()._order_call(request)
        if request.order_type is not OrderType.LIMIT and request.side is Side.BUY:
            # A buy at market would be taken for an amount of quote.
            params["tgtCcy"] = IN_BASE
        return call, params

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        """Of a buy at market that was made in quote, by somebody else, only what it has bought is an amount of base."""
        order = super().parse_order(row)
        if order.order_type is not OrderType.MARKET or order.side is not Side.BUY:
            return order
        fields = row if isinstance(row, dict) else self.read.decode(row)
        if fields.get("tgtCcy") != IN_QUOTE:
            return order
        return msgspec.structs.replace(order, quantity=order.filled_quantity)
