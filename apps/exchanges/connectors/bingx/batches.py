"""BingX's orders in batches, each with an outcome of its own."""

from abc import ABC
from typing import Any

import msgspec

from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.orders import BingxOrders
from apps.exchanges.connectors.errors import ResignNeeded
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.transport import Response
from cts.domain.errors import AmbiguousResult, ExchangeError, PayloadError, Unavailable
from cts.domain.types import OrderAck, OrderRequest
from cts.domain.venue import CancelRequest

_NUMBERS = frozenset({"quantity", "price", "stopPrice", "priceRate", "activationPrice"})
_IN_A_BATCH = Response(200, {}, b"")


class BingxBatches(BingxOrders, ABC):
    def _place_group(self, request: OrderRequest) -> str | None:
        """Conditional orders go alone: in a batch's answer nothing would tell them apart."""
        return None if request.order_type.is_conditional else ""

    def _place_batch(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        orders = msgspec.json.encode([_as_json(self._order_call(request)[1]) for request in requests]).decode()
        is_urgent = any(request.is_reduce_only for request in requests)
        try:
            payload = self.call(calls.PLACE_MANY, {"batchOrders": orders}, is_urgent=is_urgent)
            rows = self._batch_rows(payload, "orders", "errors")
        except PayloadError as error:
            return [AmbiguousResult(error.message, exchange=self.spec.name) for _ in requests]
        told = {str(row.get("clientOrderId") or row.get("clientOrderID")): row for row in rows}
        return [self._placed(told.get(request.client_order_id), request) for request in requests]

    def _batch_rows(self, payload: Any, good: str, bad: str) -> list[Row]:
        """Both lists may be null."""
        data = self.read.mapping(payload, "data")
        return [row for name in (good, bad) for row in self.read.all_rows(data.get(name) or [], name)]

    def _placed(self, row: Row | None, request: OrderRequest) -> OrderAck | ExchangeError:
        if row is None:
            return AmbiguousResult("The batch's answer doesn't name this order", exchange=self.spec.name)
        try:
            return self._refused_in(row, calls.PLACE) or self.acked(row, request)
        except PayloadError as error:
            return AmbiguousResult(error.message, exchange=self.spec.name)

    def _refused_in(self, row: Row, call: Call) -> ExchangeError | None:
        """What a row of a batch's answer says went wrong with it."""
        code = row.get("errorCode") or row.get("code")
        message = str(row.get("errorMessage") or row.get("msg") or row.get("error") or "")
        if not code and not message:
            return None
        refused = self._refusal(call, _IN_A_BATCH, code=str(code or ""), message=message)
        if isinstance(refused, ResignNeeded):
            return refused.final
        return refused if isinstance(refused, ExchangeError) else None

    def _cancel_group(self, request: CancelRequest) -> str | None:
        """By the venue's ids, a symbol at a time; what has none yet goes alone."""
        return request.symbol if request.venue_order_id.isdigit() else None

    def _cancel_batch(self, requests: list[CancelRequest]) -> list[ExchangeError | None]:
        ids = [request.venue_order_id for request in requests]
        params = {"symbol": self.venue_symbol(requests[0].symbol), "orderIdList": f"[{','.join(ids)}]"}
        rows = self._batch_rows(self.call(calls.CANCEL_MANY, params), "success", "failed")
        told = {self.read.identifier(row, "orderId"): row for row in rows}
        return [self._canceled(told.get(order_id)) for order_id in ids]

    def _canceled(self, row: Row | None) -> ExchangeError | None:
        if row is None:
            return Unavailable("The batch's answer doesn't name this order", exchange=self.spec.name)
        return self._refused_in(row, calls.CANCEL)


def _as_json(params: dict[str, Any]) -> dict[str, Any]:
    """Inside a batch numbers are numbers, with the digits they have."""
    return {name: msgspec.Raw(value.encode()) if name in _NUMBERS else value for name, value in params.items()}
