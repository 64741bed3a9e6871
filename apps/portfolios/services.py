"""Writes of portfolios: the equity curve, one point a minute and connection."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.exchanges.models import AccountBalance
from apps.portfolios.models import EquitySnapshot

# Older than this, a balance says nothing about the present minute: a gap in the curve is truer than a flat line.
BALANCE_MAX_AGE = timedelta(seconds=90)
SETTLE_ASSET = "USDT"


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
