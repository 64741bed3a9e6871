"""Locks on entries, and the peak the drawdown counts from."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.exchanges.models import Connection
from apps.exchanges.selectors import connection_get_for, found
from apps.exchanges.services import facts_changed
from apps.orders.models import EntryLock, EquityPeak
from apps.orders.rows import entry_lock_row
from cts.logging import SystemLogger
from cts.realtime import event, push_on_commit

log = SystemLogger(__name__)


def entry_locks_for(user: User, connection_id: int | str) -> QuerySet[EntryLock]:
    """Those in force on the user's own connection."""
    connection = connection_get_for(user, connection_id)
    return EntryLock.objects.filter(connection=connection, until__gt=timezone.now())


def entry_lock_get_for(user: User, connection_id: int | str, pk: int | str) -> EntryLock:
    """A lock of the user's own connection, also one that has ended.

    Raises:
        NotFound: absent and not yours alike.
    """
    return found(EntryLock.objects.filter(connection=connection_get_for(user, connection_id)), pk)


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
        return _until_set(held, max(held.until, until))
    log.warning("entries_locked", connection=connection.pk, symbol=symbol, reason=reason)
    made = EntryLock.objects.create(
        connection=connection, symbol=symbol, reason_code=reason_code, reason=reason, until=until
    )
    return _pushed(made)


@transaction.atomic
def entry_lock_lift(lock: EntryLock, *, user: User, address: str | None = None) -> EntryLock:
    """Open entries again before the time. It ends now instead of going: what it was for must not count again.

    Raises:
        DomainError: `read_only`.
    """
    trading_check(user)
    facts_changed(lock.connection_id)
    row = EntryLock.objects.select_for_update(of=("self",)).select_related("connection").get(pk=lock.pk)
    if row.until <= timezone.now():
        return row
    log.warning("entries_unlocked", connection=row.connection_id, symbol=row.symbol)
    detail = {"lock": row.pk, "symbol": row.symbol, "reason": row.reason, "until": row.until.isoformat()}
    audit_record(
        user=user,
        action="entry_lock.lifted",
        entity="connection",
        entity_id=row.connection_id,
        detail=detail,
        address=address,
    )
    return _until_set(row, timezone.now())


def _until_set(lock: EntryLock, until: datetime) -> EntryLock:
    lock.until = until
    lock.save(update_fields=["until"])
    return _pushed(lock)


def _pushed(lock: EntryLock) -> EntryLock:
    push_on_commit(f"connection.{lock.connection_id}", event("entry_lock", entry_lock_row(lock)))
    return lock


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
