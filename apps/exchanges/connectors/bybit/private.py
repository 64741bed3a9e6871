"""Bybit's private socket. https://bybit-exchange.github.io/docs/v5/ws/connect"""

from apps.exchanges.connectors.bybit.frames import BybitDialect, frame_of
from apps.exchanges.connectors.bybit.words import FILL_TYPES
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import StreamBroken, tell
from cts.domain.errors import AuthFailed, PayloadError

TOPICS = ["order", "execution", "position", "wallet"]


class PrivateDialect(BybitDialect):
    """Login, then orders, executions and positions of all categories, of which ours are kept, and the wallet."""

    def opening(self) -> list[str]:
        return [frame_of("auth", self._connector.login_args())]

    def _control(self, message: Row) -> list[str]:
        if message.get("op") == "auth":
            if message.get("success") is not True:
                raise AuthFailed(f"Bybit refused the stream's login: {str(message.get('ret_msg'))[:200]}")
            return [frame_of("subscribe", TOPICS)]
        if message.get("op") == "subscribe" and message.get("success") is False:
            raise StreamBroken(f"subscription refused: {str(message.get('ret_msg'))[:200]}")
        return super()._control(message)

    def _data(self, message: Row) -> None:
        topic, category = str(message.get("topic")).partition(".")[0], self._connector.category
        for row in self._connector.read.rows(message, "data"):
            if topic != "wallet" and (
                row.get("category", category) != category or self._connector.symbol_or_none(row) is None
            ):
                continue
            try:
                self._row(topic, row)
            except PayloadError as error:
                # One unreadable row may be the fill that matters: end the session, so that what follows is a reconcile.
                raise StreamBroken(error.message) from None

    def _row(self, topic: str, row: Row) -> None:
        connector = self._connector
        if topic == "wallet":
            for coin in connector.read.rows(row, "coin"):
                tell(self.events.on_balance, connector.parse_balance(coin, row))
        elif topic == "order":
            tell(self.events.on_order, connector.parse_order(row))
        elif topic == "execution" and row.get("execType") in FILL_TYPES:
            tell(self.events.on_fill, connector.parse_fill(row))
        elif topic == "position":
            tell(self.events.on_position, connector.parse_position(row), connector.symbol(row))
