"""What became of BingX's orders: trades, and what funding moved."""

from abc import ABC

from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.orders import HISTORY_SPAN_MS, PAGE, BingxOrders
from apps.exchanges.connectors.parsing import Row
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
        self.learn_client_ids(symbol, rows.values(), since_ms=since_ms)
        fills = [self.parse_fill(row) for row in rows.values()]
        return sorted(fills, key=lambda fill: (fill.executed_ms, len(fill.venue_trade_id), fill.venue_trade_id))

    def _fill_rows(self, data: Row) -> list[Row]:
        """The list has had two names, and is null when empty."""
        name = "fill_history_orders" if "fill_history_orders" in data else "fill_orders"
        return self.read.all_rows([] if name in data and data[name] is None else data.get(name), name)

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
