"""Ours against the venue's: which orders and legs differ, and what to do about each. Decides; does nothing."""

import math
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from cts.domain.orders import RESTING_STATUSES
from cts.domain.types import OrderRequest, OrderStatus, OrderType, PositionSide, VenueOrder, VenuePosition

Leg = tuple[str, PositionSide]

# Lists of open orders lag: one that ended here only just now may still be in them.
SETTLED_S = 10.0
# How far the venue's moment of taking an order may lie before ours of sending it.
SLACK_MS = 2_000


class Remedy(StrEnum):
    APPLY = "apply"  # the venue tells something new about an order of ours
    QUERY = "query"  # open here, not listed there: ask for its end and its fills
    RESOLVE = "resolve"  # sent, outcome unknown
    SEND = "send"  # committed, never sent
    ADOPT = "adopt"  # open there, unknown here
    REOPEN = "reopen"  # ended here, open there


class OurOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the diff needs of an order: how long before now it was claimed, and ended, here."""

    id: int
    client_order_id: str
    venue_order_id: str
    symbol: str
    status: OrderStatus
    filled_quantity: Decimal
    claimed_for_s: float | None = None
    ended_for_s: float | None = None


class OrderAction(msgspec.Struct, frozen=True, kw_only=True):
    remedy: Remedy
    order_id: int | None = None
    venue_order: VenueOrder | None = None


class LegDifference(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str
    side: PositionSide
    ours: Decimal
    venue: Decimal
    venue_price: Decimal | None = None


def orders_diff(
    ours: Iterable[OurOrder], *, listed: Iterable[VenueOrder], asked_for_s: float, sending_s: float
) -> list[OrderAction]:
    """What to do so that both sides tell the same. `ours` are the live orders and those that ended lately.

    The list was asked for `asked_for_s` ago; an order that was claimed or ended since isn't judged by it.
    """
    by_client = {order.client_order_id: order for order in listed if order.client_order_id}
    by_venue = {order.venue_order_id: order for order in listed if order.venue_order_id}
    actions: list[OrderAction] = []
    seen: set[str] = set()
    for order in ours:
        found = by_client.get(order.client_order_id) or by_venue.get(order.venue_order_id)
        if found is not None:
            seen.add(found.venue_order_id)
        action = _listed(order, found, asked_for_s) if found else _unlisted(order, asked_for_s, sending_s)
        if action is not None:
            actions.append(action)
    adopted = [order for order in by_venue.values() if order.venue_order_id not in seen]
    return actions + [OrderAction(remedy=Remedy.ADOPT, venue_order=order) for order in adopted]


def _listed(order: OurOrder, found: VenueOrder, asked_for_s: float) -> OrderAction | None:
    if order.status.is_final:
        is_settled = order.ended_for_s is not None and order.ended_for_s - asked_for_s > SETTLED_S
        if not is_settled or order.status in (OrderStatus.DENIED, OrderStatus.FILLED):
            return None
        return OrderAction(remedy=Remedy.REOPEN, order_id=order.id, venue_order=found)
    is_same = order.status in RESTING_STATUSES and order.filled_quantity == found.filled_quantity
    if is_same and order.venue_order_id == found.venue_order_id:
        return None
    return OrderAction(remedy=Remedy.APPLY, order_id=order.id, venue_order=found)


def _unlisted(order: OurOrder, asked_for_s: float, sending_s: float) -> OrderAction | None:
    if order.status.is_final:
        return None
    if order.status is OrderStatus.NEW:
        return OrderAction(remedy=Remedy.SEND, order_id=order.id)
    if order.status is OrderStatus.UNKNOWN:
        return OrderAction(remedy=Remedy.RESOLVE, order_id=order.id)
    age_s = math.inf if order.claimed_for_s is None else order.claimed_for_s - asked_for_s
    if order.status is OrderStatus.SUBMITTING:
        # Whoever sends it may still be waiting for the answer.
        return OrderAction(remedy=Remedy.RESOLVE, order_id=order.id) if age_s > sending_s else None
    return OrderAction(remedy=Remedy.QUERY, order_id=order.id) if age_s > 0 else None


def legs_diff(ours: dict[Leg, Decimal], *, venue: Iterable[VenuePosition]) -> list[LegDifference]:
    """Legs whose sums differ, the venue's word beside ours."""
    theirs = {(leg.symbol, leg.side): leg for leg in venue}
    zero = Decimal(0)
    differences = []
    for symbol, side in sorted(ours.keys() | theirs.keys()):
        leg = theirs.get((symbol, side))
        held, told = ours.get((symbol, side), zero), leg.quantity if leg else zero
        if held != told:
            price = leg.entry_price if leg else None
            differences.append(LegDifference(symbol=symbol, side=side, ours=held, venue=told, venue_price=price))
    return differences


def is_nameless_twin(request: OrderRequest, told: VenueOrder, *, sent_ms: int) -> bool:
    """Whether a conditional order told without our id is the one that was sent: a venue that keeps no id tells its terms.

    A stop and a target of the same terms can't both wait, for the price is on one side of their trigger.
    """
    return (
        not told.client_order_id
        and request.order_type.is_conditional
        and told.order_type.is_conditional
        and (told.created_ms or told.updated_ms) >= sent_ms - SLACK_MS
        and (told.symbol, told.side, told.quantity) == (request.symbol, request.side, request.quantity)
        and (told.order_type is OrderType.TRAILING_STOP) is (request.order_type is OrderType.TRAILING_STOP)
        and told.position_side in (None, request.position_side)
        and (request.trail_ratio is not None or told.trigger_price == request.trigger_price)
    )
