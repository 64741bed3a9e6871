"""Binance's spot sockets: market streams, and the account over the websocket API."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.binance.stream import MarketDialect
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import ErrorClass
from apps.exchanges.connectors.stream import Dialect, StreamBroken, tell
from cts.domain.errors import AuthFailed, PayloadError
from cts.domain.venue import Channel

if TYPE_CHECKING:
    from apps.exchanges.connectors.binance.spot import BinanceSpotConnector

LOGIN = "login"


def streams_of(channels: frozenset[Channel], *, interval: str) -> list[str]:
    found = ["bookTicker"] if channels & {Channel.TICKERS, Channel.BOOK_TOP} else []
    found += ["aggTrade"] if channels & {Channel.TICKERS, Channel.TRADES} else []
    found += ["ticker"] if Channel.TICKERS in channels else []
    return found + ([f"kline_{interval}"] if Channel.CANDLES in channels else [])


class SpotDialect(MarketDialect):
    """All streams on one socket. The best prices come without the name of their event."""

    def _event(self, message: Row) -> None:
        if "e" in message or "u" not in message:
            super()._event(message)
            return
        if Channel.TICKERS in self._channels:
            self._board.note_book(message)
        if Channel.BOOK_TOP in self._channels:
            tell(self.events.on_book_top, self._board.connector.parse_book_top(message))


class SpotPrivateDialect(Dialect):
    """One signed request subscribes; events come wrapped, with the subscription's number."""

    def __init__(self, connector: "BinanceSpotConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector

    def opening(self) -> list[str]:
        method = "userDataStream.subscribe.signature"
        request = {"id": LOGIN, "method": method, "params": self._connector.login_params()}
        return [msgspec.json.encode(request).decode()]

    def receive(self, frame: str | bytes) -> list[str]:
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        if message.get("id") == LOGIN:
            self._confirmed(message)
            return []
        event = message.get("event", message)
        if not isinstance(event, dict):
            return []
        try:
            self._event(event)
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None
        return []

    def _confirmed(self, message: Row) -> None:
        if message.get("status") == 200:
            self.is_ready = True
            return
        error = message.get("error")
        code = str(error.get("code")) if isinstance(error, dict) else ""
        text = f"Binance refused the account stream: {str(error)[:200]}"
        if self._connector.spec.errors.get(code) is ErrorClass.AUTH:
            raise AuthFailed(text, exchange=self._connector.spec.name)
        raise StreamBroken(text)

    def _event(self, event: Row) -> None:
        kind, connector = event.get("e"), self._connector
        if kind == "eventStreamTerminated":
            raise StreamBroken("the venue ended the subscription")
        if kind == "outboundAccountPosition":
            for row in connector.read.rows(event, "B"):
                tell(self.events.on_balance, connector.parse_balance_event(row))
        elif kind == "executionReport" and connector.symbol_or_none(event, "s") is not None:
            order = connector.parse_order_event(event)
            connector.client_ids.learn(order.venue_order_id, order.client_order_id)
            if event.get("x") == "TRADE":
                tell(self.events.on_fill, connector.parse_fill_event(event))
            tell(self.events.on_order, order)
