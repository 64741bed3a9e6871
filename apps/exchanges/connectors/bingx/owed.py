"""What BingX's account stream only hints at and is asked for, or waited for: trades with their price, fee and role,
which side a one-way position has, what a balance leaves to trade with, whose a conditional order is."""

import math
import time
from collections import OrderedDict
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import StreamBroken, log, tell
from cts.domain.errors import ExchangeError
from cts.domain.types import VenueOrder

if TYPE_CHECKING:
    from apps.exchanges.connectors.bingx.orders import BingxOrders

# A trade is listed a moment after it is told of. What isn't there by then is for a reconcile to find.
ASK_AGAIN_S = 0.5
GIVE_UP_S = 15.0
# A conditional order has no name of ours: whoever placed it, here or in another process, knows its id by then.
NAMED_WITHIN_S = 3.0
REMEMBERED = 10_000


class Debt(msgspec.Struct):
    """Trades of one order, up to this quantity in all."""

    symbol: str
    quantity: Decimal
    since: float
    asked_at: float = 0.0


class Owed:
    """Only for the stream's own thread."""

    def __init__(self, connector: "BingxOrders", events: StreamEvents) -> None:
        self._connector = connector
        self._events = events
        self._debts: dict[str, Debt] = {}
        self._told: OrderedDict[str, None] = OrderedDict()
        self._positions: set[str] = set()
        self._unnamed: dict[str, tuple[VenueOrder, float]] = {}
        self._is_balance_due = False
        self._balance_at = -math.inf

    def clear(self) -> None:
        """A new session begins with a reconcile."""
        self._debts.clear()
        self._positions.clear()
        self._unnamed.clear()

    def fills(self, order: VenueOrder) -> None:
        known = self._debts.get(order.venue_order_id)
        since = known.since if known else time.monotonic()
        self._debts[order.venue_order_id] = Debt(order.symbol, order.filled_quantity, since)

    def name(self, order: VenueOrder) -> None:
        self._unnamed[order.venue_order_id] = (order, time.monotonic())

    def position(self, symbol: str) -> None:
        self._positions.add(symbol)

    def balances(self) -> None:
        self._is_balance_due = self._events.on_balance is not None

    def settle(self) -> None:
        """Ask for what is due. An answer that can't be had now is asked for again, for a while."""
        self._tell_named()
        for order_id, debt in list(self._debts.items()):
            now = time.monotonic()
            if now - debt.asked_at < ASK_AGAIN_S:
                continue
            if now - debt.since > GIVE_UP_S:
                raise StreamBroken(f"the trades of order {order_id} could not be had")
            debt.asked_at = now
            self._ask_fills(order_id, debt)
        try:
            if self._positions:
                self._ask_positions()
            if self._is_balance_due and time.monotonic() - self._balance_at >= ASK_AGAIN_S:
                self._ask_balances()
        except ExchangeError as error:
            log.warning("BingX: positions or balances could not be asked for: %s", error.message)

    def _tell_named(self) -> None:
        for order_id, (order, at) in list(self._unnamed.items()):
            named = self._connector.named(order)
            if named.client_order_id or time.monotonic() - at > NAMED_WITHIN_S:
                del self._unnamed[order_id]
                tell(self._events.on_order, named)

    def _ask_fills(self, order_id: str, debt: Debt) -> None:
        try:
            fills = self._connector.fills(debt.symbol, venue_order_id=order_id)
        except ExchangeError as error:
            log.warning("BingX: trades of order %s could not be asked for: %s", order_id, error.message)
            return
        for fill in fills:
            key = f"{fill.symbol} {fill.venue_trade_id}"
            if key not in self._told:
                self._remember(key)
                tell(self._events.on_fill, fill)
        if sum((fill.quantity for fill in fills), Decimal(0)) >= debt.quantity:
            del self._debts[order_id]

    def _remember(self, key: str) -> None:
        self._told[key] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def _ask_positions(self) -> None:
        legs = {leg.symbol: leg for leg in self._connector.positions()}
        for symbol in sorted(self._positions):
            tell(self._events.on_position, legs.get(symbol), symbol)
        self._positions.clear()

    def _ask_balances(self) -> None:
        self._balance_at, self._is_balance_due = time.monotonic(), False
        for balance in self._connector.balances():
            tell(self._events.on_balance, balance)
