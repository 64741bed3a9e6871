"""How OrangeX's socket talks: JSON-RPC, numbered frames of channels, its own ping as text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect

if TYPE_CHECKING:
    from apps.exchanges.connectors.orangex.connector import OrangeXConnector

_PING, _PONG = "PING", "PONG"


class OrangeXDialect(Dialect):
    is_counted = True
    method = ""

    def __init__(self, connector: "OrangeXConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector
        self._number = 0
        self._asked: dict[str, list[str]] = {}

    def permit(self) -> None:
        self._connector.socket_permit()

    def ping(self) -> str:
        """Only what we send keeps the socket open, whatever comes the other way."""
        return _PING

    def _frame(self, channels: list[str], **params: str) -> str:
        self._number += 1
        self._asked[str(self._number)] = channels
        wanted = {
            "jsonrpc": "2.0",
            "id": self._number,
            "method": self.method,
            "params": params | {"channels": channels},
        }
        return msgspec.json.encode(wanted).decode()

    def receive(self, frame: str | bytes) -> list[str]:
        if frame in (_PONG, b"PONG"):
            return []
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        if message.get("method") == "subscription":
            params = message.get("params")
            if isinstance(params, dict):
                self._data(str(params.get("channel")), params.get("data"))
            return []
        # Ids come back as text, whatever they were sent as.
        return self._answered(self._asked.pop(str(message.get("id")), []), message)

    def _data(self, channel: str, data: Any) -> None:
        raise NotImplementedError

    def _answered(self, asked: list[str], message: Row) -> list[str]:
        raise NotImplementedError
