"""BingX spot: its calls. https://bingx-api.github.io/docs-v3/"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx import spot_spec as calls
from apps.exchanges.connectors.bingx.orders import HISTORY_SPAN_MS
from apps.exchanges.connectors.bingx.spot_rows import BingxSpotRows
from apps.exchanges.connectors.bingx.spot_stream import SpotPrivateDialect
from apps.exchanges.connectors.bingx.words import FORCE_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from cts.domain.errors import OrderNotFound
from cts.domain.types import Balance, Instrument, OrderAck, OrderRequest, OrderType, Ticker, VenueFill, VenueOrder
from cts.domain.units import decimal_text

# One kind waits for its price from whichever side: below for what sells as a stop, above for what sells as a target.
KIND_WORDS = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_MARKET: "TAKE_STOP_MARKET",
    OrderType.TAKE_PROFIT_MARKET: "TAKE_STOP_MARKET",
}
HISTORY_PAGE, HISTORY_MAX = 100, 10_000
# The documentation has two greatest pages, this and twice as much: a full one of the smaller is never taken for the last.
FILLS_PAGE = 500


class BingxSpotConnector(BingxSpotRows):
    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self.read.rows(self.data(calls.INSTRUMENTS), "symbols")
        return [self.parse_instrument(row) for row in rows if self.symbol_or_none(row) is not None]

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        only = {"symbol": self.venue_symbol(next(iter(wanted)))} if wanted and len(wanted) == 1 else {}
        return [
            self.parse_ticker(row)
            for row in self._listed(calls.TICKERS, only)
            if (symbol := self.symbol_or_none(row)) is not None
            and (wanted is None or symbol in wanted)
            and self.read.unsigned(row, "lastPrice")  # what was never traded has no price
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        # The start is excluded, some say. Without a zone, days begin in Singapore. Of a window the venue doesn't have it
        # was seen to tell another one.
        params = {"symbol": self.venue_symbol(symbol), "interval": interval, "limit": str(limit), "timeZone": "0"}
        params |= {"startTime": str(start_ms - 1), "endTime": str(end_ms)}
        rows = self.envelope(calls.CANDLES, params).get("data")
        told = self.read.columns(rows, "data", names=("open_ms", "open", "high", "low", "close", "volume"))
        return [row for row in told if start_ms <= self.read.integer(row, "open_ms") <= end_ms]

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        return [self.parse_balance(row) for row in self.read.rows(self.data(calls.BALANCES), "balances")]

    # --- orders -----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        kind = request.order_type
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "type": KIND_WORDS[kind],
            "quantity": decimal_text(request.quantity),
            "newClientOrderId": request.client_order_id,
        }
        if kind is OrderType.LIMIT and request.price is not None:
            params["price"] = decimal_text(request.price)
            params["timeInForce"] = FORCE_WORDS[request.time_in_force]
        elif kind.is_conditional and request.trigger_price is not None:
            params["stopPrice"] = decimal_text(request.trigger_price)
        return calls.PLACE, params

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        return self.acked(self.read.mapping(payload, "data"), request)

    def named(self, told: VenueOrder) -> VenueOrder:
        told = super().named(told)
        kind = self._conditionals.kind(told.client_order_id, told.venue_order_id)
        return told if kind is None else msgspec.structs.replace(told, order_type=kind)

    def cancel_all(self, symbol: str) -> None:
        with suppress(OrderNotFound):  # whether it is refused when there are none isn't documented
            super().cancel_all(symbol)

    def _order_row(self, naming: Mapping[str, str]) -> Row:
        return self.data(self.order_call, naming)

    def history_rows(self, symbol: str, *, start_ms: int, end_ms: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "startTime": str(start_ms), "endTime": str(end_ms)}
        params["pageSize"] = str(HISTORY_PAGE)
        found: list[Row] = []
        for page in range(1, HISTORY_MAX // HISTORY_PAGE + 1):
            data = self.data(calls.HISTORY, params | {"pageIndex": str(page)})
            rows = self.read.all_rows(data.get("orders") or [], "orders")
            found += rows
            if len(rows) < HISTORY_PAGE:
                break
        return found

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = {"symbol": self.venue_symbol(symbol), "limit": str(FILLS_PAGE)}
        if venue_order_id:
            params["orderId"] = venue_order_id
        # Trades have been seen with the time of their second.
        since_ms = None if since_ms is None else since_ms // 1000 * 1000
        rows: dict[str, Row] = {}
        for start, end in self.windows(since_ms, span_ms=HISTORY_SPAN_MS):
            rows |= {self.read.identifier(row, "id"): row for row in self._fill_rows(params, start, end)}
        self.learn_client_ids(symbol, rows.values(), since_ms=since_ms)
        fills = [self.parse_fill(row) for row in rows.values()]
        return sorted(fills, key=lambda fill: (fill.executed_ms, len(fill.venue_trade_id), fill.venue_trade_id))

    def _fill_rows(self, params: dict[str, str], start_ms: int, end_ms: int) -> list[Row]:
        """Which end of a full page was cut off isn't documented: each half is asked for by itself."""
        data = self.data(calls.FILLS, params | {"startTime": str(start_ms), "endTime": str(end_ms)})
        rows = self.read.all_rows(data.get("fills") or [], "fills")
        if len(rows) < FILLS_PAGE or start_ms >= end_ms:
            return rows
        middle = (start_ms + end_ms) // 2
        return self._fill_rows(params, start_ms, middle) + self._fill_rows(params, middle + 1, end_ms)

    # --- streams ----------------------------------------------------------------------------------------------------
    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = SpotPrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="bingx-spot-private")
