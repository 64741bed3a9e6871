"""OKX's verbs of single orders. Conditional ones are "algo orders", with calls, ids and lists of their own."""

from abc import ABC
from collections.abc import Mapping
from typing import Any

import msgspec

from apps.exchanges.connectors.okx import spec as calls
from apps.exchanges.connectors.okx.order_rows import OkxOrderRows
from apps.exchanges.connectors.okx.words import FORCE_WORDS, LEG_WORDS, MARGIN_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from cts.domain.errors import OrderNotFound, Rejected, Unsupported
from cts.domain.types import CONDITIONAL, OrderAck, OrderRequest, OrderType, VenueFill, VenueOrder
from cts.domain.units import decimal_text
from cts.domain.venue import AmendRequest

# Some calls take a list as their body: under this name it travels to the wording.
ITEMS = "items"
LIMIT = OrderType.LIMIT
PAGE = 100
# What the quicker list of executions goes back to, with a margin.
RECENT_MS = 3 * 86_400_000 - 600_000
# Lists of conditional orders are asked kind by kind; only the first two go together.
ALGO_LISTS = ("conditional,oco", "trigger", "move_order_stop")


class OkxTrade(OkxOrderRows, ABC):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._margin_mode = self.target.margin_mode

    def _data(self, call: Call, params: Mapping[str, Any] | None = None) -> list[Row]:
        return self.read.rows(self.call(call, params), "data")

    def _pages(self, call: Call, params: Mapping[str, Any], *, cursor: str) -> list[Row]:
        """Newest first; the next page begins after the oldest so far."""
        rows: list[Row] = []
        page = self._data(call, {**params, "limit": str(PAGE)})
        while page:
            rows += page
            if len(page) < PAGE:
                break
            after = self.read.identifier(page[-1], cursor)
            page = self._data(call, {**params, "limit": str(PAGE), "after": after})
        return rows

    # --- placing ----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        name = self.venue_symbol(request.symbol)
        size = self._size_or_none(name)
        if size is None:
            raise Rejected(f"OKX doesn't list {request.symbol}", exchange="okx")
        kind = request.order_type
        params: dict[str, Any] = {
            "instId": name,
            "tdMode": self._trade_mode(),
            "side": SIDE_WORDS[request.side],
            "sz": decimal_text(request.quantity / size),
        }
        if self._hedged:
            params["posSide"] = LEG_WORDS[request.position_side]
        elif request.is_reduce_only:
            params["reduceOnly"] = True
        if kind in CONDITIONAL:
            params["algoClOrdId"] = request.client_order_id
            return calls.PLACE_ALGO, params | _trigger_terms(request)
        params["clOrdId"] = request.client_order_id
        if kind is LIMIT and request.price is not None:
            params["ordType"] = FORCE_WORDS[request.time_in_force]
            params["px"] = decimal_text(request.price)
        else:
            params["ordType"] = "market"
        return calls.PLACE, params

    def _trade_mode(self) -> str:
        return MARGIN_WORDS[self._margin_mode]

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        rows = self.read.rows(payload, "data")
        row = rows[0] if rows else self.read.refuse("data", rows)
        field = "algoId" if request.order_type.is_conditional else "ordId"
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=self.read.identifier(row, field))

    # --- changing ---------------------------------------------------------------------------------------------------
    def _naming(self, symbol: str, client_order_id: str, venue_order_id: str) -> dict[str, Any]:
        name = {"clOrdId": client_order_id} if client_order_id else {"ordId": venue_order_id}
        return {"instId": self.venue_symbol(symbol)} | name

    def _algo_naming(self, symbol: str, client_order_id: str, venue_order_id: str) -> dict[str, Any]:
        name = {"algoClOrdId": client_order_id} if client_order_id else {"algoId": venue_order_id}
        return {"instId": self.venue_symbol(symbol)} | name

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        if is_conditional:
            item = self._algo_naming(symbol, client_order_id, venue_order_id)
            self.call(calls.CANCEL_ALGOS, {ITEMS: [item]})
            return
        self.call(calls.CANCEL, self._naming(symbol, client_order_id, venue_order_id))

    def _amend(self, request: AmendRequest) -> None:
        which = (request.symbol, request.client_order_id, request.venue_order_id)
        params: dict[str, Any] = self._algo_naming(*which) if request.is_conditional else self._naming(*which)
        if request.quantity is not None:
            params["newSz"] = decimal_text(request.quantity / self._size(params["instId"]))
        if not request.is_conditional:
            if request.trigger_price is not None:
                raise Unsupported("Only a conditional order of OKX has a trigger price", exchange="okx")
            if request.price is not None:
                params["newPx"] = decimal_text(request.price)
            self.call(calls.AMEND, params)
            return
        kind = self._trigger(self._algo_row(*which))[0]
        if kind is OrderType.TRAILING_STOP or request.price is not None:
            raise Unsupported("OKX amends size and trigger of stops and targets at market alone", exchange="okx")
        if request.trigger_price is not None:
            field = "newTpTriggerPx" if kind is OrderType.TAKE_PROFIT_MARKET else "newSlTriggerPx"
            params[field] = decimal_text(request.trigger_price)
        self.call(calls.AMEND_ALGO, params)

    # --- looking ----------------------------------------------------------------------------------------------------
    def _one(self, call: Call, params: Mapping[str, Any]) -> Row:
        rows = self._data(call, params)
        if not rows:
            raise OrderNotFound("OKX knows no such order", exchange="okx")
        return rows[0]

    def _algo_row(self, symbol: str, client_order_id: str, venue_order_id: str) -> Row:
        return self._one(calls.ALGO_ORDER, self._algo_naming(symbol, client_order_id, venue_order_id))

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        if not is_conditional:
            return self.parse_order(self._one(calls.ORDER, self._naming(symbol, client_order_id, venue_order_id)))
        row = self._algo_row(symbol, client_order_id, venue_order_id)
        order, became = self.parse_algo_order(row), self.became(row)
        return self._followed(order, became) if became else order

    def _followed(self, order: VenueOrder, order_id: str) -> VenueOrder:
        """Set off, it lives on as an ordinary order: its fills and end from there, its identity from here."""
        actual = self.parse_order(self._one(calls.ORDER, self._naming(order.symbol, "", order_id)))
        kept = ("client_order_id", "order_type", "trigger_price", "created_ms")
        return msgspec.structs.replace(actual, **{name: getattr(order, name) for name in kept})

    def open_rows(self, symbol: str | None) -> tuple[list[Row], list[Row]]:
        """What is open: ordinary orders, conditional ones."""
        params = self.in_market | ({"instId": self.venue_symbol(symbol)} if symbol else {})
        plain = self._pages(calls.OPEN_ORDERS, params, cursor="ordId")
        algo = [
            row
            for kinds in ALGO_LISTS
            for row in self._pages(calls.OPEN_ALGO_ORDERS, params | {"ordType": kinds}, cursor="algoId")
        ]
        return plain, algo

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        plain, algo = self.open_rows(symbol)
        orders = [self.parse_order(row) for row in plain if self.symbol_or_none(row, "instId")]
        return orders + [self.parse_algo_order(row) for row in algo if self.symbol_or_none(row, "instId")]

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = self.in_market | {"instId": self.venue_symbol(symbol)}
        if venue_order_id:
            params["ordId"] = venue_order_id
        start = self.now_ms() - RECENT_MS if since_ms is None else since_ms
        is_recent = start >= self.now_ms() - RECENT_MS
        params["begin"] = str(max(start, 0))
        rows = self._pages(calls.FILLS if is_recent else calls.FILLS_OLD, params, cursor="billId")
        self._learn_client_ids(symbol, rows)
        # They come newest first: turned round, so that equal milliseconds keep their order.
        fills = [self.parse_fill(row) for row in reversed(rows)]
        return sorted(fills, key=lambda fill: fill.executed_ms)

    def _learn_client_ids(self, symbol: str, rows: list[Row]) -> None:
        """Executions without one may be of an order that a conditional one set off: the order itself tells."""
        for order_id in dict.fromkeys(self.read.identifier(row, "ordId") for row in rows if not row.get("clOrdId")):
            if self.client_ids.get(order_id) is None:
                try:
                    row = self._one(calls.ORDER, self._naming(symbol, "", order_id))
                except OrderNotFound:
                    continue
                self.client_ids.learn(order_id, self.read.text_or_empty(row, "algoClOrdId"))


def _trigger_terms(request: OrderRequest) -> dict[str, Any]:
    """Set off by the last price, done at market. A trailing stop begins at once, or at its trigger."""
    trigger = decimal_text(request.trigger_price) if request.trigger_price is not None else ""
    if request.order_type is OrderType.TRAILING_STOP and request.trail_ratio is not None:
        terms = {"ordType": "move_order_stop", "callbackRatio": decimal_text(request.trail_ratio)}
        return terms | ({"activePx": trigger} if trigger else {})
    way = "tp" if request.order_type is OrderType.TAKE_PROFIT_MARKET else "sl"
    return {
        "ordType": "conditional",
        f"{way}TriggerPx": trigger,
        f"{way}OrdPx": "-1",
        f"{way}TriggerPxType": "last",
    }
