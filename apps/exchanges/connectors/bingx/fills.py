"""What became of BingX's orders: trades, which don't name the client id, and what funding moved."""

from abc import ABC
from collections.abc import Iterable

from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.orders import HISTORY_SPAN_MS, PAGE, BingxOrders
from apps.exchanges.connectors.parsing import Row
from cts.domain.errors import OrderNotFound
from cts.domain.types import VenueFill
from cts.domain.venue import FundingPayment


class BingxFills(BingxOrders, ABC):
    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = {"symbol": self.venue_symbol(symbol), "pageSize": str(PAGE)}
        if venue_order_id:
            params["orderId"] = venue_order_id
        rows: dict[str, Row] = {}
        for start, end in self.windows(since_ms, span_ms=HISTORY_SPAN_MS):
            page_number, page = 1, [Row()] * PAGE
            while len(page) == PAGE:
                times = {"startTs": str(start), "endTs": str(end), "pageIndex": str(page_number)}
                page = self._fill_rows(self.data(calls.FILLS, params | times))
                # Trades that happen between two pages move the rest along: keyed by id, none counts twice.
                rows |= {self.read.identifier(row, "tradeId"): row for row in page}
                page_number += 1
        self._learn_client_ids(symbol, rows.values(), since_ms=since_ms)
        fills = [self.parse_fill(row) for row in rows.values()]
        return sorted(fills, key=lambda fill: (fill.executed_ms, len(fill.venue_trade_id), fill.venue_trade_id))

    def _fill_rows(self, data: Row) -> list[Row]:
        """The list has had two names, and is null when empty."""
        name = "fill_history_orders" if "fill_history_orders" in data else "fill_orders"
        return self.read.all_rows([] if name in data and data[name] is None else data.get(name), name)

    def _learn_client_ids(self, symbol: str, rows: Iterable[Row], *, since_ms: int | None) -> None:
        """From the history of orders, which tells many at once; then order by order."""
        unknown = {
            order_id for row in rows if self.client_ids.get(order_id := self.read.identifier(row, "orderId")) is None
        }
        if not unknown:
            return
        for start, end in self.windows(since_ms, span_ms=HISTORY_SPAN_MS):
            for row in self.history_rows(symbol, start_ms=start, end_ms=end):
                self._learn(row)
        for order_id in sorted(unknown):
            if self.client_ids.get(order_id) is None:
                naming = {"symbol": self.venue_symbol(symbol), "orderId": order_id}
                try:
                    self._learn(self.read.mapping(self.data(calls.ORDER, naming), "order"))
                except OrderNotFound:
                    continue

    def _learn(self, row: Row) -> None:
        order_id = self.read.identifier(row, "orderId")
        told = self.read.text_or_empty(row, "clientOrderId") or self.read.text_or_empty(row, "clientOrderID")
        if told or self.client_ids.get(order_id) is None:
            self.client_ids.learn(order_id, told)

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        found: dict[tuple[str, str], FundingPayment] = {}
        for start, end in self.windows(since_ms, span_ms=HISTORY_SPAN_MS):
            while True:
                params = {"incomeType": "FUNDING_FEE", "startTime": str(start), "endTime": str(end)}
                envelope = self.envelope(calls.INCOME, params | {"limit": str(PAGE)})
                rows = self.read.all_rows(envelope.get("data") or [], "data")
                payments = [self.parse_funding_payment(row) for row in rows if self.symbol_or_none(row) is not None]
                found |= {(payment.payment_id, payment.symbol): payment for payment in payments}
                newest = max((self.read.integer(row, "time") for row in rows), default=start)
                if len(rows) < PAGE or newest <= start:
                    break
                start = newest
        return sorted(found.values(), key=lambda payment: (payment.at_ms, payment.symbol))
