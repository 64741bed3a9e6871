"""How an order's row changes: one state, one event, one version, one push. Everything that writes orders goes through here."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.orders.models import Order, OrderEvent
from apps.orders.protection import protection
from apps.orders.rows import order_row, text_or_none
from cts.domain import orders as domain
from cts.domain.types import OrderPurpose, OrderStatus
from cts.domain.units import decimal_text
from cts.realtime import event, push_on_commit


def order_locked(pk: int) -> Order:
    """The row as it is now, held until the transaction ends."""
    return Order.objects.select_for_update(of=("self",)).select_related("connection").get(pk=pk)


def order_advanced(
    order: Order, step: domain.OrderEvent, *, data: dict[str, Any] | None = None, **changes: Any
) -> Order:
    """Take `step` with the row held, and write what else changed with it.

    Raises:
        IllegalTransition: the step can't happen to an order in that state.
    """
    before = OrderStatus(order.status)
    after = domain.advance(before, step)
    finished_at = timezone.now() if after.is_final else None
    if after.is_final != before.is_final:
        changes["finished_at"] = finished_at
    if after is not before:
        changes["status"] = after
    order_changed(order, kind=step, before=before, after=after, data=data, **changes)
    if (
        after.is_final
        and after is not before
        and after is not OrderStatus.FILLED
        and order.purpose == OrderPurpose.STOP
    ):
        protection().stop_ended(order)
    return order


def order_advanced_unseen(
    order: Order, step: domain.OrderEvent, *, data: dict[str, Any] | None = None, **changes: Any
) -> bool:
    """Take a step that ends nothing, where the row is still as we know it; False, and nothing is done, where not."""
    before = OrderStatus(order.status)
    after = domain.advance(before, step)
    changes |= {"status": after, "version": order.version + 1, "updated_at": timezone.now()}
    if not Order.objects.filter(pk=order.pk, version=order.version).update(**changes):
        return False
    for name, value in changes.items():
        setattr(order, name, value)
    order_noted(order, kind=step, before=before, after=after, data=data)
    order_pushed(order)
    return True


def order_changed(
    order: Order, *, kind: str, before: str = "", after: str = "", data: dict[str, Any] | None = None, **changes: Any
) -> Order:
    """Write `changes` and the event that explains them, with the row held."""
    for name, value in changes.items():
        setattr(order, name, value)
    order.save_next(*changes)
    order_noted(order, kind=kind, before=before, after=after, data=data)
    order_pushed(order)
    return order


def order_noted(
    order: Order, *, kind: str, before: str = "", after: str = "", data: dict[str, Any] | None = None
) -> OrderEvent:
    """Append an event with the row held, so that the sequence has no gaps."""
    sequence = OrderEvent.objects.filter(order=order).count() + 1
    return OrderEvent.objects.create(
        order=order, sequence=sequence, kind=kind, before=before, after=after, data=data or {}
    )


def order_begun(order: Order, *, key: str) -> None:
    """The first events of an order that has just been made, as far as it has come."""
    steps = [OrderEvent(order=order, sequence=1, kind="intent", after=OrderStatus.NEW, data={"key": key})]
    if order.status != OrderStatus.NEW:
        is_denied = order.status == OrderStatus.DENIED
        kind = domain.OrderEvent.DENY if is_denied else domain.OrderEvent.CLAIM
        data = {"code": order.reason_code} if is_denied else claim_data(order)
        after = domain.advance(OrderStatus.NEW, kind)
        steps.append(OrderEvent(order=order, sequence=2, kind=kind, before=OrderStatus.NEW, after=after, data=data))
    OrderEvent.objects.bulk_create(steps)


def claim_data(order: Order) -> dict[str, Any]:
    """What is about to be asked of the venue."""
    return {
        "side": order.side,
        "type": order.order_type,
        "quantity": decimal_text(order.quantity),
        "trigger_price": text_or_none(order.trigger_price),
        "price": text_or_none(order.price),
        "is_reduce_only": order.is_reduce_only,
    }


def order_pushed(order: Order) -> None:
    push_on_commit(f"connection.{order.connection_id}", event("order", order_row(order)))


def milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
