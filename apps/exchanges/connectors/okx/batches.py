"""OKX's batches, in which each item has an outcome of its own, and canceling all, which is one."""

from abc import ABC
from typing import Any

from apps.exchanges.connectors.okx import spec as calls
from apps.exchanges.connectors.okx.trade import ITEMS, OkxTrade
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call, Intent
from cts.domain.errors import AmbiguousResult, ExchangeError, OrderNotFound, PayloadError, Unavailable
from cts.domain.types import OrderAck, OrderRequest
from cts.domain.venue import CancelRequest

# Of conditional orders fewer are canceled together than of the others.
ALGO_BATCH = 10


class OkxBatches(OkxTrade, ABC):
    def _place_group(self, request: OrderRequest) -> str | None:
        """The venue takes no batches of conditional orders."""
        return None if request.order_type.is_conditional else ""

    def _place_batch(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        items: list[dict[str, Any]] = []
        outcomes: dict[int, OrderAck | ExchangeError] = {}
        for index, request in enumerate(requests):
            try:
                items.append(self._order_call(request)[1])
            except ExchangeError as error:  # of a symbol that isn't listed there is no size to word
                outcomes[index] = error
        worded = [index for index in range(len(requests)) if index not in outcomes]
        if worded:
            is_urgent = all(requests[index].is_reduce_only for index in worded)
            told = self._told(calls.PLACE_MANY, items, is_urgent=is_urgent)
            for index, row in zip(worded, told, strict=True):
                outcomes[index] = row if isinstance(row, ExchangeError) else self._acked(row, requests[index])
        return [outcomes[index] for index in range(len(requests))]

    def _acked(self, row: Row, request: OrderRequest) -> OrderAck | ExchangeError:
        try:
            return self._ack({"data": [row]}, request)
        except PayloadError as error:
            return AmbiguousResult(error.message, exchange="okx")

    def _cancel_group(self, request: CancelRequest) -> str | None:
        return "algo" if request.is_conditional else ""

    def _cancel_batch(self, requests: list[CancelRequest]) -> list[ExchangeError | None]:
        is_algo = requests[0].is_conditional
        call, name, size = calls.CANCEL_MANY, self._naming, self.spec.batch_max
        if is_algo:
            call, name, size = calls.CANCEL_ALGOS, self._algo_naming, ALGO_BATCH
        items = [name(one.symbol, one.client_order_id, one.venue_order_id) for one in requests]
        told: list[Row | ExchangeError] = []
        for start in range(0, len(items), size):
            told += self._told(call, items[start : start + size], is_urgent=True)
        return [row if isinstance(row, ExchangeError) else None for row in told]

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
        code = str(row.get("sCode"))
        return None if code == "0" else self.item_error(call, code=code, message=str(row.get("sMsg") or ""))
