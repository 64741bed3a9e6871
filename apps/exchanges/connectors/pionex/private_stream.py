"""Pionex's private socket: login, then orders, executions, positions and balances of the account."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.pionex.stream import PionexDialect, frame
from apps.exchanges.connectors.stream import StreamBroken, tell
from cts.domain.errors import ExchangeError, PayloadError

if TYPE_CHECKING:
    from apps.exchanges.connectors.pionex.wire import PionexWire

ORDER, FILL, POSITION, BALANCE = "ORDER", "FILL", "POSITION", "BALANCE"
TOPICS = frozenset({ORDER, FILL, POSITION, BALANCE})
# An execution may come before the order it belongs to; after this long, that order is asked for.
NAMELESS_S = 2.0


class PrivateDialect(PionexDialect):
    """The answer to a login isn't documented, a refusal is an error: the subscriptions follow at once, and confirm it."""

    def __init__(self, connector: "PionexWire", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._missing = set(TOPICS)
        self._nameless: dict[str, list[tuple[float, Row]]] = {}

    def opening(self) -> list[str]:
        self._missing = set(TOPICS)
        self._nameless.clear()
        every = [frame("SUBSCRIBE", topic=topic, symbol="ALL") for topic in (ORDER, FILL, POSITION)]
        return [frame("auth", args=self._connector.login_args()), *every, frame("SUBSCRIBE", topic=BALANCE)]

    def _subscribed(self, topic: str, name: str) -> None:
        self._missing.discard(topic)
        self.is_ready = not self._missing

    def _refused(self, code: str, text: str) -> None:
        super()._refused(code, text)
        raise StreamBroken(f"subscription refused: {code} {text}")

    def receive(self, frame: str | bytes) -> list[str]:
        replies = super().receive(frame)
        self._ask_for_names(older_than_s=NAMELESS_S)
        return replies

    def tend(self) -> None:
        self._ask_for_names(older_than_s=NAMELESS_S)

    def _data(self, message: Row) -> list[str]:
        data = message["data"]
        try:
            for row in data if isinstance(data, list) else [data]:
                self._row(str(message["topic"]), row)
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None
        return []

    def _row(self, topic: str, row: Row) -> None:
        connector = self._connector
        if topic == BALANCE:
            # Isolated margin is told apart, by the leg; the account's own is the cross list.
            for entry in connector.read.rows(row, "balances") if row.get("type", "CROSS") == "CROSS" else []:
                tell(self.events.on_balance, connector.parse_balance_event(entry))
        elif topic in TOPICS and connector.symbol_or_none(row) is not None:
            if topic == ORDER:
                order = connector.parse_order(row)
                tell(self.events.on_order, order)
                self._named(order.venue_order_id)
            elif topic == FILL:
                self._fill(row)
            else:
                tell(self.events.on_position, connector.parse_position(row), connector.symbol(row))

    def _fill(self, row: Row) -> None:
        """Executions don't say whose order they were; the order's own message does, and is never far."""
        fill = self._connector.parse_fill(row)
        if self._connector.names.get(fill.venue_order_id) is None:
            self._nameless.setdefault(fill.venue_order_id, []).append((time.monotonic(), row))
        else:
            tell(self.events.on_fill, fill)

    def _named(self, order_id: str) -> None:
        for _, row in self._nameless.pop(order_id, ()):
            tell(self.events.on_fill, self._connector.parse_fill(row))

    def _ask_for_names(self, *, older_than_s: float) -> None:
        if not self._nameless:
            return
        now = time.monotonic()
        for order_id in [name for name, rows in self._nameless.items() if now - rows[0][0] >= older_than_s]:
            try:
                self._connector.learn_name(self._connector.symbol(self._nameless[order_id][0][1]), order_id)
            except ExchangeError as error:
                raise StreamBroken(f"order {order_id} of an execution can't be read: {error.message}") from None
            self._named(order_id)
