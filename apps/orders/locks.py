"""Locks on entries, and the peak the drawdown counts from."""

import logging
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.exchanges.services import facts_changed
from apps.orders.models import EntryLock, EquityPeak

log = logging.getLogger(__name__)


@transaction.atomic
def entry_lock_create(
    connection: Connection, *, reason_code: str, reason: str, until: datetime, symbol: str = ""
) -> EntryLock:
    """Close entries of the connection or of one symbol until then; an equal lock in force is lengthened, not doubled."""
    facts_changed(connection.pk)
    held = EntryLock.objects.filter(
        connection=connection, symbol=symbol, reason_code=reason_code, until__gt=timezone.now()
    ).first()
    if held is not None:
        held.until = max(held.until, until)
        held.save(update_fields=["until"])
        return held
    log.warning("entries_locked", extra={"connection": connection.pk, "symbol": symbol, "reason": reason})
    return EntryLock.objects.create(
        connection=connection, symbol=symbol, reason_code=reason_code, reason=reason, until=until
    )


@transaction.atomic
def entry_lock_lift(lock: EntryLock) -> None:
    """Open entries again before the time. It ends now instead of going: what it was for must not count again."""
    facts_changed(lock.connection_id)
    log.warning("entries_unlocked", extra={"connection": lock.connection_id, "symbol": lock.symbol})
    lock.until = timezone.now()
    lock.save(update_fields=["until"])


@transaction.atomic
def equity_peak_note(connection: Connection, *, asset: str, equity: Decimal) -> EquityPeak:
    """Raise the peak where equity is above it."""
    row = EquityPeak.objects.filter(connection=connection, asset=asset).first()
    if row is not None and equity <= row.equity:
        return row
    facts_changed(connection.pk)
    row, _ = EquityPeak.objects.select_for_update().get_or_create(
        connection=connection, asset=asset, defaults={"equity": equity, "at": timezone.now()}
    )
    return equity_peak_set(connection, asset=asset, equity=equity) if equity > row.equity else row


@transaction.atomic
def equity_peak_set(connection: Connection, *, asset: str, equity: Decimal) -> EquityPeak:
    """Count drawdown from this equity on, as after a withdrawal."""
    facts_changed(connection.pk)
    row, _ = EquityPeak.objects.select_for_update().get_or_create(
        connection=connection, asset=asset, defaults={"equity": equity, "at": timezone.now()}
    )
    row.equity, row.at = equity, timezone.now()
    row.save_next("equity", "at")
    return row
