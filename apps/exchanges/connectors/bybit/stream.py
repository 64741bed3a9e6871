"""Bybit's two sockets. https://bybit-exchange.github.io/docs/v5/ws/connect"""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bybit.words import FILL_TYPES
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect, StreamBroken, log, tell
from cts.domain.errors import AuthFailed, PayloadError
from cts.domain.types import Tick, Ticker

if TYPE_CHECKING:
    from apps.exchanges.connectors.bybit.connector import BybitConnector

TOPICS_PER_FRAME = 10
_PING = '{"op":"ping"}'


def _frame(op: str, args: list[Any]) -> str:
    return msgspec.json.encode({"op": op, "req_id": op, "args": args}).decode()


class _BybitDialect(Dialect):
    def __init__(self, connector: "BybitConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector

    def ping(self) -> str:
        return _PING

    def receive(self, frame: str | bytes) -> list[str]:
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        if "topic" in message:
            self._data(message)
            return []
        return self._control(message)

    def _data(self, message: Row) -> None:
        raise NotImplementedError

    def _control(self, message: Row) -> list[str]:
        """Answers to what we sent. A refused subscription is one bad topic; the others of its frame go with it."""
        if message.get("op") == "subscribe":
            if message.get("success") is False:
                log.warning("Bybit refused a subscription: %s", str(message.get("ret_msg"))[:200])
            self.is_ready = True
        return []


class PublicDialect(_BybitDialect):
    """Tickers come whole once, then as the fields that changed: kept merged here."""

    is_never_quiet = True

    def opening(self) -> list[str]:
        self._rows: dict[str, Row] = {}
        return self._frames(sorted(self.symbols))

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        topics = iter([f"tickers.{self._connector.venue_symbol(symbol)}" for symbol in symbols])
        frames = []
        while chunk := list(islice(topics, TOPICS_PER_FRAME)):
            frames.append(_frame("subscribe", chunk))
        return frames

    def _data(self, message: Row) -> None:
        received_ns = time.monotonic_ns()
        self.data_at = received_ns / 1e9
        data = message.get("data")
        if not isinstance(data, dict) or not isinstance(name := data.get("symbol"), str):
            return
        if message.get("type") == "snapshot":
            row = self._rows[name] = data
        else:
            row = self._rows.get(name, {})
            if not row:
                return  # a change to what we never had whole: the next snapshot brings it
            row.update(data)
        self._tell(row, at_ms=message.get("ts"), received_ns=received_ns)

    def _tell(self, row: Row, *, at_ms: Any, received_ns: int) -> None:
        try:
            ticker = self._connector.parse_ticker(row, at_ms=at_ms if type(at_ms) is int else 0)
        except PayloadError as error:
            log.warning("Unreadable ticker: %s", error.message)
            return
        tell(self.events.on_ticks, [_tick(ticker, received_ns)])
        tell(self.events.on_tickers, [ticker])


def _tick(ticker: Ticker, received_ns: int) -> Tick:
    last = float(ticker.last)
    bid = last if ticker.bid is None else float(ticker.bid)
    ask = last if ticker.ask is None else float(ticker.ask)
    return Tick(ticker.symbol, last, bid, ask, ticker.at_ms, received_ns)


class PrivateDialect(_BybitDialect):
    """Login, then orders, executions and positions of all categories; ours are the linear ones."""

    def opening(self) -> list[str]:
        return [_frame("auth", self._connector.login_args())]

    def _control(self, message: Row) -> list[str]:
        if message.get("op") == "auth":
            if message.get("success") is not True:
                raise AuthFailed(f"Bybit refused the stream's login: {str(message.get('ret_msg'))[:200]}")
            return [_frame("subscribe", ["order", "execution", "position"])]
        if message.get("op") == "subscribe" and message.get("success") is False:
            raise StreamBroken(f"subscription refused: {str(message.get('ret_msg'))[:200]}")
        return super()._control(message)

    def _data(self, message: Row) -> None:
        topic = str(message.get("topic")).partition(".")[0]
        for row in self._connector.read.rows(message, "data"):
            if row.get("category", "linear") != "linear" or self._connector.symbol_or_none(row) is None:
                continue
            try:
                self._row(topic, row)
            except PayloadError as error:
                # One unreadable row may be the fill that matters: end the session, so that what follows is a reconcile.
                raise StreamBroken(error.message) from None

    def _row(self, topic: str, row: Row) -> None:
        connector = self._connector
        if topic == "order":
            tell(self.events.on_order, connector.parse_order(row))
        elif topic == "execution" and row.get("execType") in FILL_TYPES:
            tell(self.events.on_fill, connector.parse_fill(row))
        elif topic == "position":
            tell(self.events.on_position, connector.parse_position(row), connector.symbol(row))
