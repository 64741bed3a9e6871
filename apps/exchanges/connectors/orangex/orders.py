"""OrangeX's orders. The venue knows them by its own ids only: ours are looked for in what it lists.

Where the lists come back without our id, an order is recognized by its side, kind, amount, prices and time, which were
noted before it was sent; that works within the process that sent it, and only where no second order is alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from apps.exchanges.connectors.orangex import spec as calls
from apps.exchanges.connectors.orangex.rows import OrangeXRows
from apps.exchanges.connectors.orangex.words import CONDITION_WORDS, FORCE_WORDS, LAST_PRICE, LEG_WORDS, PERPETUAL
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call, Capability
from cts.domain.errors import OrderNotFound, Rejected, Unavailable
from cts.domain.types import OrderAck, OrderRequest, OrderType, Side, TimeInForce, VenueFill, VenueOrder
from cts.domain.units import decimal_text

PAGE = 100
HISTORY_PAGES = 10
WEEK_MS = 7 * 86_400_000


class OrangeXOrders(OrangeXRows, ABC):
    # What lists of everything are asked for by.
    currency: ClassVar[str] = PERPETUAL

    @abstractmethod
    def last_price(self, symbol: str) -> Any: ...

    def result(self, call: Call, params: Mapping[str, Any]) -> Row:
        return self.read.mapping(self.call(call, params), "result")

    def rows_of(self, call: Call, params: Mapping[str, Any]) -> list[Row]:
        return self.read.rows(self.call(call, params), "result")

    def rows(self, call: Call, params: Mapping[str, Any]) -> list[Row]:
        """Of symbols of ours: lists by currency may have contracts of other kinds."""
        return [row for row in self.rows_of(call, params) if self.symbol_or_none(row, "instrument_name") is not None]

    def named(self, symbol: str) -> dict[str, str]:
        return {"instrument_name": self.venue_symbol(symbol)}

    # --- placing ----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        is_limit = request.order_type is OrderType.LIMIT
        params: dict[str, Any] = {
            "instrument_name": self.venue_symbol(request.symbol),
            "amount": decimal_text(request.quantity),
            "type": "limit" if is_limit else "market",
            "custom_order_id": request.client_order_id,
            # Left out it means one-way, and in hedge mode such an order is taken and then canceled.
            "position_side": LEG_WORDS[request.position_side] if self._hedged else "BOTH",
        }
        if is_limit and request.price is not None:
            params["price"] = decimal_text(request.price)
            params["time_in_force"] = FORCE_WORDS[request.time_in_force]
            if request.time_in_force is TimeInForce.POST_ONLY:
                params["post_only"] = True
        if request.is_reduce_only:
            params["reduce_only"] = True
        if request.trigger_price is not None and request.order_type in CONDITION_WORDS:
            params["condition_type"] = CONDITION_WORDS[request.order_type]
            params["trigger_price"] = decimal_text(request.trigger_price)
            params["trigger_price_type"] = LAST_PRICE
        return calls.BUY if request.side is Side.BUY else calls.SELL, params

    def place(self, request: OrderRequest) -> OrderAck:
        self.order_checked(request)
        self.venue_symbol(request.symbol)
        if request.order_type in CONDITION_WORDS:
            self._check_not_reached(request)
        self.placed.wish(request, at_ms=self.now_ms())
        return super().place(request)

    def _check_not_reached(self, request: OrderRequest) -> None:
        """The venue takes a trigger the price is beyond already, and then never fires it: refused here as others do."""
        price, trigger = self.last_price(request.symbol), request.trigger_price
        if price is None or trigger is None:
            return
        is_rising = (request.order_type is OrderType.STOP_MARKET) is (request.side is Side.BUY)
        if price >= trigger if is_rising else price <= trigger:
            raise Rejected(
                f"OrangeX: the price {price} has reached the trigger {trigger} already", exchange=self.spec.name
            )

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        """Taken, and nothing more: the state is asked for, or comes by the stream."""
        order_id = self.read.identifier(self.read.mapping(self.read.mapping(payload, "result"), "order"), "order_id")
        leg = request.position_side if self._hedged else None
        self.placed.learn(order_id, request.client_order_id, leg)
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    # --- canceling --------------------------------------------------------------------------------------------------
    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        order_id = venue_order_id or self.placed.id_of(client_order_id)
        if not order_id:
            found = self._pick(self._open(symbol), client_order_id)
            if found is None:
                raise self._absent(client_order_id)
            order_id = found.venue_order_id
        self.call(calls.CANCEL, {"order_id": order_id})

    def cancel_all(self, symbol: str) -> None:
        """Whether the venue's own call takes conditional orders too isn't told: those it left are canceled one by one."""
        self.call(calls.CANCEL_ALL, self.named(symbol))
        for order in self._open(symbol) if self.spec.can(Capability.CONDITIONAL) else ():
            if order.order_type.is_conditional:
                try:
                    self.call(calls.CANCEL, {"order_id": order.venue_order_id})
                except OrderNotFound:
                    continue

    # --- asking -----------------------------------------------------------------------------------------------------
    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        order_id = venue_order_id or self.placed.id_of(client_order_id)
        failure: Exception = self._absent(client_order_id or venue_order_id)
        if order_id:
            try:
                row = self.result(calls.ORDER, {"order_id": order_id})
                return self._called(self.learned(self.parse_order(row)), client_order_id)
            except OrderNotFound as error:
                failure = error
            except Unavailable as error:
                if error.venue_code != calls.NO_RESULT:
                    raise
                failure = error  # not yet to be asked for by its id, but perhaps in the lists
        found = self._pick(self._listed(symbol), client_order_id, order_id)
        if found is None:
            raise failure
        return found

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        return self._open(symbol)

    def _open(self, symbol: str | None) -> list[VenueOrder]:
        call, params = (
            (calls.OPEN_ORDERS, self.named(symbol)) if symbol else (calls.OPEN_ORDERS_ALL, {"currency": self.currency})
        )
        orders = [self.learned(self.parse_order(row)) for row in self.rows(call, params)]
        return [order for order in orders if not order.status.is_final]

    def _listed(self, symbol: str) -> Iterator[VenueOrder]:
        """Open orders, then ended ones, newest first."""
        yield from self._open(symbol)
        for page in range(HISTORY_PAGES):
            rows = self.rows(calls.HISTORY, self.named(symbol) | {"count": PAGE, "offset": page * PAGE})
            for row in rows:
                yield self.learned(self.parse_order(row))
            if len(rows) < PAGE:
                return

    def _pick(self, orders: Iterable[VenueOrder], client_order_id: str, order_id: str = "") -> VenueOrder | None:
        wish = self.placed.wish_of(client_order_id)
        alike = []
        for order in orders:
            if order.venue_order_id == order_id or (client_order_id and order.client_order_id == client_order_id):
                return self._called(order, client_order_id)
            if not order.client_order_id and wish is not None and wish.is_met_by(order):
                alike.append(order)
        if len(alike) > 1:
            raise Unavailable(
                f"OrangeX lists {len(alike)} nameless orders that could be {client_order_id}", exchange=self.spec.name
            )
        return self._called(alike[0], client_order_id) if alike else None

    def _called(self, order: VenueOrder, client_order_id: str) -> VenueOrder:
        if not client_order_id or order.client_order_id == client_order_id:
            return order
        return self.learned(msgspec.structs.replace(order, client_order_id=client_order_id))

    def _absent(self, name: str) -> OrderNotFound:
        return OrderNotFound(f"OrangeX lists no order {name}", exchange=self.spec.name)

    # --- fills ------------------------------------------------------------------------------------------------------
    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        call, params = calls.FILLS, self.named(symbol) | {"count": PAGE, "sorting": "asc"}
        if venue_order_id:
            call, params = calls.FILLS_OF_ORDER, {"order_id": venue_order_id, "count": PAGE, "sorting": "asc"}
        else:
            now = self.now_ms()
            since = now - WEEK_MS if since_ms is None else since_ms
            params |= {"start_timestamp": str(since), "end_timestamp": str(now + 1000)}
        rows: dict[str, Row] = {}
        while True:
            page = self.result(call, params)
            fresh = {self.read.identifier(row, "trade_id"): row for row in self.read.rows(page, "trades")}
            is_new = fresh.keys() - rows.keys()
            rows |= fresh
            if not is_new or not self.read.flag(page, "has_more"):
                break
            params = params | {"start_id": str(max(map(int, fresh)) + 1)}
        self._learn_orders(symbol, rows.values())
        fills = [self.parse_fill(row) for row in rows.values()]
        return sorted(fills, key=lambda fill: (fill.executed_ms, int(fill.venue_trade_id)))

    def _learn_orders(self, symbol: str, rows: Iterable[Row]) -> None:
        """Trades don't carry client ids: the lists do, and then order by order."""
        unknown = {self.read.identifier(row, "order_id") for row in rows}
        unknown = {order_id for order_id in unknown if self.placed.known(order_id) is None}
        if len(unknown) > 1:
            for order in self._listed(symbol):
                unknown.discard(order.venue_order_id)
                if not unknown:
                    return
        for order_id in sorted(unknown):
            try:
                self.learned(self.parse_order(self.result(calls.ORDER, {"order_id": order_id})))
            except OrderNotFound:
                continue
