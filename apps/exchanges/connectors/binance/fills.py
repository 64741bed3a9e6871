"""Binance's trades, which don't say whose order they were: client ids are looked up and remembered."""

from abc import ABC
from collections.abc import Iterable
from typing import Any, ClassVar

from apps.exchanges.connectors.binance.feed import BinanceFeed
from apps.exchanges.connectors.client_ids import ClientIds
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from cts.domain.errors import OrderNotFound
from cts.domain.types import VenueFill

PAGE = 1000


class BinanceFills(BinanceFeed, ABC):
    fills_call: ClassVar[Call]
    order_call: ClassVar[Call]
    fills_span_ms: ClassVar[int]
    # Whether trades of one order are told whole, and refuse bounds of time.
    is_order_unbounded: ClassVar[bool] = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_ids = ClientIds()

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = {"symbol": self.venue_symbol(symbol), "limit": str(PAGE)}
        if venue_order_id:
            params["orderId"] = venue_order_id
        rows: dict[str, Row] = {}
        spans = [
            {"startTime": str(s), "endTime": str(e)} for s, e in self.windows(since_ms, span_ms=self.fills_span_ms)
        ]
        for span in [{}] if venue_order_id and self.is_order_unbounded else spans:
            page = self._rows(self.fills_call, params | span)
            while page:
                fresh = {self.read.identifier(row, "id"): row for row in page}
                rows |= fresh
                if len(page) < PAGE:
                    break
                # The cursor excludes the time bounds, so later windows may repeat what it brought: keyed by id.
                following = {"fromId": str(max(map(int, fresh)) + 1)}
                page = self._rows(self.fills_call, params | following)
        self._learn_client_ids(symbol, rows.values(), since_ms=since_ms)
        fills = [self.parse_fill(row) for row in rows.values()]
        return sorted(fills, key=lambda fill: (fill.executed_ms, int(fill.venue_trade_id)))

    def _learn_client_ids(self, symbol: str, rows: Iterable[Row], *, since_ms: int | None) -> None:
        """Trades don't carry client ids: ask for what conditional orders became, then order by order."""
        unknown = {
            order_id for row in rows if self.client_ids.get(order_id := self.read.identifier(row, "orderId")) is None
        }
        if not unknown:
            return
        self._learn_history(symbol, since_ms=since_ms)
        params = {"symbol": self.venue_symbol(symbol)}
        for order_id in sorted(unknown):
            if self.client_ids.get(order_id) is None:
                try:
                    row = self._one(self.order_call, params | {"orderId": order_id})
                except OrderNotFound:
                    continue
                self.client_ids.learn(order_id, self.read.text_or_empty(row, "clientOrderId"))

    def _learn_history(self, symbol: str, *, since_ms: int | None) -> None:
        """Where orders change their id on the way."""
