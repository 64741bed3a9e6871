"""The news of one account where it has to be asked for: orders, executions and legs, each told once."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import log, tell
from cts.domain.errors import OrderNotFound
from cts.domain.types import PositionSide, VenueFill, VenueOrder, VenuePosition

if TYPE_CHECKING:
    from apps.exchanges.connectors.ccxt_adapter.connector import CcxtConnector

OVERLAP_MS = 10_000
"""Executions are asked for from before the newest: venues tell some of them late."""
Leg = tuple[str, PositionSide]
FEW = 5
WHOLE_S = 30.0
"""Asking for all symbols at once is dear at many venues: most rounds ask for the few in use."""


class AccountPoll:
    """Orders, executions and legs of one account; of the venues that tell them by symbol, those we have to do with."""

    def __init__(self, connector: "CcxtConnector", events: StreamEvents) -> None:
        self._connector, self._events = connector, events
        self._since_ms: int | None = None
        self._orders: dict[str, VenueOrder] = {}
        self._missing: dict[str, float] = {}
        self._legs: dict[Leg, VenuePosition] = {}
        self._told: dict[tuple[str, str], None] = {}
        self._used_at: dict[str, float] = {}
        self._whole_at = 0.0

    def add(self, symbols: Iterable[str]) -> None:
        """An account has no symbols to subscribe to."""

    def round(self) -> None:
        if self._since_ms is None:
            self._connector.load()
            self._since_ms = self._connector.now_ms() - OVERLAP_MS
        used = self._used()
        self._orders_tell(used)
        self._fills_tell(used)
        self._legs_tell()

    def _used(self) -> list[str]:
        """Symbols with an order or a leg, now or a short while ago."""
        now = time.monotonic()
        symbols = {symbol for symbol, _ in self._legs} | {order.symbol for order in self._orders.values()}
        self._used_at |= dict.fromkeys(symbols | set(self._connector.memory.unseen().values()), now)
        self._used_at = {symbol: at for symbol, at in self._used_at.items() if now - at < 2 * WHOLE_S}
        return sorted(self._used_at)

    def _open_orders(self, used: list[str]) -> list[VenueOrder]:
        if time.monotonic() < self._whole_at and len(used) <= FEW:
            return [order for symbol in used for order in self._connector.open_orders(symbol)]
        found = self._connector.open_orders()
        self._whole_at = time.monotonic() + WHOLE_S
        return found

    def _orders_tell(self, used: list[str]) -> None:
        open_now = {order.venue_order_id: order for order in self._open_orders(used)}
        for venue_id, order in open_now.items():
            self._order_tell(venue_id, order)
        placed = self._connector.memory.unseen()
        gone = {venue_id: order.symbol for venue_id, order in self._orders.items() if venue_id not in open_now}
        for venue_id, symbol in {**gone, **placed}.items():
            if venue_id not in open_now:
                self._end_tell(venue_id, symbol)

    def _order_tell(self, venue_id: str, order: VenueOrder) -> None:
        before = self._orders.get(venue_id)
        self._missing.pop(venue_id, None)
        self._connector.memory.seen(venue_id)
        if before is None or msgspec.structs.replace(before, updated_ms=order.updated_ms) != order:
            tell(self._events.on_order, order)
        if order.status.is_final:
            self._orders.pop(venue_id, None)
        else:
            self._orders[venue_id] = order

    def _end_tell(self, venue_id: str, symbol: str) -> None:
        """It is open no more: what became of it is asked, for a while, and left to the reconciliation after that."""
        known = self._connector.memory.by_venue(venue_id)
        before = self._orders.get(venue_id)
        kind = known.order_type if known else before and before.order_type
        try:
            order = self._connector.order(
                symbol,
                client_order_id=known.client_order_id if known else before.client_order_id if before else "",
                venue_order_id=venue_id,
                is_conditional=bool(kind and kind.is_conditional),
            )
        except OrderNotFound:
            since = self._missing.setdefault(venue_id, time.monotonic())
            if time.monotonic() - since > self._connector.spec.visibility_delay_s:
                log.warning("order_vanished", extra={"exchange": self._connector.spec.name, "venue_order": venue_id})
                self._orders.pop(venue_id, None)
                self._connector.memory.seen(venue_id)
            return
        self._order_tell(venue_id, order)

    def _fills_tell(self, used: list[str]) -> None:
        assert self._since_ms is not None
        if self._connector.feature("fetchMyTrades", "symbolRequired"):
            fills = [fill for symbol in used for fill in self._connector.fills(symbol, since_ms=self._since_ms)]
        else:
            fills = self._connector.fills_of_all(since_ms=self._since_ms)
        for fill in sorted(fills, key=lambda fill: fill.executed_ms):
            self._fill_tell(fill)

    def _fill_tell(self, fill: VenueFill) -> None:
        assert self._since_ms is not None
        self._since_ms = max(self._since_ms, fill.executed_ms - OVERLAP_MS)
        key = (fill.symbol, fill.venue_trade_id)
        if key not in self._told:
            self._told[key] = None
            tell(self._events.on_fill, fill)
            while len(self._told) > 10_000:
                del self._told[next(iter(self._told))]

    def _legs_tell(self) -> None:
        held = {(leg.symbol, leg.side): leg for leg in self._connector.positions()}
        for key, leg in held.items():
            if self._legs.get(key) is None or _terms(self._legs[key]) != _terms(leg):
                tell(self._events.on_position, leg, leg.symbol)
        for symbol, _side in self._legs.keys() - held.keys():
            tell(self._events.on_position, None, symbol)
        self._legs = held


def _terms(leg: VenuePosition) -> VenuePosition:
    """Without what moves with every tick."""
    return msgspec.structs.replace(leg, mark_price=None, unrealized_pnl=None, liquidation_price=None, at_ms=0)
