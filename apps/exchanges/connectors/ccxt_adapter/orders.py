"""Orders through ccxt: placed, amended, canceled, found again, and what was executed of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from apps.exchanges.connectors.ccxt_adapter.rows import CcxtRows
from apps.exchanges.connectors.ccxt_adapter.spec import CANCEL_CODE
from apps.exchanges.connectors.ccxt_adapter.words import became, trigger_words
from apps.exchanges.connectors.errors import held_up_check
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Capability, Intent
from cts.domain.errors import AmbiguousResult, ExchangeError, OrderNotFound, Rejected, Unsupported
from cts.domain.types import OrderAck, OrderRequest, OrderType, TimeInForce, VenueOrder
from cts.domain.venue import AmendRequest

_FORCES: dict[TimeInForce, dict[str, Any]] = {
    TimeInForce.GTC: {},
    TimeInForce.IOC: {"timeInForce": "IOC"},
    TimeInForce.FOK: {"timeInForce": "FOK"},
    TimeInForce.POST_ONLY: {"postOnly": True},
}
_LISTS = ("fetchOrders", "fetchCanceledAndClosedOrders", "fetchClosedOrders", "fetchCanceledOrders")
TRIGGER = {"trigger": True}


class CcxtOrders(CcxtRows):
    # --- writes -----------------------------------------------------------------------------------------------------
    def place(self, request: OrderRequest) -> OrderAck:
        self.order_checked(request)
        params = self._order_params(request)
        amount = request.quantity / self.contract_size(request.symbol)
        price = self._order_price(request)
        kind = "limit" if request.order_type is OrderType.LIMIT else "market"
        held_up_check(request.send_by, exchange=self.spec.name)
        self.memory.placed(request)
        terms = (request.symbol, kind, str(request.side), amount, price, params)
        try:
            told = self.call(self.client.create_order, *terms, intent=Intent.PLACE)
        except AmbiguousResult:
            raise
        except ExchangeError:
            self.memory.forget(request.client_order_id)
            raise
        venue_id = str(told.get("id") or "") if isinstance(told, dict) else ""
        if not venue_id:
            raise AmbiguousResult(f"{self.spec.label} answered without an order's id", exchange=self.spec.name)
        self.memory.acknowledged(request.client_order_id, venue_id, request.symbol)
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=venue_id)

    def _order_params(self, request: OrderRequest) -> dict[str, Any]:
        params: dict[str, Any] = {"clientOrderId": request.client_order_id}
        if request.order_type is OrderType.LIMIT:
            params |= _FORCES[request.time_in_force]
        is_closing = request.is_reduce_only
        if self._is_linear and self._hedged:
            # There ccxt tells the leg by whether the order closes, so that an exit has to say that it is one.
            is_exit = request.side is request.position_side.exit_side
            if is_closing and not is_exit:
                raise Rejected("An order that only reduces can't add to its leg", exchange=self.spec.name)
            params["hedged"], is_closing = True, is_exit
        if self._is_linear and is_closing:
            params["reduceOnly"] = True
        if request.trigger_price is not None and request.order_type.is_conditional:
            params |= trigger_words(request, is_closing=is_closing, can=self.order_feature)
        return params

    def _order_price(self, request: OrderRequest) -> Decimal | None:
        if request.order_type is OrderType.LIMIT:
            return request.price
        if self._is_linear or request.side != "buy" or not self.order_feature("marketBuyRequiresPrice"):
            return None
        # The venue takes what is to be spent; ccxt reckons it from a price.
        told = self.call(self.client.fetch_ticker, request.symbol, is_signed=False)
        return self.read.positive_or_none(told, "ask") or self.read.positive(told, "last")

    def _amend(self, request: AmendRequest) -> None:
        found = self.order(
            request.symbol, client_order_id=request.client_order_id, venue_order_id=request.venue_order_id
        )
        if found.status.is_final:
            raise OrderNotFound(f"{self.spec.label}: order {found.venue_order_id} is final", exchange=self.spec.name)
        amount = (request.quantity or found.quantity) / self.contract_size(request.symbol)
        price = request.price or found.price
        terms = (found.venue_order_id, request.symbol, "limit", str(found.side), amount, price)
        self.call(self.client.edit_order, *terms, intent=Intent.PLACE)

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self.market_of(symbol)
        venue_id, params = venue_order_id or self._venue_id(client_order_id), self._trigger(CANCEL_CODE, is_conditional)
        if not venue_id and self.spec.can(Capability.CANCEL_BY_CLIENT_ID):
            params |= {"clientOrderId": client_order_id}
        elif not venue_id:
            found = self.order(symbol, client_order_id=client_order_id, is_conditional=is_conditional)
            venue_id = found.venue_order_id
        self.call(self.client.cancel_order, venue_id, symbol, params, intent=Intent.CANCEL)

    def cancel_all(self, symbol: str) -> None:
        self.market_of(symbol)
        if self.has("cancelAllOrders"):
            self.call(self.client.cancel_all_orders, symbol, intent=Intent.CANCEL)
        for order in self.open_orders(symbol):
            try:
                self.cancel(
                    symbol,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                    is_conditional=order.order_type.is_conditional,
                )
            except OrderNotFound:
                continue  # it ended by itself

    # --- reads ------------------------------------------------------------------------------------------------------
    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        """By whatever road ccxt has there: the venue's id, ours, or the lists of orders."""
        self.market_of(symbol)
        venue_id = venue_order_id or self._venue_id(client_order_id)
        params = self._trigger("fetch_order", is_conditional)
        roads: list[Callable[[], VenueOrder | None]] = []
        if venue_id and self.has("fetchOrder"):
            roads.append(lambda: self._order_told(venue_id, symbol, params))
        if client_order_id and self.has("fetchOrder") and self.spec.can(Capability.QUERY_BY_CLIENT_ID):
            roads.append(lambda: self._order_told("", symbol, params | {"clientOrderId": client_order_id}))
        roads.append(lambda: self._order_listed(symbol, client_order_id, venue_id))
        for road in roads:
            try:
                found = road()
            except (OrderNotFound, Unsupported):
                continue
            if found is not None and found.client_order_id in ("", client_order_id or found.client_order_id):
                return found
        name = client_order_id or venue_order_id
        raise OrderNotFound(f"{self.spec.label} knows no order {name}", exchange=self.spec.name)

    def _order_told(self, venue_id: str, symbol: str, params: dict[str, Any]) -> VenueOrder | None:
        row = self.read.mapping({"order": self.call(self.client.fetch_order, venue_id, symbol, params)}, "order")
        order, following = self.parse_order(row), became(row)
        if order is None or not following:
            return order
        # A trigger that fired lives on as another order: its fills and end are told there, what it is, here.
        plain = self._order_told(following, symbol, {})
        names = {"client_order_id": order.client_order_id, "order_type": order.order_type}
        return plain and msgspec.structs.replace(plain, **names, trigger_price=order.trigger_price)

    def _order_listed(self, symbol: str, client_order_id: str, venue_id: str) -> VenueOrder | None:
        def is_it(order: VenueOrder) -> bool:
            return order.client_order_id == client_order_id if client_order_id else order.venue_order_id == venue_id

        found = next(filter(is_it, self.open_orders(symbol)), None)
        for verb in _LISTS:
            if found is None and self.has(verb):
                told = self.call(getattr(self.client, verb), symbol)
                found = next(filter(is_it, self.read_rows(told, self.parse_order)), None)
        return found

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        if symbol is None and self.feature("fetchOpenOrders", "symbolRequired"):
            return [order for known in sorted(self.symbols_known()) for order in self.open_orders(known)]
        if symbol is not None:
            self.market_of(symbol)
        self.load()
        rows: list[Row] = []
        for params in (TRIGGER, {}) if self._trigger("fetch_open_orders", True) else ({},):
            rows += self.read.all_rows(self.call(self.client.fetch_open_orders, symbol, None, None, params), "orders")
        orders = {order.venue_order_id: order for order in self.read_rows(rows, self.parse_order)}
        return [order for order in orders.values() if not order.status.is_final]

    def symbols_known(self) -> set[str]:
        """What this connector has to do with, for venues that tell orders by symbol only."""
        held = {leg.symbol for leg in self.positions()} if self._is_linear else set()
        return held | self.memory.symbols()

    def _venue_id(self, client_order_id: str) -> str:
        known = self.memory.by_client(client_order_id)
        return known.venue_order_id if known else ""

    def _trigger(self, code: str, is_conditional: bool) -> dict[str, Any]:
        """What names a conditional order, where the exchange keeps those apart."""
        is_apart = is_conditional and self.spec.can(Capability.CONDITIONAL) and self.knows(code, "'trigger'")
        return dict(TRIGGER) if is_apart else {}
