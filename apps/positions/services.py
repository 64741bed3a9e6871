"""Every write of positions, in one place to call. Fills come through `fill_book`, and nothing else opens or closes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.positions.adjustment import discrepancy_record, leg_adjust
from apps.positions.booking import fill_book, fills_book, position_apply_fill
from apps.positions.ledger import entry_may_fill, position_changed, position_folded, position_locked, position_noted
from apps.positions.models import Position, PositionStatus, SyncState
from apps.positions.selectors import exits_live
from cts.domain.orders import RESTING_STATUSES
from cts.domain.types import OrderStatus, PositionSide
from cts.domain.units import decimal_from_float

__all__ = [
    "discrepancy_record",
    "fill_book",
    "fills_book",
    "leg_adjust",
    "position_apply_fill",
    "position_closing_begin",
    "position_closing_end",
    "position_settle",
    "position_stop_set",
    "positions_best_store",
    "stop_waive",
    "sync_state_set",
]


@transaction.atomic
def position_closing_begin(position: Position, *, reason: str) -> Position:
    """Say that it is being closed and why. The first reason stays: that is the one that closed it."""
    row = position_locked(position.pk)
    if row.status not in (PositionStatus.OPEN, PositionStatus.OPENING):
        return row
    return position_changed(
        row,
        kind="closing",
        data={"reason": reason},
        status=PositionStatus.CLOSING,
        exit_reason=reason[:16],
    )


@transaction.atomic
def position_closing_end(position: Position, *, reason: str) -> Position:
    """The exit did not come about: open again, to be tried anew."""
    row = position_locked(position.pk)
    if row.status != PositionStatus.CLOSING or exits_live(row).exists():
        return row
    return position_changed(
        row, kind="close_failed", data={"reason": reason}, status=PositionStatus.OPEN, exit_reason=""
    )


@transaction.atomic
def position_settle(position: Position) -> Position:
    """An entry that was canceled after part of it filled leaves `opening` behind; nothing more will come."""
    Connection.objects.select_for_update(of=("self",)).get(pk=position.connection_id)
    row = position_locked(position.pk)
    if row.status != PositionStatus.OPENING or entry_may_fill(row):
        return row
    return position_folded(row, instrument=None)


@transaction.atomic
def position_stop_set(position: Position, *, stop_order: Order | None, note: str = "") -> Position:
    """Which order protects it, and since when none does. Nothing is written where nothing changed.

    Whether it covers is read here, with the position held: by now it may have ended, or another may have sent it.
    """
    row = position_locked(position.pk)
    is_covered = stop_order is not None and _rests(stop_order)
    since = None if is_covered else row.uncovered_since or timezone.now()
    is_same_order = row.stop_order_id == (stop_order.pk if stop_order else None)
    if is_same_order and row.uncovered_since == since:
        return row
    data: dict[str, Any] = {"order": stop_order.pk if stop_order else None, "is_covered": is_covered, "note": note}
    return position_changed(row, kind="stop", data=data, stop_order=stop_order, uncovered_since=since)


def _rests(stop_order: Order) -> bool:
    return OrderStatus(Order.objects.values_list("status", flat=True).get(pk=stop_order.pk)) in RESTING_STATUSES


@transaction.atomic
def stop_waive(position: Position) -> Position:
    """Write down once that no stop was asked for."""
    row = position_locked(position.pk)
    if not row.events.filter(kind="stop_waived").exists():
        position_noted(row, kind="stop_waived", data={"origin": row.origin})
    return row


@transaction.atomic
def positions_best_store(connection: Connection, *, best_prices: dict[int, float]) -> int:
    """Keep how far trails have come, so that a restart takes them up; never backwards. Returns how many moved."""
    rows = Position.objects.select_for_update(of=("self",)).filter(connection=connection, pk__in=best_prices)
    moved = 0
    for row in rows:
        best = decimal_from_float(best_prices[row.pk])
        if _is_better(row, best):
            row.best_price = best
            row.save_next("best_price")
            moved += 1
    return moved


def _is_better(row: Position, best: Decimal) -> bool:
    return row.best_price is None or PositionSide(row.side).sign * (best - row.best_price) > 0


@transaction.atomic
def sync_state_set(
    connection: Connection,
    *,
    fills_until: datetime | None,
    funding_until: datetime | None = None,
    error: str = "",
    at: datetime,
) -> SyncState:
    """How far the ledger equals the venue's. Without `fills_until` or `funding_until` that cursor stays where it was."""
    state, _ = SyncState.objects.select_for_update().get_or_create(
        connection=connection, defaults={"fills_until": fills_until or connection.created_at, "synced_at": at}
    )
    state.fills_until = max(state.fills_until, fills_until) if fills_until else state.fills_until
    state.funding_until = funding_until or state.funding_until
    state.synced_at, state.last_error = at, error[:500]
    state.save()
    return state
