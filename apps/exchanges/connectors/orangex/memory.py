"""What an account placed from this process: the venue finds orders by its own ids only, and may not tell ours."""

import threading
from collections import OrderedDict
from typing import TypeVar

import msgspec

from cts.domain.types import OrderRequest, PositionSide, VenueOrder

T = TypeVar("T")
REMEMBERED = 10_000
# The venue stamps an order later than we noted it, by the way there; clocks may differ a little the other way.
BEFORE_MS, AFTER_MS = 5_000, 60_000


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a trade doesn't tell of its order."""

    client_order_id: str
    leg: PositionSide | None


class Wish(msgspec.Struct, frozen=True):
    request: OrderRequest
    at_ms: int

    def is_met_by(self, order: VenueOrder) -> bool:
        """Whether this may be the order wished for: same side, kind, amount and prices, made when it was sent."""
        wanted = self.request
        return (
            (order.symbol, order.side, order.order_type) == (wanted.symbol, wanted.side, wanted.order_type)
            and order.quantity == wanted.quantity
            and order.trigger_price == wanted.trigger_price
            and order.price == wanted.price
            and -BEFORE_MS <= order.created_ms - self.at_ms <= AFTER_MS
        )


class Placed:
    """Thread-safe; the newest `REMEMBERED` of each kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wishes: OrderedDict[str, Wish] = OrderedDict()
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._symbols: set[str] = set()

    @property
    def symbols(self) -> set[str]:
        with self._lock:
            return set(self._symbols)

    def wish(self, request: OrderRequest, *, at_ms: int) -> None:
        """Noted before it is sent, so that an order whose answer is lost can still be told from others."""
        with self._lock:
            self._symbols.add(request.symbol)
            _keep(self._wishes, request.client_order_id, Wish(request, at_ms))

    def learn(self, venue_order_id: str, client_order_id: str, leg: PositionSide | None) -> None:
        with self._lock:
            _keep(self._known, venue_order_id, Known(client_order_id, leg))
            if client_order_id:
                _keep(self._ids, client_order_id, venue_order_id)

    def wish_of(self, client_order_id: str) -> Wish | None:
        return self._wishes.get(client_order_id)

    def id_of(self, client_order_id: str) -> str:
        return self._ids.get(client_order_id, "")

    def known(self, venue_order_id: str) -> Known | None:
        return self._known.get(venue_order_id)

    def name_of(self, venue_order_id: str) -> str:
        known = self._known.get(venue_order_id)
        return known.client_order_id if known else ""


def _keep(rows: OrderedDict[str, T], key: str, value: T) -> None:
    rows[key] = value
    rows.move_to_end(key)
    if len(rows) > REMEMBERED:
        rows.popitem(last=False)
