"""Binance's trades, which don't say whose order they were: client ids are looked up and remembered."""

from abc import ABC
from collections.abc import Iterable

from apps.exchanges.connectors.binance import spec as calls
from apps.exchanges.connectors.binance.prints import BinancePrints
from apps.exchanges.connectors.parsing import Row
from cts.domain.errors import OrderNotFound
from cts.domain.types import VenueFill

WEEK_MS = 7 * 86_400_000
PAGE = 1000


class BinanceFills(BinancePrints, ABC):
    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = {"symbol": self.venue_symbol(symbol), "limit": str(PAGE)}
        if venue_order_id:
            params["orderId"] = venue_order_id
        rows: dict[str, Row] = {}
        for start, end in self.windows(since_ms, span_ms=WEEK_MS):
            page = self._rows(calls.FILLS, params | {"startTime": str(start), "endTime": str(end)})
            while page:
                fresh = {self.read.identifier(row, "id"): row for row in page}
                rows |= fresh
                if len(page) < PAGE:
                    break
                # The cursor excludes the time bounds, so later windows may repeat what it brought: keyed by id.
                following = {"fromId": str(max(map(int, fresh)) + 1)}
                page = self._rows(calls.FILLS, params | following)
        self._learn_client_ids(symbol, rows.values(), since_ms=since_ms)
        fills = [self.parse_fill(row) for row in rows.values()]
        return sorted(fills, key=lambda fill: (fill.executed_ms, int(fill.venue_trade_id)))

    def _learn_client_ids(self, symbol: str, rows: Iterable[Row], *, since_ms: int | None) -> None:
        """Trades don't carry client ids: ask the algo orders for what they became, then order by order."""
        unknown = {
            order_id for row in rows if self.client_ids.get(order_id := self.read.identifier(row, "orderId")) is None
        }
        if not unknown:
            return
        params = {"symbol": self.venue_symbol(symbol)}
        for start, end in self.windows(since_ms, span_ms=WEEK_MS):
            times = {"startTime": str(start), "endTime": str(end), "limit": str(PAGE)}
            for row in self._rows(calls.ALGO_HISTORY, params | times):
                self.parse_algo_order(row)
        for order_id in sorted(unknown):
            if self.client_ids.get(order_id) is None:
                try:
                    row = self._one(calls.ORDER, params | {"orderId": order_id})
                except OrderNotFound:
                    continue
                self.client_ids.learn(order_id, self.read.text_or_empty(row, "clientOrderId"))
