"""Stop coverage: every open position has its reduce-only stop on the venue for its whole quantity, or a written waiver."""

from dataclasses import dataclass

from django.db import transaction

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import Connection
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.selectors import orders_live, stops_live
from apps.orders.services import order_create
from apps.positions.ledger import position_locked
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import positions_live
from apps.positions.services import position_settle, position_stop_set, stop_waive
from cts.domain.orders import RESTING_STATUSES, OrderTerms
from cts.domain.types import OrderIntent, OrderPurpose, OrderStatus, OrderType, Origin, PositionSide
from cts.kill_points import KillPoint, reached

NOT_CANCELED = "stop_not_canceled"
# The venue could not be asked: no refusal, tried again at the next look.
_NOT_SENT = ("venue_unavailable", "rate_limited")
_UNANSWERED = (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)


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
        standing = stops_live(row.connection, position_key=row.key)
        executor.cancel_each(standing, connector=connector, failed=NOT_CANCELED)
        return StopOutcome(row, "none")
    if row.stop_price is None:
        return StopOutcome(stop_waive(row), "waived")
    if not connector.spec.can(Capability.CONDITIONAL):
        return StopOutcome(position_stop_set(row, stop_order=None, note="watched"), "watched")
    live = _answered(stops_live(row.connection, position_key=row.key), connector, executor)
    if len(live) == 1 and _fits(live[0], row):
        if row.stop_order_id == live[0].pk and row.uncovered_since is None:
            return StopOutcome(row, "covered")
        return StopOutcome(position_stop_set(row, stop_order=live[0]), "covered")
    return _placed(_stop_claim(row), connector=connector, executor=executor)


def stops_sweep(connection: Connection, *, connector: Connector, executor: OrderExecutor) -> int:
    """Cancel stops whose position is gone: on a shared leg they would close somebody else's."""
    held = set(positions_live(connection).values_list("key", flat=True))
    stops = orders_live(connection).filter(purpose=OrderPurpose.STOP)
    orphans = [order for order in stops if order.position_key not in held]
    executor.cancel_each(orphans, connector=connector, failed=NOT_CANCELED)
    return len(orphans)


def _fresh(position: Position) -> Position:
    return Position.objects.select_related("connection", "stop_order").get(pk=position.pk)


def _answered(orders: list[Order], connector: Connector, executor: OrderExecutor) -> list[Order]:
    """Those still live once the ones without an answer have been asked for."""
    resolved = [
        executor.resolve(order, connector=connector) if order.status in _UNANSWERED else order for order in orders
    ]
    return [order for order in resolved if not OrderStatus(order.status).is_final]


def _fits(order: Order, position: Position) -> bool:
    is_resting = OrderStatus(order.status) in RESTING_STATUSES
    left = order.quantity - order.filled_quantity
    return is_resting and left == position.quantity and order.trigger_price == position.stop_price


@dataclass(frozen=True)
class _Claim:
    """What was decided with the position held: the stop that is to stand, and those that go once it does."""

    position: Position
    order: Order | None
    surplus: list[Order]


def _placed(claim: _Claim, *, connector: Connector, executor: OrderExecutor) -> StopOutcome:
    row, order = claim.position, claim.order
    if order is None:
        return StopOutcome(row, "none")
    reached(KillPoint.AFTER_STOP_COMMIT)
    if order.status == OrderStatus.NEW:
        order = executor.submit(order, connector=connector)
        reached(KillPoint.AFTER_STOP_SENT)
    if OrderStatus(order.status) in RESTING_STATUSES:
        # The row goes by the new one before the old one ends, or it would say that nothing covers it.
        covered = position_stop_set(row, stop_order=order)
        reached(KillPoint.AFTER_STOP_COVERED)
        executor.cancel_each(claim.surplus, connector=connector, failed=NOT_CANCELED)
        return StopOutcome(covered, "covered")
    if order.status in _UNANSWERED:
        # It may be there, or somebody else is sending it: a second one could close twice. Evidence first.
        missing = position_stop_set(row, stop_order=order, note="unknown")
        return StopOutcome(missing, "missing", "The outcome of the last stop isn't known yet")
    row = position_stop_set(row, stop_order=order, note=order.reason_code)
    is_refused = order.status in (OrderStatus.REJECTED, OrderStatus.DENIED) and order.reason_code not in _NOT_SENT
    return StopOutcome(row, "refused" if is_refused else "missing", order.reason)


@transaction.atomic
def _stop_claim(position: Position) -> _Claim:
    """Compare and set: the stop that is there already, else one for what is held at this moment; none where nothing is.

    The connection is held before the position, as wherever both are: of two who find none, one makes it.
    """
    Connection.objects.select_for_update(of=("self",)).get(pk=position.connection_id)
    row = position_locked(position.pk)
    if row.quantity == 0 or row.stop_price is None:
        return _Claim(row, None, [])
    live = stops_live(row.connection, position_key=row.key)
    standing = [order for order in live if _fits(order, row)]
    # One that was never sent is taken up, and one on its way is waited for; whether they fit is seen at the next look.
    begun = [order for order in live if order.status in (OrderStatus.NEW, *_UNANSWERED)]
    order = next(iter(standing or begun), None) or _stop_create(row)
    return _Claim(row, order, [each for each in live if each.pk != order.pk])


def _stop_create(position: Position) -> Order:
    made = Order.objects.filter(connection=position.connection, position_key=position.key, purpose=OrderPurpose.STOP)
    intent = OrderIntent(
        key=f"{position.key}:stop:{made.count() + 1}",
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
