"""Stops as orders see them: which protect a live position, and what follows in the rows when one ends."""

from django.utils import timezone

from apps.orders.models import Order
from apps.positions.ledger import position_changed, position_locked
from apps.positions.models import Position
from apps.positions.selectors import LIVE
from cts.domain.types import OrderPurpose


class Coverage:
    """The `Protection` orders ask and tell."""

    def is_protecting(self, order: Order) -> bool:
        if order.purpose != OrderPurpose.STOP:
            return False
        rows = Position.objects.filter(connection_id=order.connection_id, key=order.position_key)
        return rows.filter(status__in=LIVE, quantity__gt=0).exists()

    def stop_ended(self, order: Order) -> None:
        """Orders are held before positions everywhere; the position's row says at once that nothing covers it."""
        found = Position.objects.filter(stop_order=order, status__in=LIVE).values_list("pk", flat=True).first()
        if found is None:
            return
        row = position_locked(found)
        if row.stop_order_id != order.pk or row.quantity == 0 or row.uncovered_since is not None:
            return
        data = {"order": order.pk, "is_covered": False, "note": str(order.status)}
        position_changed(row, kind="stop", data=data, uncovered_since=timezone.now())
