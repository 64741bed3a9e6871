"""What the engine and the sync hear of an account besides trading: alive, refused, balances."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.rows import balance_row, connection_row
from apps.exchanges.state import ConnectionStateManager
from cts.db import random_mark
from cts.domain.errors import AuthFailed
from cts.domain.types import Balance
from cts.realtime import event, push_on_commit

log = logging.getLogger(__name__)

SEEN_INTERVAL = timedelta(seconds=30)
_FIELDS = ("total", "available", "equity", "unrealized_pnl")


def connection_seen(connection_id: int) -> None:
    """The venue answered. Written at most every half minute, or at once when an error is over."""
    now = timezone.now()
    due = Q(last_seen_at__isnull=True) | Q(last_seen_at__lt=now - SEEN_INTERVAL) | ~Q(last_error="")
    with transaction.atomic():
        rows = Connection.objects.filter(due, pk=connection_id)
        if rows.update(last_seen_at=now, last_error="", version=F("version") + 1, updated_at=now):
            connection_pushed(Connection.objects.get(pk=connection_id))


def connection_failed(connection_id: int, *, error: Exception) -> None:
    """The venue refused or can't be reached. A refused key disarms: it must not be tried again and again."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().filter(pk=connection_id).first()
        if row is None:
            return
        row.last_error, row.last_error_at = str(error)[:500], timezone.now()
        fields = ["last_error", "last_error_at"]
        if isinstance(error, AuthFailed):
            row.is_test_passed, row.is_live_armed, row.is_preset_armed = False, False, False
            fields += ["is_test_passed", "is_live_armed", "is_preset_armed"]
            audit_record(user=None, action="connection.key_refused", entity="connection", entity_id=row.pk)
        row.save_next(*fields)
        connection_pushed(row)
    log.warning("connection_failed", extra={"connection": connection_id, "reason": str(error)[:200]})


def facts_changed(connection_id: int) -> None:
    """Limits, locks, peaks, balances or results of positions are changed by this transaction: copies of them are old.

    It takes hold of the connection, as whoever makes an order does: none is made by facts half old, half new.
    """
    Connection.objects.filter(pk=connection_id).update(facts_mark=random_mark())


def connection_pushed(row: Connection) -> None:
    """Tell pages and the mirror file, once the change is committed."""
    for topic in (f"connection.{row.pk}", f"user.{row.owner_id}"):
        push_on_commit(topic, event("connection", connection_row(row)))
    transaction.on_commit(lambda: ConnectionStateManager().mirror(row))


@transaction.atomic
def balances_record(connection: Connection, *, balances: list[Balance]) -> list[AccountBalance]:
    """The account's balances as the venue tells them now; an asset it no longer tells is zero."""
    facts_changed(connection.pk)
    rows = {row.asset: row for row in AccountBalance.objects.select_for_update().filter(connection=connection)}
    told = {balance.asset: balance for balance in balances}
    nothing = Decimal(0)
    for asset in rows.keys() - told.keys():
        told[asset] = Balance(asset=asset, total=nothing, available=nothing, equity=nothing)
    now = timezone.now()
    return [
        _balance_write(
            rows.get(asset) or AccountBalance(connection=connection, asset=asset, version=0), balance, at=now
        )
        for asset, balance in sorted(told.items())
    ]


def _balance_write(row: AccountBalance, balance: Balance, *, at: datetime) -> AccountBalance:
    is_same = row.pk is not None and all(getattr(row, name) == getattr(balance, name) for name in _FIELDS)
    row.at = at
    if is_same:
        row.save(update_fields=["at"])
        return row
    for name in _FIELDS:
        setattr(row, name, getattr(balance, name))
    row.version += 1
    row.save()
    for topic in (f"connection.{row.connection_id}", f"user.{row.connection.owner_id}"):
        push_on_commit(topic, event("balance", balance_row(row)))
    return row
