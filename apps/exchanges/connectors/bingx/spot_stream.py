"""BingX's spot account stream: told only what was subscribed to, each trade with its price, fee and role."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx.frames import subscription
from apps.exchanges.connectors.bingx.stream import PrivateDialect
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import StreamBroken, tell
from cts.domain.errors import PayloadError
from cts.domain.types import OrderStatus

if TYPE_CHECKING:
    from apps.exchanges.connectors.bingx.spot_rows import BingxSpotRows

ORDERS, BALANCES = "spot.executionReport", "ACCOUNT_UPDATE"


class SpotPrivateDialect(PrivateDialect):
    def __init__(self, connector: "BingxSpotRows", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._spot = connector
        self._unconfirmed: set[str] = set()

    def opening(self) -> list[str]:
        super().opening()
        self.is_ready = False
        self._unconfirmed = {ORDERS, BALANCES}
        return [subscription(topic) for topic in (ORDERS, BALANCES)]

    def _message(self, message: Row) -> list[str]:
        if message.get("e") == "listenKeyExpired":
            raise StreamBroken("the listen key expired")
        try:
            if message.get("dataType") == ORDERS:
                self._report(self._spot.read.mapping(message, "data"))
            elif message.get("e") == BALANCES:
                # What it tells of an asset is read as free by some and as the total by others: it is asked for.
                self._owed.balances()
            elif "id" in message:
                self._confirmed(message)
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None
        self._owed.settle()
        return []

    def _confirmed(self, message: Row) -> None:
        if str(message.get("code")) != "0":
            raise StreamBroken(f"BingX refused the subscription {message['id']}: {str(message.get('msg'))[:200]}")
        self._unconfirmed.discard(str(message["id"]))
        self.is_ready = not self._unconfirmed

    def _report(self, row: Row) -> None:
        if self._spot.symbol_or_none(row, "s") is None:
            return
        order = self._spot.parse_order_event(row, at_ms=row.get("E"))
        if order.client_order_id:
            self._spot.client_ids.learn(order.venue_order_id, order.client_order_id)
        if row.get("x") == "TRADE":
            tell(self.events.on_fill, self._spot.parse_fill_event(row))
        if order.order_type.is_conditional and not order.client_order_id and order.status is OrderStatus.ACCEPTED:
            self._owed.name(order)
        else:
            tell(self.events.on_order, order)
