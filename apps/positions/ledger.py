"""How a position's row changes: an event, the fold over all of them, one version, one push."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from apps.exchanges.services import facts_changed
from apps.orders.models import Fill, Order
from apps.orders.selectors import LACKING_FILLS
from apps.positions.models import Position, PositionEvent, PositionStatus
from apps.positions.rows import position_row
from cts.domain.exits import levels
from cts.domain.orders import LIVE_STATUSES
from cts.domain.position import Execution, PositionState, fold
from cts.domain.types import Instrument, PositionSide, Side
from cts.domain.units import decimal_text
from cts.realtime import event, push_on_commit

FOLDED = ("fill", "adjustment")


def position_locked(pk: int) -> Position:
    return Position.objects.select_for_update(of=("self",)).select_related("connection").get(pk=pk)


def position_keyed(connection_id: int, key: str) -> Position | None:
    """The position of that entry, held as `position_locked` does; None where it has not opened one."""
    rows = Position.objects.select_for_update(of=("self",)).select_related("connection")
    return rows.filter(connection_id=connection_id, key=key).first()


def position_noted(position: Position, *, kind: str, data: dict[str, Any], fill: Fill | None = None) -> PositionEvent:
    """Append an event with the row held, so that the sequence has no gaps."""
    sequence = PositionEvent.objects.filter(position=position).count() + 1
    return PositionEvent.objects.create(position=position, sequence=sequence, kind=kind, data=data, fill=fill)


def execution_noted(position: Position, execution: Execution, *, kind: str = "fill", fill: Fill | None = None) -> None:
    data = {
        "trade_id": execution.trade_id,
        "side": execution.side.value,
        "price": decimal_text(execution.price),
        "quantity": decimal_text(execution.quantity),
        "fee": decimal_text(execution.fee),
        "at_ms": execution.at_ms,
    }
    position_noted(position, kind=kind, data=data, fill=fill)


def position_fold(position: Position) -> PositionState:
    """What its events add up to; the row is only a copy of this."""
    return fold(PositionSide(position.side), position_executions(position))


def position_executions(position: Position) -> list[Execution]:
    """Fills and adjustments, in the order in which we heard of them."""
    rows = PositionEvent.objects.filter(position=position, kind__in=FOLDED).values_list("data", flat=True)
    return [_execution(data) for data in rows]


def position_folded(position: Position, *, instrument: Instrument | None) -> Position:
    """Bring the row up to its events, with the row held, and the connection before it."""
    was_closed = position.status == PositionStatus.CLOSED
    state = position_fold(position)
    position.quantity, position.peak_quantity = state.quantity, state.peak_quantity
    position.average_entry_price, position.average_exit_price = state.average_entry_price, state.average_exit_price
    position.realized_pnl, position.fees = state.realized_pnl, state.fees
    if state.opened_ms is not None:
        position.opened_at = datetime.fromtimestamp(state.opened_ms / 1000, UTC)
    _levels_set(position, instrument)
    _status_set(position, state)
    _saved(position)
    if was_closed or position.status == PositionStatus.CLOSED:
        facts_changed(position.connection_id)
    return position


def position_changed(position: Position, *, kind: str, data: dict[str, Any], **changes: Any) -> Position:
    """Write `changes` and the event that explains them, with the row held."""
    for name, value in changes.items():
        setattr(position, name, value)
    position_noted(position, kind=kind, data=data)
    position.save_next(*changes)
    position_pushed(position)
    return position


def position_pushed(position: Position) -> None:
    for topic in (f"connection.{position.connection_id}", f"user.{position.connection.owner_id}"):
        push_on_commit(topic, event("position", position_row(position)))


def entry_may_fill(position: Position) -> bool:
    """Whether more of its entry is still to come: it is live, or the venue told of fills we don't have."""
    entries = Order.objects.filter(connection=position.connection, position_key=position.key, is_reduce_only=False)
    return entries.filter(Q(status__in=LIVE_STATUSES) | LACKING_FILLS).exists()


def _execution(data: dict[str, Any]) -> Execution:
    return Execution(
        trade_id=data["trade_id"],
        side=Side(data["side"]),
        price=Decimal(data["price"]),
        quantity=Decimal(data["quantity"]),
        fee=Decimal(data["fee"]),
        at_ms=data["at_ms"],
    )


def _levels_set(position: Position, instrument: Instrument | None) -> None:
    """Target and stop follow the average entry, which closing a part does not move."""
    if position.average_entry_price is None or instrument is None:
        return
    found = levels(
        PositionSide(position.side),
        entry_price=position.average_entry_price,
        tick_size=instrument.tick_size,
        target_ratio=position.target_ratio,
        stop_ratio=position.stop_ratio,
    )
    position.target_price, position.stop_price = found.target_price, found.stop_price


def _status_set(position: Position, state: PositionState) -> None:
    may_fill = entry_may_fill(position)
    if state.quantity == 0 and state.entered_quantity > 0 and not may_fill:
        position.status = PositionStatus.CLOSED
        last_ms = state.last_ms or 0
        position.closed_at = datetime.fromtimestamp(last_ms / 1000, UTC)
        position.uncovered_since = None
        return
    position.closed_at = None
    if position.status == PositionStatus.CLOSING and state.quantity > 0:
        return
    position.status = PositionStatus.OPENING if may_fill or state.quantity == 0 else PositionStatus.OPEN


def _saved(position: Position) -> None:
    position.save_next(
        *("quantity", "peak_quantity", "average_entry_price", "average_exit_price", "realized_pnl", "fees"),
        *("opened_at", "closed_at", "target_price", "stop_price", "timeout_at", "status", "exit_reason"),
        "uncovered_since",
    )
    position_pushed(position)


def timeout_from(order: Order, *, opened_at: datetime) -> datetime | None:
    timeout_s = order.exits.get("timeout_s")
    return None if timeout_s is None else opened_at + timedelta(seconds=float(timeout_s))
