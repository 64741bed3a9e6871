"""One cancels the other: of a group of waiting orders, the first that is filled ends the rest.

Kept here, not at the venue: few offer it, none for entries on both sides. Between a fill and the cancel a second one may
be filled as well; what only reduces is bounded by what is held all the same.
"""

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.exchanges.models import Connection
from apps.orders.ledger import order_locked, order_noted
from apps.orders.models import Order
from apps.orders.selectors import orders_live
from cts.domain.risk import Check
from cts.domain.types import OrderStatus

_FILLED = Q(filled_quantity__gt=0) | Q(reported_quantity__gt=0)


def oco_check(connection: Connection, group: str) -> Check:
    """For one more order of the group, under the hold of its connection."""
    is_over = _filled(connection, {group}).exists()
    sentence = f"Another order of the group {group} has been filled; a new group needs a new word"
    return Check("oco_filled", not is_over, "yes" if is_over else "no", "no", sentence)


def oco_void(connection: Connection) -> list[Order]:
    """Orders still live that a fill of another of their group has made void; each is told why, once."""
    orphans = _orphans(connection)
    for order, filled in orphans:
        _noted(order, filled)
    return [order for order, _ in orphans]


def _orphans(connection: Connection) -> list[tuple[Order, Order]]:
    waiting = list(orders_live(connection).exclude(oco_group=""))
    if not waiting:
        return []
    filled: dict[str, list[Order]] = {}
    for row in _filled(connection, {order.oco_group for order in waiting}):
        filled.setdefault(row.oco_group, []).append(row)
    return [
        (order, other)
        for order in waiting
        if (other := next((row for row in filled.get(order.oco_group, []) if row.pk != order.pk), None)) is not None
    ]


def _filled(connection: Connection, groups: set[str]) -> QuerySet[Order]:
    return Order.objects.filter(_FILLED, connection=connection, oco_group__in=groups).order_by("pk")


@transaction.atomic
def _noted(order: Order, filled: Order) -> None:
    """Why it is canceled stands in its story, once."""
    row = order_locked(order.pk)
    is_told = row.events.filter(kind="oco").exists()
    if not OrderStatus(row.status).is_final and not is_told:
        order_noted(row, kind="oco", data={"filled": filled.pk, "group": row.oco_group})
