"""What an order id of the venue's stands for: executions name neither the client id nor the leg."""

import threading
from collections import OrderedDict
from typing import NamedTuple

from cts.domain.types import PositionSide

REMEMBERED = 10_000


class OrderName(NamedTuple):
    client_order_id: str
    leg: PositionSide | None


class OrderNames:
    """The newest orders seen, by either id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: OrderedDict[str, OrderName] = OrderedDict()
        self._ids: dict[str, str] = {}

    def learn(self, venue_order_id: str, name: OrderName) -> None:
        with self._lock:
            self._names[venue_order_id] = name
            if name.client_order_id:
                self._ids[name.client_order_id] = venue_order_id
            if len(self._names) > REMEMBERED:
                _, oldest = self._names.popitem(last=False)
                self._ids.pop(oldest.client_order_id, None)

    def get(self, venue_order_id: str) -> OrderName | None:
        return self._names.get(venue_order_id)

    def id_of(self, client_order_id: str) -> str:
        """Empty where none is known."""
        return self._ids.get(client_order_id, "")
