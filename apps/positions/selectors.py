"""Reads of positions. `position_get_for` is the one door to a position."""

from decimal import Decimal

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.exchanges.selectors import found
from apps.orders.models import Order
from apps.orders.selectors import EXITS, orders_live
from apps.positions.models import Discrepancy, FundingEntry, Position, PositionStatus
from apps.positions.rows import stop_status
from apps.positions.story import position_story
from cts.domain.exits import ExitView
from cts.domain.reconcile import Leg
from cts.domain.types import PositionSide

__all__ = [
    "LIVE",
    "discrepancies_for",
    "exit_view",
    "exits_live",
    "funding_entries_for",
    "leg_quantities",
    "position_get_for",
    "position_story",
    "positions_for",
    "positions_live",
]

LIVE = (PositionStatus.OPENING, PositionStatus.OPEN, PositionStatus.CLOSING)


def positions_for(user: User) -> QuerySet[Position]:
    return Position.objects.filter(connection__owner_id=user.pk).select_related("connection")


def position_get_for(user: User, pk: int | str) -> Position:
    """The user's own position.

    Raises:
        NotFound: absent and not yours alike.
    """
    return found(positions_for(user).select_related("stop_order"), pk)


def funding_entries_for(user: User) -> QuerySet[FundingEntry]:
    return FundingEntry.objects.filter(connection__owner_id=user.pk)


def discrepancies_for(user: User) -> QuerySet[Discrepancy]:
    return Discrepancy.objects.filter(connection__owner_id=user.pk)


def positions_live(connection: Connection | int) -> QuerySet[Position]:
    """Everything not closed, the oldest first: that is the order in which a shared leg is closed."""
    connection_id = connection if isinstance(connection, int) else connection.pk
    rows = Position.objects.filter(connection_id=connection_id, status__in=LIVE)
    return rows.select_related("connection", "stop_order").order_by("pk")


def exits_of(position: Position) -> QuerySet[Order]:
    """All its exits ever made, the oldest first."""
    orders = Order.objects.filter(connection_id=position.connection_id, position_key=position.key, purpose__in=EXITS)
    return orders.select_related("connection").order_by("id")


def exits_live(position: Position) -> QuerySet[Order]:
    """Its exits that are on the venue or may yet get there; stops are no exits in this sense."""
    return orders_live(position.connection).filter(position_key=position.key, purpose__in=EXITS)


def leg_quantities(connection: Connection) -> dict[Leg, Decimal]:
    """What all positions of each leg add up to: what the venue should hold."""
    sums: dict[Leg, Decimal] = {}
    for symbol, side, quantity in positions_live(connection).values_list("symbol", "side", "quantity"):
        leg = (symbol, PositionSide(side))
        sums[leg] = sums.get(leg, Decimal(0)) + quantity
    return {leg: quantity for leg, quantity in sums.items() if quantity}


def exit_view(position: Position) -> ExitView | None:
    """What its exits look at, as floats; None where it holds nothing, or nothing would close it."""
    if position.average_entry_price is None or position.quantity == 0:
        return None
    view = ExitView(
        side=PositionSide(position.side),
        entry_price=float(position.average_entry_price),
        target_price=_float(position.target_price),
        stop_price=_float(position.stop_price),
        is_stop_on_venue=stop_status(position) == "on_venue",
        trail_arm_ratio=position.trail_arm_ratio,
        trail_give_back_ratio=position.trail_give_back_ratio,
        best_price=_float(position.best_price),
        timeout_at=position.timeout_at,
    )
    watches = (view.target_price, view.stop_price, view.trail_arm_ratio, view.timeout_at)
    return view if any(watch is not None for watch in watches) else None


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
