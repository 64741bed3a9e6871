"""Which client id an order id of the venue's stands for."""

import threading
from collections import OrderedDict

REMEMBERED = 10_000


class ClientIds:
    """Which client id a venue's order id stands for: trades name only the latter, and a triggered algo order gets a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: OrderedDict[str, str] = OrderedDict()

    def learn(self, venue_order_id: str, client_order_id: str) -> None:
        with self._lock:
            self._names[venue_order_id] = client_order_id
            if len(self._names) > REMEMBERED:
                self._names.popitem(last=False)

    def get(self, venue_order_id: str) -> str | None:
        return self._names.get(venue_order_id)
