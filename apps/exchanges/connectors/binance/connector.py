"""Binance USD-M futures: its calls. https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.binance import spec as calls
from apps.exchanges.connectors.binance.fills import BinanceFills
from apps.exchanges.connectors.binance.stream import MarketDialect, PrivateDialect, QuoteBoard, QuoteDialect
from apps.exchanges.connectors.binance.words import FORCE_WORDS, KIND_WORDS, LEG_WORDS, MARGIN_WORDS, SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.errors import Rejected
from cts.domain.types import (
    Balance,
    Instrument,
    MarginMode,
    OrderAck,
    OrderRequest,
    OrderType,
    PositionMode,
    Ticker,
    VenueOrder,
    VenuePosition,
)
from cts.domain.units import decimal_text
from cts.domain.venue import Channel


class BinanceConnector(BinanceFills):
    # --- wording ----------------------------------------------------------------------------------------------------
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        """All in the query, percent-encoded before it is signed, the signature last."""
        query = "&".join([f"{name}={value}" for name, value in params.items()])
        if not query.isascii() or "%" in query or " " in query:
            query = urlencode(params, quote_via=quote)
        headers = {"X-MBX-APIKEY": self._key} if self._key else {}
        if call.is_signed and self._signer is not None:
            query += f"{'&' if query else ''}recvWindow=5000&timestamp={self.clock.now_ms()}"
            query += f"&signature={self._signer.hex(query.encode())}"
        return Prepared(call.method, f"{call.path}?{query}" if query else call.path, b"", headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        if response.status < 300 and not (isinstance(payload, dict) and "code" in payload):
            return "", ""
        code = payload.get("code") if isinstance(payload, dict) else None
        if not isinstance(code, int):
            # The algo endpoints spell success as text, "200"; a gateway's page has no code at all.
            return ("", "") if response.status < 300 and str(code) == "200" else ("", str(payload)[:200])
        # "success" of settings and cancel-all comes as code 200.
        if code == 200 and response.status < 300:
            return "", ""
        return str(code), self.read.text_or_empty(payload, "msg")

    def _note_limits(self, call: Call, headers: Mapping[str, str]) -> None:
        for rule, header in calls.USED_HEADERS.items():
            used = headers.get(header, "")
            if used.isdigit():
                self._budget.correct(rule, used=int(used))

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self.read.rows(self.call(calls.INSTRUMENTS), "symbols")
        return [
            self.parse_instrument(row)
            for row in rows
            if row.get("contractType") == "PERPETUAL" and row.get("quoteAsset") == "USDT" and self.symbol_or_none(row)
        ]

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        if wanted is not None and len(wanted) == 1:
            one = {"symbol": self.venue_symbol(next(iter(wanted)))}
            sources = [[self.call(call, one)] for call in (calls.TICKER, calls.BOOK, calls.MARK)]
        else:
            sources = [self.call(call) for call in (calls.TICKERS, calls.BOOKS, calls.MARKS)]
        rows, books, marks = (self.read.all_rows(source, "body") for source in sources)
        book_by, mark_by = {row.get("symbol"): row for row in books}, {row.get("symbol"): row for row in marks}
        return [
            self.parse_ticker(row, book=book_by.get(row["symbol"]), mark=mark_by.get(row["symbol"]))
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "interval": interval}
        params |= {"startTime": str(start_ms), "endTime": str(end_ms), "limit": str(limit)}
        rows = self.call(calls.CANDLES, params)
        return self.read.columns(rows, "body", names=("open_ms", "open", "high", "low", "close", "volume"))

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        return [self.parse_balance(row) for row in self._rows(calls.BALANCES)]

    def positions(self) -> list[VenuePosition]:
        rows = [row for row in self._rows(calls.POSITIONS) if self.symbol_or_none(row) is not None]
        return [leg for leg in map(self.parse_position, rows) if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        params = {"symbol": self.venue_symbol(symbol), "leverage": str(leverage)}
        answer = self.call(calls.LEVERAGE, params)
        if isinstance(answer, dict) and self.read.integer(answer, "leverage") != leverage:
            raise Rejected(f"Binance set leverage {answer['leverage']} instead of {leverage}", exchange="binance")

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        params = {"symbol": self.venue_symbol(symbol), "marginType": MARGIN_WORDS[margin_mode]}
        self.call(calls.MARGIN_MODE, params)

    def position_mode(self) -> PositionMode:
        is_hedged = self.read.flag(self.call(calls.POSITION_MODE), "dualSidePosition")
        return PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        is_hedged = mode is PositionMode.HEDGE
        self.call(calls.POSITION_MODE_SET, {"dualSidePosition": "true" if is_hedged else "false"})
        self._hedged = is_hedged

    # --- orders -----------------------------------------------------------------------------------------------------
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
        if kind.is_conditional and request.trigger_price is not None:
            params["algoType"] = "CONDITIONAL"
            params["triggerPrice"] = decimal_text(request.trigger_price)
            params["workingType"] = "CONTRACT_PRICE"
            params["clientAlgoId"] = request.client_order_id
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

    def cancel_all(self, symbol: str) -> None:
        # The first leaves conditional orders alone.
        for call in (calls.CANCEL_ALL, calls.CANCEL_ALL_ALGO):
            self.call(call, {"symbol": self.venue_symbol(symbol)})

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

    # --- streams ----------------------------------------------------------------------------------------------------
    def listen_key(self) -> str:
        return self.read.text(self.call(calls.LISTEN), "listenKey")

    def listen_key_keep(self) -> None:
        self.call(calls.LISTEN_KEEP)

    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        self.channels_checked(channels, timeframe_s=timeframe_s)
        board = QuoteBoard(self, events)
        quotes = QuoteDialect(board, urls=self.addresses.ws["public"], events=events)
        market = MarketDialect(board, urls=self.addresses.ws["market"], events=events)
        for dialect in (quotes, market):
            dialect.subscribe(symbols)
        return Stream([quotes, market], events=events, name="binance-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="binance-private")
