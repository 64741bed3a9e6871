"""What Bybit's sockets share: operations, answers to them, the ping."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Dialect, log

if TYPE_CHECKING:
    from apps.exchanges.connectors.bybit.account import BybitAccount

_PING = '{"op":"ping"}'


def frame_of(op: str, args: list[Any]) -> str:
    return msgspec.json.encode({"op": op, "req_id": op, "args": args}).decode()


class BybitDialect(Dialect):
    def __init__(self, connector: "BybitAccount", *, urls: Sequence[str], events: StreamEvents) -> None:
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
