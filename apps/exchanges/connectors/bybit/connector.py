"""Bybit v5, linear USDT perpetuals. https://bybit-exchange.github.io/docs/v5/intro"""

from typing import Any

from apps.exchanges.connectors.bybit import spec as calls
from apps.exchanges.connectors.bybit.account import BybitAccount
from apps.exchanges.connectors.bybit.words import DIRECTIONS
from apps.exchanges.connectors.parsing import Row
from cts.domain.types import (
    Instrument,
    MarginMode,
    OrderRequest,
    PositionMode,
    PositionSide,
    VenuePosition,
)
from cts.domain.units import decimal_text
from cts.domain.venue import FundingPayment, FundingRate

FUNDING_PAGE = 200


class BybitConnector(BybitAccount):
    category = "linear"
    in_category = {"category": "linear"}
    in_whole = {"category": "linear", "settleCoin": "USDT"}
    trade_group = "ContractTrade"
    trade_right = "Order"

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self._pages(calls.INSTRUMENTS, self.in_category | {"limit": "1000"})
        return [
            self.parse_instrument(row) for row in rows if row.get("quoteCoin") == "USDT" and self._is_perpetual(row)
        ]

    def _is_perpetual(self, row: Row) -> bool:
        return row.get("contractType") == "LinearPerpetual" and self.symbol_or_none(row) is not None

    # --- account ----------------------------------------------------------------------------------------------------
    def positions(self) -> list[VenuePosition]:
        rows = self._pages(calls.POSITIONS, self.in_whole | {"limit": "200"})
        legs = [self.parse_position(row) for row in rows if self.symbol_or_none(row) is not None]
        return [leg for leg in legs if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        words = {"buyLeverage": str(leverage), "sellLeverage": str(leverage)}
        self.call(calls.LEVERAGE, self.in_category | {"symbol": self.venue_symbol(symbol)} | words)

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        # In a unified account the mode is the account's; the symbol plays no part.
        word = "ISOLATED_MARGIN" if margin_mode is MarginMode.ISOLATED else "REGULAR_MARGIN"
        self.call(calls.MARGIN_MODE, {"setMarginMode": word})

    def position_mode(self) -> PositionMode:
        # No call reads the mode; with a symbol named, the legs come even when flat, and their index tells.
        rows = self.read.rows(self._result_of(calls.POSITIONS, self.in_category | {"symbol": "BTCUSDT"}), "list")
        is_hedged = any(self.read.integer(row, "positionIdx") for row in rows)
        return PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        self.call(
            calls.POSITION_MODE, self.in_category | {"coin": "USDT", "mode": 3 if mode is PositionMode.HEDGE else 0}
        )
        self._hedged = mode is PositionMode.HEDGE

    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        params = self.in_category | {"symbol": self.venue_symbol(symbol)}
        found: dict[int, FundingRate] = {}
        end_ms = self.now_ms() + 1000
        while len(found) < limit:
            times = (
                {"endTime": str(end_ms)} if since_ms is None else {"startTime": str(since_ms), "endTime": str(end_ms)}
            )
            size = min(limit - len(found), FUNDING_PAGE)
            rows = self.read.rows(self._result_of(calls.FUNDING_RATES, params | times | {"limit": str(size)}), "list")
            page = {rate.at_ms: rate for rate in map(self.parse_funding_rate, rows)}
            found |= page
            if len(page) < size:
                break
            end_ms = min(page) - 1
            if since_ms is not None and end_ms < since_ms:
                break
        return [found[at_ms] for at_ms in sorted(found)]

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        rows = self._executions({"execType": "Funding"}, since_ms=since_ms)
        payments = [self.parse_funding_payment(row) for row in rows if self.symbol_or_none(row) is not None]
        return sorted(payments, key=lambda payment: payment.at_ms)

    def _order_terms(self, request: OrderRequest) -> dict[str, Any]:
        params = self._plain_terms(request)
        params["positionIdx"] = 0
        if self._hedged:
            params["positionIdx"] = 1 if request.position_side is PositionSide.LONG else 2
        if request.is_reduce_only:
            params["reduceOnly"] = True
        if request.order_type.is_conditional and request.trigger_price is not None:
            params["triggerPrice"] = decimal_text(request.trigger_price)
            params["triggerDirection"] = DIRECTIONS[request.order_type, request.side]
            params["triggerBy"] = "LastPrice"
        return params
