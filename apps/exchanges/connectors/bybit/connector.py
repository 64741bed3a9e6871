"""Bybit v5, linear USDT perpetuals: its calls. https://bybit-exchange.github.io/docs/v5/intro"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bybit import spec as calls
from apps.exchanges.connectors.bybit.rows import BybitRows
from apps.exchanges.connectors.bybit.stream import PrivateDialect, PublicDialect
from apps.exchanges.connectors.bybit.words import DIRECTIONS, FILL_TYPES, FORCE_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.errors import AuthFailed, OrderNotFound
from cts.domain.types import (
    Balance,
    Instrument,
    MarginMode,
    OrderAck,
    OrderRequest,
    OrderType,
    PositionMode,
    PositionSide,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from cts.domain.units import decimal_text
from cts.domain.venue import Channel

LINEAR = {"category": "linear"}
SETTLED = {"category": "linear", "settleCoin": "USDT"}
RECV_WINDOW = "5000"
WEEK_MS = 7 * 86_400_000
_encode = msgspec.json.Encoder().encode


class BybitConnector(BybitRows):
    # --- wording ----------------------------------------------------------------------------------------------------
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        body, query, headers = b"", "", {}
        if call.method == "POST":
            body, headers = _encode(params), {"Content-Type": "application/json"}
        elif params:
            query = urlencode(params)
        if call.is_signed and self._signer is not None:
            stamp = str(self.clock.now_ms())
            message = f"{stamp}{self._key}{RECV_WINDOW}{query}".encode() + body
            headers["X-BAPI-API-KEY"] = self._key
            headers["X-BAPI-TIMESTAMP"] = stamp
            headers["X-BAPI-RECV-WINDOW"] = RECV_WINDOW
            headers["X-BAPI-SIGN"] = self._signer.hex(message)
        return Prepared(call.method, f"{call.path}?{query}" if query else call.path, body, headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        code = self.read.integer(payload, "retCode") if isinstance(payload, dict) else self.read.refuse("retCode", None)
        return ("", "") if code == 0 else (str(code), self.read.text_or_empty(payload, "retMsg"))

    def _note_limits(self, call: Call, headers: Mapping[str, str]) -> None:
        limit, left = headers.get("x-bapi-limit", ""), headers.get("x-bapi-limit-status", "")
        if limit.isdigit() and left.isdigit():
            self._budget.correct(call.costs[-1][0], used=max(int(limit) - int(left), 0))

    def _retry_at(self, headers: Mapping[str, str]) -> datetime | None:
        reset = headers.get("x-bapi-limit-reset-timestamp", "")
        left_ms = int(reset) - self.clock.now_ms() if reset.isdigit() and self.clock.is_synced else 0
        return datetime.now(UTC) + timedelta(milliseconds=left_ms) if left_ms > 0 else super()._retry_at(headers)

    def _result_of(self, call: Call, params: Mapping[str, Any] | None = None) -> Row:
        return self.read.mapping(self.call(call, params), "result")

    def _pages(self, call: Call, params: Mapping[str, Any]) -> list[Row]:
        rows: list[Row] = []
        cursor = ""
        while True:
            result = self._result_of(call, {**params, "cursor": cursor} if cursor else params)
            rows += self.read.rows(result, "list")
            following = self.read.text_or_empty(result, "nextPageCursor")
            if not following or following == cursor:
                return rows
            cursor = following

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self._pages(calls.INSTRUMENTS, LINEAR | {"limit": "1000"})
        return [
            self.parse_instrument(row) for row in rows if row.get("quoteCoin") == "USDT" and self._is_perpetual(row)
        ]

    def _is_perpetual(self, row: Row) -> bool:
        return row.get("contractType") == "LinearPerpetual" and self.symbol_or_none(row) is not None

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        only = {"symbol": self.venue_symbol(next(iter(wanted)))} if wanted and len(wanted) == 1 else {}
        payload = self.call(calls.TICKERS, LINEAR | only)
        rows = self.read.rows(self.read.mapping(payload, "result"), "list")
        at_ms = self.read.integer(payload, "time")
        return [
            self.parse_ticker(row, at_ms=at_ms)
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "interval": interval}
        params |= {"start": str(start_ms), "end": str(end_ms), "limit": str(limit)}
        rows = self._result_of(calls.CANDLES, LINEAR | params).get("list")
        return self.read.columns(rows, "list", names=("open_ms", "open", "high", "low", "close", "volume"))

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        accounts = self.read.rows(self._result_of(calls.BALANCES, {"accountType": "UNIFIED"}), "list")
        return [self.parse_balance(coin, account) for account in accounts for coin in self.read.rows(account, "coin")]

    def positions(self) -> list[VenuePosition]:
        rows = self._pages(calls.POSITIONS, SETTLED | {"limit": "200"})
        legs = [self.parse_position(row) for row in rows if self.symbol_or_none(row) is not None]
        return [leg for leg in legs if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        words = {"buyLeverage": str(leverage), "sellLeverage": str(leverage)}
        self.call(calls.LEVERAGE, LINEAR | {"symbol": self.venue_symbol(symbol)} | words)

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        # In a unified account the mode is the account's; the symbol plays no part.
        word = "ISOLATED_MARGIN" if margin_mode is MarginMode.ISOLATED else "REGULAR_MARGIN"
        self.call(calls.MARGIN_MODE, {"setMarginMode": word})

    def position_mode(self) -> PositionMode:
        # No call reads the mode; with a symbol named, the legs come even when flat, and their index tells.
        rows = self.read.rows(self._result_of(calls.POSITIONS, LINEAR | {"symbol": "BTCUSDT"}), "list")
        is_hedged = any(self.read.integer(row, "positionIdx") for row in rows)
        return PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        self.call(calls.POSITION_MODE, LINEAR | {"coin": "USDT", "mode": 3 if mode is PositionMode.HEDGE else 0})
        self._hedged = mode is PositionMode.HEDGE

    # --- orders -----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        is_limit = request.order_type is OrderType.LIMIT
        params: dict[str, Any] = {
            "category": "linear",
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "orderType": "Limit" if is_limit else "Market",
            "qty": decimal_text(request.quantity),
            "orderLinkId": request.client_order_id,
            "positionIdx": 0,
        }
        if is_limit and request.price is not None:
            params["price"] = decimal_text(request.price)
            params["timeInForce"] = FORCE_WORDS[request.time_in_force]
        if self._hedged:
            params["positionIdx"] = 1 if request.position_side is PositionSide.LONG else 2
        if request.is_reduce_only:
            params["reduceOnly"] = True
        if request.order_type.is_conditional and request.trigger_price is not None:
            params["triggerPrice"] = decimal_text(request.trigger_price)
            params["triggerDirection"] = DIRECTIONS[request.order_type, request.side]
            params["triggerBy"] = "LastPrice"
        return calls.PLACE, params

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        order_id = self.read.identifier(self.read.mapping(payload, "result"), "orderId")
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    def _naming(self, symbol: str, client_order_id: str, venue_order_id: str) -> dict[str, str]:
        name = {"orderLinkId": client_order_id} if client_order_id else {"orderId": venue_order_id}
        return LINEAR | {"symbol": self.venue_symbol(symbol)} | name

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self.call(calls.CANCEL, self._naming(symbol, client_order_id, venue_order_id))

    def cancel_all(self, symbol: str) -> None:
        self.call(calls.CANCEL_ALL, LINEAR | {"symbol": self.venue_symbol(symbol)})

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        # The first keeps only the last 500 final orders and forgets them on a restart of the venue's service.
        for source in (calls.ORDERS, calls.HISTORY):
            rows = self.read.rows(
                self._result_of(source, self._naming(symbol, client_order_id, venue_order_id)), "list"
            )
            if rows:
                return self.parse_order(rows[0])
        raise OrderNotFound(f"Bybit knows no order {client_order_id or venue_order_id}", exchange="bybit")

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        params = LINEAR | {"symbol": self.venue_symbol(symbol)} if symbol else SETTLED
        rows = self._pages(calls.ORDERS, params | {"openOnly": "0", "limit": "50"})
        orders = [self.parse_order(row) for row in rows if self.symbol_or_none(row) is not None]
        return [order for order in orders if not order.status.is_final]

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        params = LINEAR | {"symbol": self.venue_symbol(symbol), "limit": "100"}
        if venue_order_id:
            params["orderId"] = venue_order_id
        rows: list[Row] = []
        for start, end in self.windows(since_ms, span_ms=WEEK_MS):
            rows += self._pages(calls.FILLS, params | {"startTime": str(start), "endTime": str(end)})
        # They come newest first: turned round, so that equal milliseconds keep their order.
        fills = [self.parse_fill(row) for row in reversed(rows) if row.get("execType") in FILL_TYPES]
        return sorted(fills, key=lambda fill: fill.executed_ms)

    def login_args(self) -> list[object]:
        """For the private stream: valid for a few seconds from now, by the venue's clock."""
        if self._signer is None:
            raise AuthFailed("Bybit: the private stream needs an API key", exchange="bybit")
        expires_ms = self.now_ms() + 10_000
        return [self._key, expires_ms, self._signer.hex(f"GET/realtime{expires_ms}".encode())]

    # --- streams ----------------------------------------------------------------------------------------------------
    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        self.channels_checked(channels, timeframe_s=timeframe_s)
        dialect = PublicDialect(self, urls=self.addresses.ws["public"], events=events)
        dialect.subscribe(symbols)
        return Stream([dialect], events=events, name="bybit-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="bybit-private")
