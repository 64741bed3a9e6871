"""Stop coverage: every open position has its reduce-only stop on the venue for its whole quantity, or a written waiver."""

import logging
from dataclasses import dataclass

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import Connection
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.selectors import orders_live, stops_live
from apps.orders.services import order_create
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import positions_live
from apps.positions.services import position_settle, position_stop_set, stop_waive
from cts.domain.errors import ExchangeError
from cts.domain.orders import RESTING_STATUSES, OrderTerms
from cts.domain.types import OrderIntent, OrderPurpose, OrderStatus, OrderType, Origin, PositionSide

log = logging.getLogger(__name__)

# The venue could not be asked: no refusal, tried again at the next look.
_NOT_SENT = ("venue_unavailable", "rate_limited")


@dataclass(frozen=True)
class StopOutcome:
    """How a position stands: `covered`, `waived`, `watched` (by us), `none` (nothing to protect), `missing`, `refused`."""

    position: Position
    state: str
    reason: str = ""


def stop_ensure(position: Position, *, connector: Connector, executor: OrderExecutor) -> StopOutcome:
    """Bring the stop on the venue in line with the position. A new one is placed before the old one is canceled."""
    row = _fresh(position)
    if row.status == PositionStatus.OPENING:
        row = position_settle(row)
    if row.quantity == 0:
        stops_cancel(stops_live(row.connection, position_key=row.key), connector=connector, executor=executor)
        return StopOutcome(row, "none")
    if row.stop_price is None:
        return StopOutcome(stop_waive(row), "waived")
    if not connector.spec.can(Capability.CONDITIONAL):
        return StopOutcome(position_stop_set(row, stop_order=None, is_covered=False, note="watched"), "watched")
    live = _answered(stops_live(row.connection, position_key=row.key), connector, executor)
    fitting = next((order for order in live if _fits(order, row)), None)
    if fitting is None:
        return _placed(row, live, connector=connector, executor=executor)
    covered = position_stop_set(row, stop_order=fitting, is_covered=True)
    stops_cancel([order for order in live if order.pk != fitting.pk], connector=connector, executor=executor)
    return StopOutcome(covered, "covered")


def stops_sweep(connection: Connection, *, connector: Connector, executor: OrderExecutor) -> int:
    """Cancel stops whose position is gone: on a shared leg they would close somebody else's."""
    held = set(positions_live(connection).values_list("key", flat=True))
    stops = orders_live(connection).filter(purpose=OrderPurpose.STOP)
    orphans = [order for order in stops if order.position_key not in held]
    stops_cancel(orphans, connector=connector, executor=executor)
    return len(orphans)


def stops_cancel(orders: list[Order], *, connector: Connector, executor: OrderExecutor) -> None:
    """One that can't be canceled now is tried again at the next look."""
    for order in orders:
        try:
            executor.cancel(order, connector=connector)
        except ExchangeError as error:
            log.warning("stop_not_canceled", extra={"order": order.pk, "reason": str(error)})


def _fresh(position: Position) -> Position:
    return Position.objects.select_related("connection", "stop_order").get(pk=position.pk)


def _answered(orders: list[Order], connector: Connector, executor: OrderExecutor) -> list[Order]:
    """Those still live once the ones without an answer have been asked for."""
    resolved = [
        executor.resolve(order, connector=connector)
        if order.status in (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)
        else order
        for order in orders
    ]
    return [order for order in resolved if not OrderStatus(order.status).is_final]


def _fits(order: Order, position: Position) -> bool:
    is_resting = OrderStatus(order.status) in RESTING_STATUSES
    left = order.quantity - order.filled_quantity
    return is_resting and left == position.quantity and order.trigger_price == position.stop_price


def _placed(position: Position, live: list[Order], *, connector: Connector, executor: OrderExecutor) -> StopOutcome:
    if waiting := [order for order in live if order.status in (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)]:
        # It may be there: a second one could close twice. Evidence first.
        missing = position_stop_set(position, stop_order=waiting[0], is_covered=False, note="unknown")
        return StopOutcome(missing, "missing", "The outcome of the last stop isn't known yet")
    order = _stop_create(position)
    if order.status == OrderStatus.NEW:
        order = executor.submit(order, connector=connector)
    if OrderStatus(order.status) in RESTING_STATUSES:
        # The row goes by the new one before the old one ends, or it would say that nothing covers it.
        covered = position_stop_set(position, stop_order=order, is_covered=True)
        stops_cancel(live, connector=connector, executor=executor)
        return StopOutcome(covered, "covered")
    row = position_stop_set(position, stop_order=order, is_covered=False, note=order.reason_code)
    is_refused = order.status in (OrderStatus.REJECTED, OrderStatus.DENIED) and order.reason_code not in _NOT_SENT
    return StopOutcome(row, "refused" if is_refused else "missing", order.reason)


def _stop_create(position: Position) -> Order:
    number = Order.objects.filter(
        connection=position.connection, position_key=position.key, purpose=OrderPurpose.STOP
    ).exclude(status=OrderStatus.NEW)
    intent = OrderIntent(
        # A stop committed but never sent has this very key: it is taken up, not made twice.
        key=f"{position.key}:stop:{number.count() + 1}",
        connection_id=position.connection_id,
        symbol=position.symbol,
        position_side=PositionSide(position.side),
        purpose=OrderPurpose.STOP,
        origin=Origin(position.origin),
        price=float(position.stop_price or 0),
        at=position.updated_at,
        line_id=position.line_id,
    )
    terms = OrderTerms(
        order_type=OrderType.STOP_MARKET,
        quantity=position.quantity,
        trigger_price=position.stop_price,
        is_reduce_only=True,
        position_key=position.key,
    )
    return order_create(position.connection, intent=intent, terms=terms)
