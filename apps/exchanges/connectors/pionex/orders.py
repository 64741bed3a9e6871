"""Pionex's orders: worded, placed alone or by the batch, canceled by the venue's own ids."""

from abc import ABC
from typing import Any

from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.pionex.ledger import PionexLedger
from apps.exchanges.connectors.pionex.names import OrderName
from apps.exchanges.connectors.pionex.words import FORCE_WORDS, LEG_WORDS, SIDE_WORDS
from apps.exchanges.connectors.spec import Call
from cts.domain.errors import AmbiguousResult, ExchangeError, OrderNotFound, PayloadError, Rejected
from cts.domain.types import OrderAck, OrderRequest, OrderType, TimeInForce, VenueOrder
from cts.domain.units import decimal_text

OPEN_PAGE = 500


class PionexOrders(PionexLedger, ABC):
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        is_limit = request.order_type is OrderType.LIMIT
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "type": FORCE_WORDS[request.time_in_force] if is_limit else "MARKET_QTY",
            "size": decimal_text(request.quantity),
            "clientOrderId": request.client_order_id,
        }
        if is_limit and request.price is not None:
            params["price"] = decimal_text(request.price)
        if self._hedged:
            # Side and leg already say "reduce" here, and the flag is refused beside them.
            params["positionSide"] = LEG_WORDS[request.position_side]
        elif request.is_reduce_only:
            params["reduceOnly"] = True
        return self.order_calls.place, params

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        return self._named(self.read.mapping(payload, "data"), request)

    def _named(self, row: Row, request: OrderRequest) -> OrderAck:
        order_id = self.read.identifier(row, "orderId")
        self.names.learn(order_id, self._name(request))
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    def _name(self, request: OrderRequest) -> OrderName:
        return OrderName(request.client_order_id, request.position_side if self._hedged else None)

    def learn(self, request: OrderRequest, *, venue_order_id: str) -> None:
        self.names.learn(venue_order_id, self._name(request))

    # --- batches ----------------------------------------------------------------------------------------------------
    def _place_group(self, request: OrderRequest) -> str | None:
        """Resting limit orders of one symbol go together, the rest one by one."""
        is_resting = request.order_type is OrderType.LIMIT and request.time_in_force is TimeInForce.GTC
        return request.symbol if is_resting else None

    def _place_batch(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        """A batch is taken or refused as a whole. Refused, its orders are asked for one by one, so that what is wrong
        with one of them isn't said of all; an id that was taken after all would be refused as a repeated one.
        """
        if len(requests) == 1:
            return [self._alone(requests[0])]
        try:
            return self._together(requests)
        except Rejected:
            return [self._alone(request) for request in requests]

    def _alone(self, request: OrderRequest) -> OrderAck | ExchangeError:
        try:
            return self.place(request)
        except ExchangeError as error:
            return error

    def _together(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        orders = [self._order_call(request)[1] for request in requests]
        symbol = orders[0]["symbol"]
        for order in orders:
            del order["symbol"]
        is_urgent = any(request.is_reduce_only for request in requests)
        payload = self.call(self.order_calls.place_many, {"symbol": symbol, "orders": orders}, is_urgent=is_urgent)
        try:
            rows = self.read.rows(self.read.mapping(payload, "data"), "orderIds")
        except PayloadError as error:
            raise AmbiguousResult(error.message, exchange=self.spec.name) from None
        told = {row.get("clientOrderId"): row for row in rows}
        return [self._outcome_in(told.get(request.client_order_id), request) for request in requests]

    def _outcome_in(self, row: Row | None, request: OrderRequest) -> OrderAck | ExchangeError:
        """The batch was taken; what can't be read of its answer may be any of its orders."""
        try:
            return self._named(row or {}, request)
        except PayloadError as error:
            return AmbiguousResult(error.message, exchange=self.spec.name)

    # --- cancels, and what is open ----------------------------------------------------------------------------------
    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        """By the venue's id alone; where only ours is known, the order is looked up first."""
        self.plain_only(is_conditional)
        order_id = venue_order_id or self.names.id_of(client_order_id)
        if not order_id:
            found = self.order(symbol, client_order_id=client_order_id)
            if found.status.is_final:
                raise OrderNotFound(f"Pionex: order {client_order_id} is already {found.status}", exchange="pionex")
            order_id = found.venue_order_id
        if not order_id.isdigit():
            raise OrderNotFound(f"Pionex has no order {order_id!r}: its ids are numbers", exchange="pionex")
        self.call(self.order_calls.cancel, {"symbol": self.venue_symbol(symbol), "orderId": int(order_id)})

    def cancel_all(self, symbol: str) -> None:
        self.call(self.order_calls.cancel_all, {"symbol": self.venue_symbol(symbol)})

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """The venue allows 200 a symbol; pages by time of creation, overlapping by a millisecond."""
        name = {"symbol": self.venue_symbol(symbol)} if symbol else {}
        found: dict[str, VenueOrder] = {}
        times: dict[str, int] = {}
        while True:
            rows = self._listed(
                self._data(self.order_calls.open_orders, {**name, **times, "limit": OPEN_PAGE}), "orders"
            )
            page = {order.venue_order_id: order for order in map(self.parse_order, self._ours(rows))}
            is_done = len(rows) < OPEN_PAGE or not page.keys() - found.keys()
            found |= page
            if is_done:
                return [order for order in found.values() if not order.status.is_final]
            times = {"endTime": min(order.created_ms for order in page.values()) + 1}
