"""Binance USD-M orders. Conditional ones are "algo orders", behind endpoints and ids of their own."""

from typing import Any

import msgspec

from apps.exchanges.connectors.binance import spec as calls
from apps.exchanges.connectors.binance.prints import BinancePrints
from apps.exchanges.connectors.binance.words import FORCE_WORDS, KIND_WORDS, LEG_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from cts.domain.errors import ExchangeError, Rejected, Unsupported
from cts.domain.types import OrderAck, OrderRequest, OrderType, VenueOrder
from cts.domain.units import decimal_text
from cts.domain.venue import AmendRequest, CancelRequest

WEEK_MS = 7 * 86_400_000


class BinanceOrders(BinancePrints):
    fills_call = calls.FILLS
    order_call = calls.ORDER
    fills_span_ms = WEEK_MS

    def _learn_history(self, symbol: str, *, since_ms: int | None) -> None:
        params = {"symbol": self.venue_symbol(symbol)}
        for start, end in self.windows(since_ms, span_ms=WEEK_MS):
            times = {"startTime": str(start), "endTime": str(end), "limit": str(1000)}
            for row in self._rows(calls.ALGO_HISTORY, params | times):
                self.parse_algo_order(row)

    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        kind = request.order_type
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "type": KIND_WORDS[kind],
            "quantity": decimal_text(request.quantity),
        }
        if self._hedged:
            # A hedge leg can't be overshot: side and leg already say "reduce", and the flag is refused beside them.
            params["positionSide"] = LEG_WORDS[request.position_side]
        elif request.is_reduce_only:
            params["reduceOnly"] = "true"
        if kind is OrderType.LIMIT and request.price is not None:
            params["timeInForce"] = FORCE_WORDS[request.time_in_force]
            params["price"] = decimal_text(request.price)
        if kind.is_conditional:
            params["algoType"] = "CONDITIONAL"
            params["workingType"] = "CONTRACT_PRICE"
            params["clientAlgoId"] = request.client_order_id
            if request.trigger_price is not None:
                name = "activatePrice" if kind is OrderType.TRAILING_STOP else "triggerPrice"
                params[name] = decimal_text(request.trigger_price)
            if request.trail_ratio is not None:
                params["callbackRate"] = decimal_text(request.trail_ratio * 100)
            return calls.PLACE_ALGO, params
        params["newClientOrderId"] = request.client_order_id
        return calls.PLACE, params

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        is_algo = request.order_type.is_conditional
        order_id = self.read.identifier(payload, "algoId" if is_algo else "orderId")
        if not is_algo:
            self.client_ids.learn(order_id, request.client_order_id)
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        if is_conditional:
            name = {"clientAlgoId": client_order_id} if client_order_id else {"algoId": venue_order_id}
            self.call(calls.CANCEL_ALGO, name)
            return
        self.call(calls.CANCEL, self._naming(symbol, client_order_id, venue_order_id))

    def _naming(self, symbol: str, client_order_id: str, venue_order_id: str) -> dict[str, str]:
        name = {"origClientOrderId": client_order_id} if client_order_id else {"orderId": venue_order_id}
        return {"symbol": self.venue_symbol(symbol)} | name

    def _amend(self, request: AmendRequest) -> None:
        """Both terms go out every time: one that stays is asked for first."""
        if request.is_conditional:
            raise Unsupported("Binance amends limit orders only; cancel the conditional one", exchange="binance")
        naming = self._naming(request.symbol, request.client_order_id, request.venue_order_id)
        quantity, price, side = request.quantity, request.price, request.side
        if quantity is None or price is None:
            known = self.parse_order(self._one(calls.ORDER, naming))
            quantity, price, side = quantity or known.quantity, price or known.price, known.side
        if price is None:
            raise Rejected("Binance amends limit orders only", exchange="binance")
        terms = {"side": SIDE_WORDS[side], "quantity": decimal_text(quantity), "price": decimal_text(price)}
        self.call(calls.AMEND, naming | terms)

    def cancel_all(self, symbol: str) -> None:
        # The first leaves conditional orders alone.
        for call in (calls.CANCEL_ALL, calls.CANCEL_ALL_ALGO):
            self.call(call, {"symbol": self.venue_symbol(symbol)})

    # --- batches ----------------------------------------------------------------------------------------------------
    def _place_group(self, request: OrderRequest) -> str | None:
        return None if request.order_type.is_conditional else ""

    def _cancel_group(self, request: CancelRequest) -> str | None:
        """One symbol and one kind of id to a batch."""
        return None if request.is_conditional else f"{request.symbol} {bool(request.client_order_id)}"

    def _place_batch(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        entries = [self._order_call(request)[1] for request in requests]
        told = self._batch(calls.PLACE_BATCH, {"batchOrders": _text(entries)}, size=len(entries))
        return [error or self._ack(row, request) for request, (row, error) in zip(requests, told, strict=True)]

    def _cancel_batch(self, requests: list[CancelRequest]) -> list[ExchangeError | None]:
        params = {"symbol": self.venue_symbol(requests[0].symbol)}
        if requests[0].client_order_id:
            params["origClientOrderIdList"] = _text([request.client_order_id for request in requests])
        else:
            params["orderIdList"] = f"[{','.join(request.venue_order_id for request in requests)}]"
        return [error for _, error in self._batch(calls.CANCEL_BATCH, params, size=len(requests))]

    def _batch(self, call: Call, params: dict[str, str], *, size: int) -> list[tuple[Row, ExchangeError | None]]:
        """Rows in the order they were sent; what was refused is a code and a message in its place."""
        rows = self._rows(call, params)
        if len(rows) != size:
            self.read.refuse("body", rows)
        return [(row, self._entry_error(call, row)) for row in rows]

    def _entry_error(self, call: Call, row: Row) -> ExchangeError | None:
        if "code" not in row:
            return None
        return self.item_error(call, code=str(row["code"]), message=self.read.text_or_empty(row, "msg"))

    # --- what became of them ----------------------------------------------------------------------------------------
    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        if not is_conditional:
            return self.parse_order(self._one(calls.ORDER, self._naming(symbol, client_order_id, venue_order_id)))
        name = {"clientAlgoId": client_order_id} if client_order_id else {"algoId": venue_order_id}
        row = self._one(calls.ALGO_ORDER, name)
        order, became = self.parse_algo_order(row), self.read.text_or_empty(row, "actualOrderId")
        return self._became(order, became) if became else order

    def _became(self, order: VenueOrder, order_id: str) -> VenueOrder:
        """A triggered algo order lives on as an ordinary one: its fills and end from there, its identity from here."""
        naming = {"symbol": self.venue_symbol(order.symbol), "orderId": order_id}
        actual = self.parse_order(self._one(calls.ORDER, naming))
        kept = ("client_order_id", "order_type", "trigger_price", "created_ms")
        return msgspec.structs.replace(actual, **{name: getattr(order, name) for name in kept})

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        plain, algo = calls.OPEN_ORDERS_ALL, calls.OPEN_ALGO_ORDERS_ALL
        params: dict[str, str] = {}
        if symbol:
            plain, algo, params = calls.OPEN_ORDERS, calls.OPEN_ALGO_ORDERS, {"symbol": self.venue_symbol(symbol)}
        orders = [self.parse_order(row) for row in self._rows(plain, params) if self.symbol_or_none(row)]
        return orders + [self.parse_algo_order(row) for row in self._rows(algo, params) if self.symbol_or_none(row)]


def _text(entries: list[Any]) -> str:
    return msgspec.json.encode(entries).decode()
