"""Funding: what the venue moved between longs and shorts, kept once and given to the positions it was for."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from apps.exchanges.models import Connection
from apps.exchanges.services import facts_changed
from apps.positions.ledger import position_executions, position_locked, position_noted, position_pushed
from apps.positions.models import FundingEntry, Position, PositionEvent, PositionStatus
from cts.domain.funding import Holding, funding_shares
from cts.domain.position import fold
from cts.domain.types import PositionSide
from cts.domain.units import decimal_text
from cts.domain.venue import FundingPayment

log = logging.getLogger(__name__)

ZERO = Decimal(0)
KIND = "funding"


def funding_book(connection: Connection, *, payments: Iterable[FundingPayment]) -> int:
    """Keep what is new of `payments` and give it out; returns how many were news. Safe to repeat."""
    together: dict[tuple[str, int], list[FundingPayment]] = defaultdict(list)
    for payment in payments:
        together[payment.symbol, payment.at_ms].append(payment)
    return sum(_together_booked(connection, group) for group in together.values())


@transaction.atomic
def _together_booked(connection: Connection, group: list[FundingPayment]) -> int:
    """Payments of one symbol at one moment."""
    row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    entries = FundingEntry.objects.filter(connection=row, symbol=group[0].symbol)
    known = set(entries.filter(payment_id__in=[each.payment_id for each in group]).values_list("payment_id", flat=True))
    if len(known) == len(group):
        return 0
    held = _held(row, symbol=group[0].symbol, at_ms=group[0].at_ms)
    shares = funding_shares([each.amount for each in group], held)
    fresh = [(payment, parts) for payment, parts in zip(group, shares, strict=True) if payment.payment_id not in known]
    for payment, parts in fresh:
        _booked(row, payment, parts)
    return len(fresh)


def _booked(connection: Connection, payment: FundingPayment, parts: dict[int, Decimal]) -> None:
    FundingEntry.objects.create(
        connection=connection,
        symbol=payment.symbol,
        payment_id=payment.payment_id,
        amount=payment.amount,
        asset=payment.asset,
        paid_at=datetime.fromtimestamp(payment.at_ms / 1000, UTC),
        given=sum(parts.values(), ZERO),
    )
    if not parts:
        # As before we came, or of a position that was set from the venue later.
        log.warning("funding_of_no_position", extra={"connection": connection.pk, "symbol": payment.symbol})
    for pk, amount in parts.items():
        _given(pk, payment, amount)


def _given(pk: int, payment: FundingPayment, amount: Decimal) -> None:
    position = position_locked(pk)
    data = {
        "payment_id": payment.payment_id,
        "amount": decimal_text(amount),
        "asset": payment.asset,
        "at_ms": payment.at_ms,
    }
    position_noted(position, kind=KIND, data=data)
    position.funding = funding_fold(position)
    position.save_next("funding")
    position_pushed(position)
    if position.status == PositionStatus.CLOSED:
        facts_changed(position.connection_id)


def funding_fold(position: Position) -> Decimal:
    """What its events say was paid or received; the row is only a copy of this."""
    rows = PositionEvent.objects.filter(position=position, kind=KIND).values_list("data", flat=True)
    return sum((Decimal(data["amount"]) for data in rows), ZERO)


def _held(connection: Connection, *, symbol: str, at_ms: int) -> list[Holding]:
    """What each position of the symbol held at that moment, as its fills say."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    rows = Position.objects.filter(connection=connection, symbol=symbol, opened_at__lte=at)
    held = []
    for row in rows.filter(Q(closed_at=None) | Q(closed_at__gte=at)).order_by("pk"):
        side = PositionSide(row.side)
        state = fold(side, [each for each in position_executions(row) if each.at_ms <= at_ms])
        if state.quantity > 0:
            held.append(Holding(id=row.pk, side=side, quantity=state.quantity))
    return held
