"""When the venue holds something else than our fills explain: recorded, then set from the venue, never silently."""

import logging
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.orders.rows import text_or_none
from apps.positions.ledger import execution_noted, position_folded, position_locked
from apps.positions.models import Discrepancy, Position
from apps.positions.selectors import leg_quantities, positions_live
from cts.domain.position import EXACT, Execution, average
from cts.domain.reconcile import LegDifference
from cts.domain.types import Origin, PositionSide
from cts.kill_points import KillPoint, reached
from cts.realtime import event, push_on_commit

log = logging.getLogger(__name__)

ZERO = Decimal(0)
EXTERNAL_REASON = "external"


@transaction.atomic
def discrepancy_record(
    connection: Connection, *, difference: LegDifference, cause: str, detail: dict[str, Any]
) -> Discrepancy:
    row = Discrepancy.objects.create(
        connection=connection,
        symbol=difference.symbol,
        side=difference.side,
        ours=difference.ours,
        venue=difference.venue,
        cause=cause,
        detail=detail,
    )
    say = log.error if cause == "unexplained" else log.warning
    say(
        "position_differs",
        extra={"connection": connection.pk, "symbol": row.symbol, "side": row.side, "cause": cause},
    )
    push_on_commit(f"connection.{connection.pk}", event("discrepancy", {"id": row.pk}))
    return row


@transaction.atomic
def leg_adjust(
    connection: Connection, *, difference: LegDifference, cause: str, last_price: Decimal | None
) -> Discrepancy | None:
    """Set our leg to the venue's by an entry of its own. None when ours has moved since it was compared."""
    row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    ours = leg_quantities(row).get((difference.symbol, difference.side), ZERO)
    if ours != difference.ours:
        return None
    price = _price(row, difference, last_price)
    detail = {"price": text_or_none(price), "is_price_estimated": difference.venue < difference.ours}
    recorded = discrepancy_record(row, difference=difference, cause=cause, detail=detail)
    if difference.venue > difference.ours:
        _adopt(row, difference, price=price, number=recorded.pk)
    else:
        _reduce(row, difference, price=price, number=recorded.pk)
    reached(KillPoint.BEFORE_ADJUSTMENT_COMMIT)
    return recorded


def _adopt(connection: Connection, difference: LegDifference, *, price: Decimal, number: int) -> None:
    """More is held than we know of: that much becomes a position of its own."""
    position = Position.objects.create(
        connection=connection,
        key=f"adopted{number}",
        symbol=difference.symbol,
        side=difference.side,
        origin=Origin.EXTERNAL,
    )
    _adjust(position.pk, difference, quantity=difference.venue - difference.ours, price=price, number=number)


def _reduce(connection: Connection, difference: LegDifference, *, price: Decimal, number: int) -> None:
    """Less is held than we know of: the oldest positions are closed first."""
    left = difference.ours - difference.venue
    rows = positions_live(connection).filter(symbol=difference.symbol, side=difference.side)
    for position in rows:
        part = min(left, position.quantity)
        if part > 0:
            _adjust(position.pk, difference, quantity=part, price=price, number=number)
            left -= part


def _adjust(pk: int, difference: LegDifference, *, quantity: Decimal, price: Decimal, number: int) -> None:
    position = position_locked(pk)
    is_entry = difference.venue > difference.ours
    side = PositionSide(difference.side)
    execution = Execution(
        trade_id=f"adjustment:{number}",
        side=side.entry_side if is_entry else side.exit_side,
        price=price,
        quantity=quantity,
        at_ms=int(timezone.now().timestamp() * 1000),
    )
    execution_noted(position, execution, kind="adjustment")
    if not is_entry:
        position.exit_reason = position.exit_reason or EXTERNAL_REASON
    position_folded(position, instrument=None)


def _price(connection: Connection, difference: LegDifference, last_price: Decimal | None) -> Decimal:
    """What the part we missed was opened at, as the venue's average implies; for closings the last price stands in."""
    rows = positions_live(connection).filter(symbol=difference.symbol, side=difference.side)
    cost = sum((EXACT.multiply(row.quantity, row.average_entry_price or ZERO) for row in rows), ZERO)
    if difference.venue > difference.ours and difference.venue_price is not None:
        missed = EXACT.multiply(difference.venue, difference.venue_price) - cost
        implied = average(missed, difference.venue - difference.ours)
        return implied if implied and implied > 0 else difference.venue_price
    held_at = average(cost, difference.ours)
    return last_price or difference.venue_price or held_at or ZERO
