"""Pionex's lists of the past, which come newest first and are paged by time, and orders looked up by either id."""

from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.pionex import spec as calls
from apps.exchanges.connectors.pionex.rows import PionexRows
from apps.exchanges.connectors.spec import Call, Capability
from cts.domain.errors import OrderNotFound
from cts.domain.types import VenueFill, VenueOrder
from cts.domain.units import decimal_text
from cts.domain.venue import FundingPayment, FundingRate

PAGE = 200
RATES_PAGE = 500
WEEK_MS = 7 * 86_400_000
# More unknown orders than this are asked for by the page, not one by one.
SINGLE_LOOKUPS = 2


class PionexLedger(PionexRows, ABC):
    order_calls: ClassVar[calls.OrderCalls] = calls.ORDERS
    # How many are asked for, where that can be said.
    open_orders_limit: ClassVar[Mapping[str, int]] = {"limit": 500}
    fills_limit: ClassVar[Mapping[str, int]] = {"limit": PAGE}
    fills_page: ClassVar[int] = PAGE

    def _data(self, call: Call, params: Mapping[str, Any] | None = None) -> Row:
        return self.read.mapping(self.call(call, params), "data")

    def _listed(self, data: Row, field: str) -> list[Row]:
        """An empty list may come as null."""
        return [] if field in data and data[field] is None else self.read.rows(data, field)

    def _ours(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self.symbol_or_none(row) is not None]

    def _backwards(
        self, call: Call, params: Mapping[str, Any], *, field: str, since_ms: int, size: int, key: Callable[[Row], str]
    ) -> list[Row]:
        """All since then, newest first. Pages overlap by a millisecond, whether or not the end belongs to them."""
        found: dict[str, Row] = {}
        end_ms = self.now_ms() + 1000
        while True:
            times = {"startTime": since_ms, "endTime": end_ms}
            page = self._listed(self._data(call, {**params, **times}), field)
            fresh = {name: row for row in page if (name := key(row)) not in found}
            found |= fresh
            if len(page) < size or not fresh:
                return list(found.values())
            end_ms = min(self.read.integer(row, "timestamp") for row in page) + 1

    # --- orders -----------------------------------------------------------------------------------------------------
    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        self.plain_only(is_conditional)
        name = self._place_of(symbol)
        if order_id := venue_order_id or self.names.id_of(client_order_id):
            return self.parse_order(self._data(self.order_calls.order, name | {"orderId": order_id}))
        try:
            return self.parse_order(
                self._data(self.order_calls.order_by_client_id, name | {"clientOrderId": client_order_id})
            )
        except OrderNotFound:
            found = self._scanned(symbol, client_order_id)
            if found is None:
                raise
            return found

    def plain_only(self, is_conditional: bool) -> None:
        if is_conditional:
            self.require(Capability.CONDITIONAL)

    def _scanned(self, symbol: str, client_order_id: str) -> VenueOrder | None:
        """Client ids are known for hours only: one that is older is among the open orders, or the newest closed ones."""
        name = {"symbol": self.venue_symbol(symbol)}
        lists = (self.order_calls.open_orders, self.open_orders_limit), (self.order_calls.history, {"limit": PAGE})
        for call, limit in lists:
            for order in map(self.parse_order, self._listed(self._data(call, {**name, **limit}), "orders")):
                if order.client_order_id == client_order_id:
                    return order
        return None

    # --- fills ------------------------------------------------------------------------------------------------------
    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        since = self.now_ms() - WEEK_MS if since_ms is None else max(since_ms, 0)
        rows = self._fills_of(symbol, venue_order_id) if venue_order_id else self._fills_since(symbol, since)
        self._learn_names(symbol, rows)
        fills = [self.parse_fill(row) for row in rows if since_ms is None or self._at(row) >= since_ms]
        return sorted(fills, key=lambda fill: (fill.executed_ms, int(fill.venue_trade_id)))

    def _fills_since(self, symbol: str, since_ms: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), **self.fills_limit}
        call, size = self.order_calls.fills, self.fills_page
        return self._backwards(call, params, field="fills", since_ms=since_ms, size=size, key=self._trade_id)

    def _place_of(self, symbol: str) -> dict[str, Any]:
        """Where a single order is looked up."""
        return {"symbol": self.venue_symbol(symbol)}

    def _trade_id(self, row: Row) -> str:
        return self.read.identifier(row, "id")

    def _at(self, row: Row) -> int:
        return self.read.integer(row, "timestamp")

    def _fills_of(self, symbol: str, venue_order_id: str) -> list[Row]:
        params = {**self._place_of(symbol), "orderId": venue_order_id, **self.fills_limit}
        rows = self._listed(self._data(self.order_calls.fills_of_order, params), "fills")
        if len(rows) < self.fills_page:
            return rows
        # More than a page of them: all of the symbol since the order was made, and the others left out.
        made_ms = self.order(symbol, client_order_id="", venue_order_id=venue_order_id).created_ms
        rows = self._fills_since(symbol, made_ms)
        return [row for row in rows if self.read.identifier(row, "orderId") == venue_order_id]

    def _learn_names(self, symbol: str, rows: list[Row]) -> None:
        """Executions don't say whose order they were. Reading an order is enough to remember it."""
        unknown = self._unknown(rows)
        name = {"symbol": self.venue_symbol(symbol)}
        if len(unknown) > SINGLE_LOOKUPS:
            times = {"startTime": min(map(self._at, rows)), "endTime": self.now_ms() + 1000, "limit": PAGE}
            for call, params in ((self.order_calls.history, name | times), (self.order_calls.open_orders, name)):
                for row in self._listed(self._data(call, params), "orders"):
                    self.parse_order(row)
            unknown = self._unknown(rows)
        for order_id in unknown:
            self.learn_name(symbol, order_id)

    def _unknown(self, rows: list[Row]) -> list[str]:
        found = {self.read.identifier(row, "orderId") for row in rows}
        return sorted(order_id for order_id in found if self.names.get(order_id) is None)

    def learn_name(self, symbol: str, order_id: str) -> None:
        """Ask whose order this is; one the venue has forgotten stays nameless."""
        try:
            self.order(symbol, client_order_id="", venue_order_id=order_id)
        except OrderNotFound:
            return

    # --- funding ----------------------------------------------------------------------------------------------------
    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        found: dict[int, FundingRate] = {}
        end_ms, size = self.now_ms(), min(limit, RATES_PAGE)
        while len(found) < limit:
            params = {"symbol": self.venue_symbol(symbol), "endTime": end_ms, "limit": size}
            rows = self._listed(self._data(calls.FUNDING_RATES, params), "rates")
            page = {rate.at_ms: rate for rate in (self._funding_rate(symbol, row) for row in rows)}
            is_done = len(rows) < size or not page.keys() - found.keys()
            found |= page
            if is_done or (since_ms is not None and min(page) < since_ms):
                break
            end_ms = min(page)
        newest = sorted(at_ms for at_ms in found if since_ms is None or at_ms >= since_ms)[-limit:]
        return [found[at_ms] for at_ms in newest]

    def _funding_rate(self, symbol: str, row: Row) -> FundingRate:
        rate = self.read.signed(row, "fundingRate")
        return FundingRate(symbol=symbol, rate=rate, at_ms=self.read.integer(row, "fundingTime"))

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        since = self.now_ms() - WEEK_MS if since_ms is None else max(since_ms, 0)
        rows = self._backwards(
            calls.FUNDING_PAYMENTS, {"limit": PAGE}, field="fundings", since_ms=since, size=PAGE, key=self._payment_key
        )
        payments = [self._payment(row) for row in self._ours(reversed(rows))]
        return sorted(payments, key=lambda payment: payment.at_ms)

    def _payment_key(self, row: Row) -> str:
        names = ("symbol", "timestamp", "isolatedMode", "fundingFee")
        return "-".join(str(row.get(name)) for name in names)

    def _payment(self, row: Row) -> FundingPayment:
        """The fee is positive when paid. No id is told: one funding of one leg is known by its time, mode and amount."""
        fee = self.read.signed(row, "fundingFee")
        at_ms, mode = self._at(row), self.read.text(row, "isolatedMode")
        return FundingPayment(
            payment_id=f"{at_ms}-{mode}-{decimal_text(fee)}",
            symbol=self.symbol(row),
            amount=-fee,
            asset=self.read.text(row, "fundingCoin"),
            at_ms=at_ms,
        )
