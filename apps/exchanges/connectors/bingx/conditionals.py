"""BingX keeps no client id for conditional orders: which is which is remembered, or told by their terms."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from cts.domain.reconcile import is_nameless_twin
from cts.domain.types import OrderRequest, OrderType, VenueOrder

V = TypeVar("V")

REMEMBERED = 10_000


class Sent(msgspec.Struct, frozen=True):
    """An order on its way, or whose answer never came."""

    request: OrderRequest
    at_ms: int


class Conditionals:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._sent: OrderedDict[str, Sent] = OrderedDict()
        self._kinds: OrderedDict[str, OrderType] = OrderedDict()

    def kind(self, client_order_id: str, order_id: str) -> OrderType | None:
        """What it was asked for as, for a market that has one word for stops and targets; None once forgotten."""
        sent = self._sent.get(client_order_id)
        return sent.request.order_type if sent else self._kinds.get(order_id)

    def order_id(self, client_order_id: str) -> str:
        return self._ids.get(client_order_id, "")

    def unsure(self, client_order_id: str) -> Sent | None:
        return self._sent.get(client_order_id)

    def sent(self, request: OrderRequest, *, at_ms: int) -> None:
        with self._lock:
            _keep(self._sent, request.client_order_id, Sent(request, at_ms))

    def recall(self, request: OrderRequest, *, at_ms: int) -> None:
        """Sent by another process, or before this one began; unless its id or its sending is known here."""
        with self._lock:
            if request.client_order_id not in self._ids:
                self._sent.setdefault(request.client_order_id, Sent(request, at_ms))

    def refused(self, client_order_id: str) -> None:
        with self._lock:
            self._sent.pop(client_order_id, None)

    def learn(self, client_order_id: str, order_id: str) -> None:
        with self._lock:
            if sent := self._sent.pop(client_order_id, None):
                _keep(self._kinds, order_id, sent.request.order_type)
            _keep(self._ids, client_order_id, order_id)

    def name_of(self, told: VenueOrder) -> str:
        """Of an order the account stream tells before its answer has come."""
        with self._lock:
            return next((name for name, sent in self._sent.items() if _is_same(sent, told)), "")


def _is_same(sent: Sent, told: VenueOrder) -> bool:
    return is_nameless_twin(sent.request, told, sent_ms=sent.at_ms)


def found(sent: Sent, listed: Iterable[VenueOrder]) -> VenueOrder | None:
    return min((told for told in listed if _is_same(sent, told)), key=lambda told: told.created_ms, default=None)


def _keep(memory: OrderedDict[str, V], key: str, value: V) -> None:
    memory[key] = value
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
