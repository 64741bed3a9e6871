"""BingX's orders, one at a time: placed, changed, canceled, looked up."""

from abc import ABC
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.conditionals import Conditionals, found
from apps.exchanges.connectors.bingx.events import BingxEvents
from apps.exchanges.connectors.bingx.words import FORCE_WORDS, KIND_WORDS, LEG_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from cts.domain.errors import AmbiguousResult, ExchangeError, OrderNotFound
from cts.domain.reconcile import SLACK_MS
from cts.domain.types import OrderAck, OrderRequest, OrderType, VenueOrder
from cts.domain.units import decimal_text
from cts.domain.venue import AmendRequest

HISTORY_SPAN_MS = 7 * 86_400_000
PAGE = 1000


class BingxOrders(BingxEvents, ABC):
    client_id_field: ClassVar[str] = "clientOrderId"
    cancel_call: ClassVar[Call] = calls.CANCEL
    cancel_all_call: ClassVar[Call] = calls.CANCEL_ALL
    order_call: ClassVar[Call] = calls.ORDER
    open_orders_call: ClassVar[Call] = calls.OPEN_ORDERS

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._conditionals = Conditionals()

    def envelope(self, call: Call, params: Mapping[str, Any] | None = None) -> Row:
        payload: Row = self.call(call, params)  # anything else was refused with the verdict
        return payload

    def data(self, call: Call, params: Mapping[str, Any] | None = None) -> Row:
        return self.read.mapping(self.envelope(call, params), "data")

    # --- placing ----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        kind = request.order_type
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "positionSide": LEG_WORDS[request.position_side] if self._hedged else "BOTH",
            "type": KIND_WORDS[kind],
            "quantity": decimal_text(request.quantity),
            "clientOrderId": request.client_order_id,
        }
        # In hedge mode side and leg already say "reduce", and the flag is refused beside them.
        if request.is_reduce_only and not self._hedged:
            params["reduceOnly"] = "true"
        if kind is OrderType.LIMIT and request.price is not None:
            params["price"] = decimal_text(request.price)
            params["timeInForce"] = FORCE_WORDS[request.time_in_force]
        elif kind.is_conditional:
            params["workingType"] = "CONTRACT_PRICE"
            if request.trigger_price is not None:
                name = "activationPrice" if kind is OrderType.TRAILING_STOP else "stopPrice"
                params[name] = decimal_text(request.trigger_price)
            if kind is OrderType.TRAILING_STOP and request.trail_ratio is not None:
                params["priceRate"] = decimal_text(request.trail_ratio)
        return calls.PLACE, params

    def place(self, request: OrderRequest) -> OrderAck:
        if not request.order_type.is_conditional:
            return super().place(request)
        self._conditionals.sent(request, at_ms=self.now_ms())
        try:
            return super().place(request)
        except ExchangeError as error:
            if not isinstance(error, AmbiguousResult):
                self._conditionals.refused(request.client_order_id)
            raise

    def recall(self, request: OrderRequest, *, sent_ms: int) -> None:
        if request.order_type.is_conditional:
            self._conditionals.recall(request, at_ms=sent_ms)

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        return self.acked(self.read.mapping(self.read.mapping(payload, "data"), "order"), request)

    def acked(self, row: Row, request: OrderRequest) -> OrderAck:
        # The text beside the number is for readers that would round it.
        order_id = self.read.identifier(row, "orderID" if row.get("orderID") else "orderId")
        self._learned_pair(request.client_order_id, order_id, is_conditional=request.order_type.is_conditional)
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    def _amend(self, request: AmendRequest) -> None:
        assert request.quantity is not None  # the only term this venue changes
        naming = self.naming(
            request.symbol, request.client_order_id, request.venue_order_id, is_conditional=request.is_conditional
        )
        self.call(calls.AMEND, naming | {"quantity": decimal_text(request.quantity)})

    # --- looking up -------------------------------------------------------------------------------------------------
    def naming(self, symbol: str, client_order_id: str, venue_order_id: str, *, is_conditional: bool) -> dict[str, str]:
        named = {"symbol": self.venue_symbol(symbol)}
        if is_conditional:
            venue_order_id = venue_order_id or self._conditional_id(symbol, client_order_id)
        if venue_order_id and (is_conditional or not client_order_id):
            return named | {"orderId": venue_order_id}
        return named | {self.client_id_field: client_order_id}

    def _conditional_id(self, symbol: str, client_order_id: str) -> str:
        """The venue's id: remembered, or of the order whose answer was lost and which is there all the same."""
        sent = self._conditionals.unsure(client_order_id)
        if sent is None:
            return self._conditionals.order_id(client_order_id)
        told = found(sent, self.open_orders(symbol)) or found(sent, self._history(symbol, since_ms=sent.at_ms))
        if told is None:
            return ""
        self._learned_pair(client_order_id, told.venue_order_id, is_conditional=True)
        return told.venue_order_id

    def _learned_pair(self, client_order_id: str, order_id: str, *, is_conditional: bool) -> None:
        self.client_ids.learn(order_id, client_order_id)
        if is_conditional:
            self._conditionals.learn(client_order_id, order_id)

    def named(self, told: VenueOrder) -> VenueOrder:
        """With our id where the venue doesn't tell it: known by now, or of an order on its way."""
        if told.client_order_id:
            return told
        name = self.client_ids.get(told.venue_order_id) or self._conditionals.name_of(told)
        if not name:
            return told
        self._learned_pair(name, told.venue_order_id, is_conditional=told.order_type.is_conditional)
        return msgspec.structs.replace(told, client_order_id=name)

    def _history(self, symbol: str, *, since_ms: int) -> list[VenueOrder]:
        start_ms = since_ms - SLACK_MS
        rows = self.history_rows(symbol, start_ms=start_ms, end_ms=start_ms + HISTORY_SPAN_MS)
        return [self.parse_order(row) for row in rows]

    def history_rows(self, symbol: str, *, start_ms: int, end_ms: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "startTime": str(start_ms), "endTime": str(end_ms)}
        return self.read.rows(self.data(calls.HISTORY, params | {"limit": str(PAGE)}), "orders")

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self.call(self.cancel_call, self.naming(symbol, client_order_id, venue_order_id, is_conditional=is_conditional))

    def cancel_all(self, symbol: str) -> None:
        self.call(self.cancel_all_call, {"symbol": self.venue_symbol(symbol)})

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        naming = self.naming(symbol, client_order_id, venue_order_id, is_conditional=is_conditional)
        return self.parse_order(self._order_row(naming))

    def _order_row(self, naming: Mapping[str, str]) -> Row:
        return self.read.mapping(self.data(self.order_call, naming), "order")

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        params = {"symbol": self.venue_symbol(symbol)} if symbol else {}
        rows = self.read.rows(self.data(self.open_orders_call, params), "orders")
        return [self.parse_order(row) for row in rows if self.symbol_or_none(row) is not None]

    def learn_client_ids(self, symbol: str, rows: Iterable[Row], *, since_ms: int | None) -> None:
        """Trades don't name it: from the history of orders, which tells many at once; then order by order."""
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
                try:
                    self._learn(self._order_row({"symbol": self.venue_symbol(symbol), "orderId": order_id}))
                except OrderNotFound:
                    continue

    def _learn(self, row: Row) -> None:
        order_id = self.read.identifier(row, "orderId")
        told = self.read.text_or_empty(row, "clientOrderId") or self.read.text_or_empty(row, "clientOrderID")
        if told or self.client_ids.get(order_id) is None:
            self.client_ids.learn(order_id, told)
