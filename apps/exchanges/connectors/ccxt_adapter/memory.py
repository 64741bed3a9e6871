"""What was learnt of orders that ccxt's rows don't tell: their kind, their leg, our id by the venue's."""

from collections import OrderedDict
from threading import Lock

import msgspec

from cts.domain.types import OrderRequest, OrderType, PositionSide, VenueOrder

_KEPT = 2000


class Known(msgspec.Struct, frozen=True, gc=False):
    """An order as we placed it; without a kind and a leg where another process did."""

    client_order_id: str
    venue_order_id: str = ""
    order_type: OrderType | None = None
    position_side: PositionSide | None = None
    symbol: str = ""
    became: str = ""

    @property
    def is_loose(self) -> bool:
        """Its executions may come under an id we don't know yet."""
        kind = self.order_type
        return not self.venue_order_id or (kind is not None and kind.is_conditional and not self.became)


class OrderMemory:
    """The newest orders, by either id. What is forgotten is only told with less detail."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_client: OrderedDict[str, Known] = OrderedDict()
        self._by_venue: OrderedDict[str, str] = OrderedDict()
        self._unseen: OrderedDict[str, str] = OrderedDict()

    def placed(self, request: OrderRequest) -> None:
        known = Known(request.client_order_id, "", request.order_type, request.position_side, symbol=request.symbol)
        with self._lock:
            self._by_client[known.client_order_id] = known
            _trim(self._by_client)

    def named(self, client_order_id: str, venue_order_id: str) -> None:
        """The venue tells both ids in one breath."""
        if not client_order_id or not venue_order_id:
            return
        with self._lock:
            known = self._by_client.get(client_order_id) or Known(client_order_id)
            self._by_client[client_order_id] = msgspec.structs.replace(known, venue_order_id=venue_order_id)
            self._by_venue[venue_order_id] = client_order_id
            _trim(self._by_client)
            _trim(self._by_venue)

    def alias(self, client_order_id: str, venue_order_id: str) -> None:
        """Another id of the same order's, under which its executions come."""
        if client_order_id and venue_order_id:
            with self._lock:
                known = self._by_client.get(client_order_id) or Known(client_order_id)
                self._by_client[client_order_id] = msgspec.structs.replace(known, became=venue_order_id)
                self._by_venue[venue_order_id] = client_order_id
                _trim(self._by_venue)

    def told(self, order: VenueOrder) -> None:
        """What an order's row adds to what we know; a trigger that ended without firing becomes nothing any more."""
        with self._lock:
            known = self._by_client.get(order.client_order_id)
            if known is None:
                return
            is_over = order.status.is_final and not known.became
            self._by_client[order.client_order_id] = msgspec.structs.replace(
                known,
                symbol=known.symbol or order.symbol,
                order_type=known.order_type or (order.order_type if order.order_type.is_conditional else None),
                became=order.venue_order_id if is_over else known.became,
            )

    def forget(self, client_order_id: str) -> None:
        with self._lock:
            self._by_client.pop(client_order_id, None)

    def loose(self, symbol: str) -> list[Known]:
        with self._lock:
            return [known for known in self._by_client.values() if known.symbol == symbol and known.is_loose]

    def symbols(self) -> set[str]:
        with self._lock:
            return {known.symbol for known in self._by_client.values() if known.symbol}

    def acknowledged(self, client_order_id: str, venue_order_id: str, symbol: str) -> None:
        """Placed by us just now: whoever tells of orders has to tell of this one too, even if it is never seen open."""
        self.named(client_order_id, venue_order_id)
        with self._lock:
            self._unseen[venue_order_id] = symbol
            _trim(self._unseen)

    def unseen(self) -> dict[str, str]:
        """Symbols of the orders placed and not yet told of, by the venue's id."""
        with self._lock:
            return dict(self._unseen)

    def seen(self, venue_order_id: str) -> None:
        with self._lock:
            self._unseen.pop(venue_order_id, None)

    def by_client(self, client_order_id: str) -> Known | None:
        with self._lock:
            return self._by_client.get(client_order_id)

    def by_venue(self, venue_order_id: str) -> Known | None:
        with self._lock:
            return self._by_client.get(self._by_venue.get(venue_order_id, ""))


def _trim(table: OrderedDict[str, Known] | OrderedDict[str, str]) -> None:
    while len(table) > _KEPT:
        table.popitem(last=False)
