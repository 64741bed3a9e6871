"""Binance's account socket. https://developers.binance.com/docs/derivatives"""

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect, StreamBroken, tell
from cts.domain.errors import ExchangeError, PayloadError

if TYPE_CHECKING:
    from apps.exchanges.connectors.binance.connector import BinanceConnector

LISTEN_KEY_RENEW_S = 30 * 60.0


class PrivateDialect(Dialect):
    """The address is the login: it ends in a key that lives an hour and is renewed."""

    def __init__(self, connector: "BinanceConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector
        self._renewed_at = -math.inf

    def url(self, misses: int) -> str:
        key = self._connector.listen_key()
        self._renewed_at = time.monotonic()
        return f"{super().url(misses)}/{key}"

    def opening(self) -> list[str]:
        self.is_ready = True
        return []

    def tend(self) -> None:
        if time.monotonic() - self._renewed_at < LISTEN_KEY_RENEW_S:
            return
        try:
            self._connector.listen_key_keep()
        except ExchangeError as error:
            raise StreamBroken(f"the listen key could not be renewed: {error.message}") from None
        self._renewed_at = time.monotonic()

    def receive(self, frame: str | bytes) -> list[str]:
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        kind = message.get("e")
        if kind == "listenKeyExpired":
            raise StreamBroken("the listen key expired")
        try:
            if kind == "ORDER_TRADE_UPDATE":
                self._order(self._connector.read.mapping(message, "o"))
            elif kind == "ALGO_UPDATE":
                self._algo(self._connector.read.mapping(message, "o"), at_ms=message.get("T"))
            elif kind == "ACCOUNT_UPDATE":
                self._account(self._connector.read.mapping(message, "a"), at_ms=message.get("T"))
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None
        return []

    def _order(self, row: Row) -> None:
        if self._connector.symbol_or_none(row, "s") is None:
            return
        order = self._connector.parse_order_event(row)
        self._connector.client_ids.learn(order.venue_order_id, order.client_order_id)
        # A liquidation's executions are called CALCULATED; what counts is that a trade is told.
        if row.get("x") in ("TRADE", "CALCULATED") and row.get("t"):
            tell(self.events.on_fill, self._connector.parse_fill_event(row))
        tell(self.events.on_order, order)

    def _algo(self, row: Row, *, at_ms: Any) -> None:
        if self._connector.symbol_or_none(row, "s") is None:
            return
        order = self._connector.parse_algo_event(row, at_ms=at_ms)
        # From the trigger on, the ordinary order it became tells the story, under the same client id.
        if row.get("X") not in ("TRIGGERING", "TRIGGERED", "FINISHED"):
            tell(self.events.on_order, order)

    def _account(self, data: Row, *, at_ms: Any) -> None:
        for row in self._connector.read.rows(data, "B"):
            tell(self.events.on_balance, self._connector.parse_balance_event(row))
        for row in self._connector.read.rows(data, "P"):
            if self._connector.symbol_or_none(row, "s") is not None:
                leg = self._connector.parse_position_event(row | {"at": at_ms})
                tell(self.events.on_position, leg, self._connector.symbol(row, "s"))
