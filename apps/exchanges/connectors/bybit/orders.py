"""Bybit's orders and executions, of any of its markets."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec

from apps.exchanges.connectors.bybit import spec as calls
from apps.exchanges.connectors.bybit.wording import BybitWording
from apps.exchanges.connectors.bybit.words import FILL_TYPES, FORCE_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from cts.domain.errors import ExchangeError, OrderNotFound, Rejected
from cts.domain.types import OrderAck, OrderRequest, OrderType, VenueFill, VenueOrder
from cts.domain.units import decimal_text
from cts.domain.venue import AmendRequest, CancelRequest

WEEK_MS = 7 * 86_400_000
# What an amendment that changes nothing is answered with, under the code of every wrong parameter.
UNCHANGED = "order remains unchanged"


class BybitOrders(BybitWording):
    @abstractmethod
    def _order_terms(self, request: OrderRequest) -> dict[str, Any]:
        """One order in the venue's words, without its category."""

    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        params = self._order_terms(request)
        params["category"] = self.category
        return calls.PLACE, params

    def _plain_terms(self, request: OrderRequest) -> dict[str, Any]:
        is_limit = request.order_type is OrderType.LIMIT
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "orderType": "Limit" if is_limit else "Market",
            "qty": decimal_text(request.quantity),
            "orderLinkId": request.client_order_id,
        }
        if is_limit and request.price is not None:
            params["price"] = decimal_text(request.price)
            params["timeInForce"] = FORCE_WORDS[request.time_in_force]
        return params

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        return self._acked(self.read.mapping(payload, "result"), request)

    def _acked(self, row: Row, request: OrderRequest) -> OrderAck:
        order_id = self.read.identifier(row, "orderId")
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    def _naming(self, symbol: str, client_order_id: str, venue_order_id: str) -> dict[str, str]:
        name = {"orderLinkId": client_order_id} if client_order_id else {"orderId": venue_order_id}
        return {"symbol": self.venue_symbol(symbol)} | name

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self.call(calls.CANCEL, self.in_category | self._naming(symbol, client_order_id, venue_order_id))

    def cancel_all(self, symbol: str) -> None:
        self.call(calls.CANCEL_ALL, self.in_category | {"symbol": self.venue_symbol(symbol)})

    def _amend(self, request: AmendRequest) -> None:
        terms = {"qty": request.quantity, "price": request.price, "triggerPrice": request.trigger_price}
        words = {name: decimal_text(value) for name, value in terms.items() if value is not None}
        naming = self._naming(request.symbol, request.client_order_id, request.venue_order_id)
        try:
            self.call(calls.AMEND, self.in_category | naming | words)
        except Rejected as refused:
            if UNCHANGED not in refused.message:
                raise

    # --- batches ----------------------------------------------------------------------------------------------------
    def _place_batch(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        told = self._batch(calls.PLACE_BATCH, [self._order_terms(request) for request in requests])
        return [error or self._acked(row, request) for request, (row, error) in zip(requests, told, strict=True)]

    def _cancel_batch(self, requests: list[CancelRequest]) -> list[ExchangeError | None]:
        entries = [self._naming(r.symbol, r.client_order_id, r.venue_order_id) for r in requests]
        return [error for _, error in self._batch(calls.CANCEL_BATCH, entries)]

    def _batch(self, call: Call, entries: Sequence[dict[str, Any]]) -> list[tuple[Row, ExchangeError | None]]:
        """Each entry counts like a request of its own; rows and codes come back in the entries' order."""
        (ip, _), (rule, _) = call.costs
        call = msgspec.structs.replace(call, costs=((ip, 1), (rule, len(entries))))
        payload = self.call(call, {**self.in_category, "request": entries})
        read = self.read
        rows = read.rows(read.mapping(payload, "result"), "list")
        codes = read.rows(read.mapping(payload, "retExtInfo"), "list")
        if len(rows) != len(entries) or len(codes) != len(entries):
            read.refuse("list", rows)
        return [(row, self._entry_error(call, said)) for row, said in zip(rows, codes, strict=True)]

    def _entry_error(self, call: Call, said: Row) -> ExchangeError | None:
        code = self.read.integer(said, "code")
        return self.item_error(call, code=str(code), message=self.read.text_or_empty(said, "msg")) if code else None

    # --- what became of them ----------------------------------------------------------------------------------------
    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        # The first keeps only the last 500 final orders and forgets them on a restart of the venue's service.
        naming = self.in_category | self._naming(symbol, client_order_id, venue_order_id)
        for source in (calls.ORDERS, calls.HISTORY):
            rows = self.read.rows(self._result_of(source, naming), "list")
            if rows:
                return self.parse_order(rows[0])
        raise OrderNotFound(f"Bybit knows no order {client_order_id or venue_order_id}", exchange="bybit")

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        params = self.in_category | {"symbol": self.venue_symbol(symbol)} if symbol else self.in_whole
        rows = self._pages(calls.ORDERS, params | {"openOnly": "0", "limit": "50"})
        orders = [self.parse_order(row) for row in rows if self.symbol_or_none(row) is not None]
        return [order for order in orders if not order.status.is_final]

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = {"symbol": self.venue_symbol(symbol)}
        if venue_order_id:
            params["orderId"] = venue_order_id
        rows = self._executions(params, since_ms=since_ms)
        fills = [self.parse_fill(row) for row in rows if row.get("execType") in FILL_TYPES]
        return sorted(fills, key=lambda fill: fill.executed_ms)

    def _executions(self, params: dict[str, str], *, since_ms: int | None) -> list[Row]:
        rows: list[Row] = []
        for start, end in self.windows(since_ms, span_ms=WEEK_MS):
            times = {"startTime": str(start), "endTime": str(end), "limit": "100"}
            rows += self._pages(calls.FILLS, self.in_category | params | times)
        # They come newest first: turned round, so that equal milliseconds keep their order.
        rows.reverse()
        return rows
