"""Closing at market: driven by what is still held, never by the word of one order."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.selectors import orders_lacking_fills, orders_live
from apps.orders.services import order_create
from apps.positions.booking import fills_book
from apps.positions.ledger import position_locked
from apps.positions.models import Position, PositionStatus
from apps.positions.reductions import reductions_beside
from apps.positions.selectors import exits_live, exits_of, positions_live
from apps.positions.services import position_closing_begin, position_closing_end, position_settle
from cts.domain.errors import ExchangeError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderIntent, OrderPurpose, OrderStatus, Origin, PositionSide
from cts.kill_points import KillPoint, reached

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(minutes=1)


@dataclass(frozen=True)
class CloseOutcome:
    """What came of closing one position. `is_ok`: it is closed, or its exit is on the way."""

    position: Position
    is_ok: bool
    order: Order | None = None
    code: str = ""
    detail: str = ""


def position_close(
    position: Position,
    *,
    reason: str,
    connector: Connector,
    executor: OrderExecutor,
    engine_epoch: int | None = None,
) -> CloseOutcome:
    """Cancel what of the entry is still to fill and what else would close it, then send a reduce-only market order for
    all that is held.
    """
    row = _caught_up(position, connector, executor)
    if row.quantity and (running := _running(row, connector, executor)) is not None:
        return _closing(row, running)
    row, order, is_ours = _exit_claim(row, reason=reason, engine_epoch=engine_epoch)
    if order is None:
        return CloseOutcome(row, True, code="closed", detail="Nothing is held any more")
    if not is_ours:
        return _closing(row, order)
    reached(KillPoint.AFTER_EXIT_COMMIT)
    if order.status == OrderStatus.NEW:
        order = executor.submit(order, connector=connector)
    if OrderStatus(order.status) in (OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.EXPIRED):
        row = position_closing_end(row, reason=order.reason)
        return CloseOutcome(row, False, order, code=order.reason_code, detail=order.reason)
    return CloseOutcome(row, True, order)


def _closing(position: Position, order: Order) -> CloseOutcome:
    return CloseOutcome(position, True, order, code="closing", detail="Its exit is on the way")


@transaction.atomic
def _exit_claim(position: Position, *, reason: str, engine_epoch: int | None) -> tuple[Position, Order | None, bool]:
    """Compare and set: the exit that is there already, else one for what is held at this moment; none where nothing is.

    True with one that is ours to send. The connection is held before the position, as wherever both are.
    """
    Connection.objects.select_for_update(of=("self",)).get(pk=position.connection_id)
    row = position_locked(position.pk)
    if row.status == PositionStatus.CLOSED or row.quantity == 0:
        return row, None, False
    # One look for all that follows: sending doesn't hold the connection, and a status may move between two looks.
    made = list(exits_of(row))
    unfinished = [order for order in made if not OrderStatus(order.status).is_final]
    if sent := [order for order in unfinished if order.status != OrderStatus.NEW]:
        return row, sent[0], False
    row = position_closing_begin(row, reason=reason)
    if unfinished:
        return row, unfinished[0], True
    return row, _exit_create(row, number=len(made) + 1, reason=reason, engine_epoch=engine_epoch), True


def fills_pull(orders: list[Order], *, connector: Connector) -> int:
    """Fetch the fills of these orders now instead of waiting for stream or sync. Returns how many were new."""
    booked = 0
    for symbol in sorted({order.symbol for order in orders}):
        of_symbol = [order for order in orders if order.symbol == symbol]
        since = min(order.claimed_at or order.created_at for order in of_symbol) - LOOK_BACK
        fills = connector.fills(symbol, since_ms=int(since.timestamp() * 1000))
        booked += len(fills_book(of_symbol[0].connection, fills=fills))
    return booked


def _caught_up(position: Position, connector: Connector, executor: OrderExecutor) -> Position:
    """The position as it is once nothing of its entry can come any more and every fill told of is booked."""
    entries = orders_live(position.connection).filter(position_key=position.key, is_reduce_only=False)
    # A reduction by hand that waits would hold what this exit is to close, or close what belongs to others of the leg.
    ending = [*entries, *reductions_beside(position)]
    canceled = [executor.cancel(order, connector=connector) for order in ending]
    # Closing by what we hold while the venue has told of more closed would take from others of the leg.
    lacking = orders_lacking_fills(position.connection).filter(position_key=position.key)
    if pulled := [*canceled, *lacking]:
        fills_pull(pulled, connector=connector)
    row = Position.objects.select_related("connection", "stop_order").get(pk=position.pk)
    return position_settle(row) if pulled else row


def _running(position: Position, connector: Connector, executor: OrderExecutor) -> Order | None:
    """An exit that is on the venue or may be: a second one would close what belongs to others of the leg."""
    for order in exits_live(position).exclude(status=OrderStatus.NEW):
        answered = executor.resolve(order, connector=connector)
        if not OrderStatus(answered.status).is_final:
            return answered
    return None


def _exit_create(position: Position, *, number: int, reason: str, engine_epoch: int | None) -> Order:
    purpose = OrderPurpose.EMERGENCY if reason == "emergency" else OrderPurpose.EXIT
    intent = OrderIntent(
        key=f"{position.key}:exit:{number}",
        connection_id=position.connection_id,
        symbol=position.symbol,
        position_side=PositionSide(position.side),
        purpose=purpose,
        origin=Origin(position.origin),
        price=_price(position),
        at=position.updated_at,
        line_id=position.line_id,
        explanation={"reason": reason},
    )
    terms = OrderTerms(quantity=position.quantity, is_reduce_only=True, position_key=position.key)
    return order_create(position.connection, intent=intent, terms=terms, engine_epoch=engine_epoch)


def _price(position: Position) -> float:
    return float(position.average_entry_price or 0)


def positions_closing_stuck(connection_id: int) -> list[Position]:
    """Being closed by the row, with no exit under way: a process ended in between."""
    rows = positions_live(connection_id).filter(status=PositionStatus.CLOSING, quantity__gt=0)
    return [row for row in rows if not exits_live(row).exclude(status=OrderStatus.NEW).exists()]


def logged(position: Position, error: ExchangeError) -> CloseOutcome:
    log.warning("close_failed", extra={"position": position.pk, "reason": str(error)})
    return CloseOutcome(position, False, code="venue", detail=str(error))
