"""OKX's verbs of many orders: batches in which each item has an outcome of its own, and canceling all, which is one."""

from abc import ABC
from collections.abc import Sequence
from typing import Any

from apps.exchanges.connectors.errors import classify, error_for
from apps.exchanges.connectors.okx import spec as calls
from apps.exchanges.connectors.okx.trade import ITEMS, OkxTrade
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call, ErrorClass, Intent
from cts.domain.errors import AmbiguousResult, ExchangeError, OrderNotFound, PayloadError, Unavailable
from cts.domain.types import OrderAck, OrderRequest
from cts.domain.venue import CancelRequest

BATCH, ALGO_BATCH = 20, 10


class OkxBatches(OkxTrade, ABC):
    def place_many(self, requests: Sequence[OrderRequest]) -> list[OrderAck | ExchangeError]:
        """Conditional ones go one by one: the venue takes no batches of them."""
        outcomes: dict[int, OrderAck | ExchangeError] = {}
        items: list[tuple[int, dict[str, Any]]] = []
        for index, request in enumerate(requests):
            try:
                if request.order_type.is_conditional:
                    outcomes[index] = self.place(request)
                else:
                    items.append((index, self._order_call(self.order_checked(request))[1]))
            except ExchangeError as error:
                outcomes[index] = error
        for start in range(0, len(items), BATCH):
            chunk = items[start : start + BATCH]
            is_urgent = all(requests[index].is_reduce_only for index, _ in chunk)
            told = self._told(calls.PLACE_MANY, [item for _, item in chunk], is_urgent=is_urgent)
            for (index, _), row in zip(chunk, told, strict=True):
                outcomes[index] = row if isinstance(row, ExchangeError) else self._acked(row, requests[index])
        return [outcomes[index] for index in range(len(requests))]

    def _acked(self, row: Row, request: OrderRequest) -> OrderAck | ExchangeError:
        try:
            return self._ack({"data": [row]}, request)
        except PayloadError as error:
            return AmbiguousResult(error.message, exchange="okx")

    def cancel_many(self, requests: Sequence[CancelRequest]) -> list[ExchangeError | None]:
        outcomes: dict[int, ExchangeError | None] = {}
        for is_conditional, call, size in ((False, calls.CANCEL_MANY, BATCH), (True, calls.CANCEL_ALGOS, ALGO_BATCH)):
            name = self._algo_naming if is_conditional else self._naming
            chosen = [index for index, request in enumerate(requests) if request.is_conditional is is_conditional]
            for start in range(0, len(chosen), size):
                chunk = chosen[start : start + size]
                wanted = [requests[index] for index in chunk]
                items = [name(one.symbol, one.client_order_id, one.venue_order_id) for one in wanted]
                told = self._told(call, items, is_urgent=True)
                outcomes |= {
                    index: row if isinstance(row, ExchangeError) else None
                    for index, row in zip(chunk, told, strict=True)
                }
        return [outcomes[index] for index in range(len(requests))]

    def cancel_all(self, symbol: str) -> None:
        """No call does it: what is open is listed and canceled in batches. What ended meanwhile needs none."""
        plain, algo = self.open_rows(symbol)
        requests = [
            CancelRequest(
                symbol=symbol,
                client_order_id="",
                venue_order_id=self.read.identifier(row, "algoId" if is_conditional else "ordId"),
                is_conditional=is_conditional,
            )
            for is_conditional, rows in ((False, plain), (True, algo))
            for row in rows
        ]
        for outcome in self.cancel_many(requests):
            if outcome is not None and not isinstance(outcome, OrderNotFound):
                raise outcome

    def _told(self, call: Call, items: list[dict[str, Any]], *, is_urgent: bool) -> list[Row | ExchangeError]:
        """What the venue says of each item, in their order; one failure of the whole is each one's."""
        try:
            rows = self.read.rows(self.call(call, {ITEMS: items}, is_urgent=is_urgent), "data")
        except ExchangeError as error:
            if isinstance(error, PayloadError) and call.intent is Intent.PLACE:
                error = AmbiguousResult(error.message, exchange="okx")
            return [error] * len(items)
        if len(rows) != len(items):
            kind = AmbiguousResult if call.intent is Intent.PLACE else Unavailable
            return [kind("OKX answered for another number of orders", exchange="okx")] * len(items)
        return [self._refused(call, row) or row for row in rows]

    def _refused(self, call: Call, row: Row) -> ExchangeError | None:
        code, message = str(row.get("sCode")), str(row.get("sMsg") or "")
        if code == "0":
            return None
        error_class = classify(self.spec, code=code, message=message, http_status=200)
        if error_class is ErrorClass.OK_STATE:
            return None
        return error_for(self.spec, error_class, code=code, message=message, http_status=200, intent=call.intent)
