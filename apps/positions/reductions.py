"""Reductions by hand that wait on the venue: the position holds the quantity, so none may close more than its leg has.

An exit at market, a stop or another reduction may have been quicker: what then waits is cut, or canceled.
"""

import logging
from decimal import Decimal

from django.db.models import QuerySet

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import Connection
from apps.orders.amendment import NewTerms
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.selectors import orders_live
from apps.positions.models import Position
from apps.positions.selectors import leg_quantities
from cts.domain.errors import DomainError, ExchangeError
from cts.domain.orders import RESTING_STATUSES
from cts.domain.types import OrderPurpose, OrderType, PositionSide

log = logging.getLogger(__name__)

ZERO = Decimal(0)


def reductions_fit(connection: Connection, *, connector: Connector, executor: OrderExecutor) -> None:
    """Bring every reduction by hand in line with what its leg holds."""
    waiting = list(_waiting(connection))
    held = leg_quantities(connection) if waiting else {}
    for order in waiting:
        if _open(order) > (left := held.get(_leg(order), ZERO)):
            _cut(order, left, connector=connector, executor=executor)


def reductions_beside(position: Position) -> list[Order]:
    """Those that would close more than is left of the leg once this position is gone."""
    waiting = list(_waiting(position.connection).filter(symbol=position.symbol, position_side=position.side))
    if not waiting:
        return []
    left = leg_quantities(position.connection).get(_leg(position), ZERO) - position.quantity
    return [row for row in waiting if _open(row) > left]


def _waiting(connection: Connection) -> QuerySet[Order]:
    return orders_live(connection).filter(is_reduce_only=True, purpose=OrderPurpose.MANUAL, status__in=RESTING_STATUSES)


def _leg(row: Order | Position) -> tuple[str, PositionSide]:
    return row.symbol, PositionSide(row.position_side if isinstance(row, Order) else row.side)


def _open(order: Order) -> Decimal:
    """What it may still close; what the venue has told of as filled is no more of that."""
    left: Decimal = order.quantity - max(order.filled_quantity, order.reported_quantity)
    return left


def _cut(order: Order, left: Decimal, *, connector: Connector, executor: OrderExecutor) -> None:
    try:
        if left > 0 and order.order_type == OrderType.LIMIT and connector.spec.can(Capability.AMEND_QUANTITY):
            executor.amend(order, terms=NewTerms(quantity=order.filled_quantity + left), connector=connector)
        else:
            executor.cancel(order, connector=connector)
    except (DomainError, ExchangeError) as error:
        log.warning("reduction_not_cut", extra={"order": order.pk, "reason": str(error)})
