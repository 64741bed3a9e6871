"""OrangeX's private channels: the account's changes, and its assets."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.orangex.dialect import OrangeXDialect
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import ErrorClass
from apps.exchanges.connectors.stream import StreamBroken, log, tell
from cts.domain.errors import AuthFailed, PayloadError

if TYPE_CHECKING:
    from apps.exchanges.connectors.orangex.connector import OrangeXConnector


class PrivateDialect(OrangeXDialect):
    """Orders, trades and legs in one channel, the assets in another. Each frame that asks for one carries the token."""

    method = "/private/subscribe"

    def __init__(self, connector: "OrangeXConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._changes_channel = f"user.changes.{connector.currency.lower()}.{connector.currency}.raw"
        self._assets_channel = f"user.asset.{connector.currency}"
        self._token = ""
        self._waiting: list[str] = []

    def url(self, misses: int) -> str:
        self._token = self._connector.grant().access_token
        return super().url(misses)

    def opening(self) -> list[str]:
        self._asked.clear()
        self._waiting = []
        return [
            self._frame([channel], access_token=self._token)
            for channel in (self._changes_channel, self._assets_channel)
        ]

    def tend(self) -> None:
        """A new token is told to the socket, which may have been opened half a day ago."""
        token = self._connector.grant().access_token
        if token != self._token:
            self._token = token
            self._waiting = [
                self._frame([channel], access_token=token) for channel in (self._changes_channel, self._assets_channel)
            ]

    def ping(self) -> str:
        return self._waiting.pop(0) if self._waiting else super().ping()

    def _answered(self, asked: list[str], message: Row) -> list[str]:
        error = message.get("error")
        if not isinstance(error, dict):
            self.is_ready = self.is_ready or self._changes_channel in asked
            return []
        code, said = str(error.get("code")), f"OrangeX refused the stream: {str(error.get('message'))[:200]}"
        kind = self._connector.spec.errors.get(code)
        if kind is ErrorClass.AUTH:
            raise AuthFailed(said)
        if kind is ErrorClass.RESIGN:
            self._connector.token_refused(self._token)
            raise StreamBroken(said)
        if self._changes_channel in asked or not asked:
            raise StreamBroken(said)
        log.warning("%s; balances are asked for instead", said)
        return []

    def _data(self, channel: str, data: Any) -> None:
        self.data_at = time.monotonic()
        try:
            if channel == self._changes_channel:
                self._changes(data)
            elif channel == self._assets_channel:
                row = self._connector.read.mapping(data, self._connector.currency)
                for balance in self._connector.parse_assets(row):
                    tell(self.events.on_balance, balance)
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None

    def _changes(self, data: Any) -> None:
        """The orders are read before their trades, which need their names."""
        connector = self._connector
        kinds = ("orders", "trades", "positions")
        orders, trades, legs = (self._ours(data, kind) for kind in kinds)
        told = [connector.learned(connector.parse_order(row)) for row in orders]
        for row in trades:
            tell(self.events.on_fill, connector.parse_fill(row))
        for order in told:
            tell(self.events.on_order, order)
        for row in legs:
            leg = connector.parse_position(row)
            tell(self.events.on_position, leg, connector.symbol(row, "instrument_name"))

    def _ours(self, data: Any, kind: str) -> list[Row]:
        rows = self._connector.read.rows(data, kind) if isinstance(data, dict) and kind in data else []
        return [row for row in rows if self._connector.symbol_or_none(row, "instrument_name") is not None]
