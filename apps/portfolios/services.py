"""Writes of portfolios: what is in them, their limits, and the equity their accounts had."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.exchanges.models import AccountBalance
from apps.exchanges.selectors import connections_for
from apps.exchanges.services import facts_changed
from apps.orders.limits import limit_cleaned
from apps.portfolios.models import LIMIT_FIELDS, SETTLE_ASSET, EquitySnapshot, Portfolio
from apps.portfolios.standing import equity_sum
from cts.domain.errors import DomainError

# Older than this, a balance says nothing about the present minute: a gap in the curve is truer than a flat line.
BALANCE_MAX_AGE = timedelta(seconds=90)
# What each limit may be: a count, or a ratio (0.05 is 5 %).
BOUNDS: dict[str, tuple[float, float]] = {
    "max_positions": (0, 10_000),
    "max_total_notional_ratio": (0, 1000),
    "max_symbol_notional_ratio": (0, 1000),
    "max_daily_loss_ratio": (0, 1),
    "max_drawdown_ratio": (0, 1),
}


@transaction.atomic
def portfolio_create(
    *, user: User, name: str, connections: Iterable[int] = (), address: str | None = None, **limits: Any
) -> Portfolio:
    """A portfolio of connections of one's own.

    Raises:
        DomainError: `read_only`, or the field at fault.
    """
    trading_check(user)
    members = _members(user, connections)
    row = Portfolio(owner=user, name=_name(name))
    _limits_set(row, limits)
    _facts_changed(members)
    _named_save(row)
    row.connections.set(members)
    _audited(row, "portfolio.created", user=user, address=address, detail={"connections": sorted(members)})
    return row


@transaction.atomic
def portfolio_update(
    portfolio: Portfolio,
    *,
    user: User,
    changes: dict[str, Any],
    version: int | None = None,
    address: str | None = None,
) -> Portfolio:
    """Change its name, its connections or its limits. With `version`, only if nobody changed it since it was read.

    With other members its peak is another: drawdown counts from the equity of that moment on.

    Raises:
        DomainError: `read_only`, `version_conflict`, or the field at fault.
    """
    trading_check(user)
    before = set(portfolio.connections.values_list("pk", flat=True))
    members = _members(user, changes.pop("connections")) if "connections" in changes else before
    # The connections first, as `order_create` takes them: an order is checked by the old limits or by the new ones.
    _facts_changed(before | members)
    row = Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    if version not in (None, row.version):
        raise DomainError("version_conflict", "The portfolio has changed since you read it; read it again")
    if "name" in changes:
        row.name = _name(changes.pop("name"))
    _limits_set(row, changes)
    if members != before:
        row.connections.set(members)
        row.peak_equity = row.peak_at = None
    row.version += 1
    _named_save(row)
    detail = {"connections": sorted(members), **{name: getattr(row, name) for name in LIMIT_FIELDS}}
    _audited(row, "portfolio.changed", user=user, address=address, detail=detail)
    return row


@transaction.atomic
def portfolio_delete(portfolio: Portfolio, *, user: User, address: str | None = None) -> None:
    """Its accounts, and what they have done, stay.

    Raises:
        DomainError: `read_only`.
    """
    trading_check(user)
    _facts_changed(portfolio.connections.values_list("pk", flat=True))
    _audited(portfolio, "portfolio.deleted", user=user, address=address, detail={"name": portfolio.name})
    portfolio.delete()


def _name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= 64:
        raise DomainError("invalid", "Give it a name of 1 to 64 characters", field="name")
    return name


def _members(user: User, ids: Iterable[int]) -> set[int]:
    wanted = set(ids)
    possible = [pk for pk in wanted if pk <= BigIntegerField.MAX_BIGINT]
    rows = dict(connections_for(user).filter(pk__in=possible).values_list("pk", "environment"))
    if missing := sorted(wanted - rows.keys()):
        raise DomainError("invalid", f"You have no connection {missing[0]}", field="connections")
    if len(set(rows.values())) > 1:
        kinds = " and ".join(sorted(set(rows.values())))
        raise DomainError("invalid", f"{kinds} can't be added up; choose connections of one kind", field="connections")
    return wanted


def _limits_set(row: Portfolio, limits: dict[str, Any]) -> None:
    for name, value in limits.items():
        cleaned = limit_cleaned(
            name, value, row=row, fields=LIMIT_FIELDS, bounds=BOUNDS, otherwise=", or nothing for no limit"
        )
        setattr(row, name, cleaned)


def _named_save(row: Portfolio) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise DomainError("name_taken", f"You have a portfolio called {row.name} already", field="name") from None


def _facts_changed(connection_ids: Iterable[int]) -> None:
    """In the order of their numbers, so that two who do this at once never wait for each other."""
    for pk in sorted(connection_ids):
        facts_changed(pk)


def _audited(row: Portfolio, action: str, *, user: User, address: str | None, detail: dict[str, Any]) -> None:
    audit_record(user=user, action=action, entity="portfolio", entity_id=row.pk, detail=detail, address=address)


@transaction.atomic
def equity_snapshots_record(*, now: datetime) -> int:
    """Keep what the venues last told, for the minute of `now`; twice in a minute changes nothing. Returns the new ones."""
    minute = now.replace(second=0, microsecond=0)
    balances = AccountBalance.objects.filter(
        asset=SETTLE_ASSET, at__gte=now - BALANCE_MAX_AGE, connection__is_active=True
    ).exclude(connection__equity_snapshots__minute=minute)
    rows = [
        EquitySnapshot(
            connection_id=balance.connection_id,
            minute=minute,
            equity=balance.equity,
            unrealized_pnl=balance.unrealized_pnl,
        )
        for balance in balances
    ]
    return len(EquitySnapshot.objects.bulk_create(rows, ignore_conflicts=True))


def portfolio_peaks_note(*, now: datetime) -> int:
    """Remember the highest equity of each portfolio; returns how many rose."""
    return sum(_peak_noted(pk, now=now) for pk in Portfolio.objects.values_list("pk", flat=True))


@transaction.atomic
def _peak_noted(pk: int, *, now: datetime) -> bool:
    row = Portfolio.objects.select_for_update().filter(pk=pk).first()
    equity = equity_sum(row) if row is not None else None
    if row is None or equity is None or (row.peak_equity is not None and equity <= row.peak_equity):
        return False
    # No new version: nobody's changes are lost by it.
    row.peak_equity, row.peak_at = equity, now
    row.save(update_fields=["peak_equity", "peak_at"])
    return True
