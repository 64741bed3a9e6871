"""Reads of portfolios and of the equity their connections had."""

from datetime import datetime
from decimal import Decimal

from apps.accounts.models import User
from apps.portfolios.models import EquitySnapshot
from cts.db import iso
from cts.domain.units import decimal_text


def equity_curves_for(user: User, *, since: datetime) -> dict[str, list[dict[str, str | None]]]:
    """Equity over time of all of a user's active connections, one curve per environment: paper is never added to live.

    A connection counts with its newest snapshot until it has a newer one. The curve starts where all of them have one,
    because the arrival of an account is not a gain.
    """
    rows = EquitySnapshot.objects.filter(
        connection__owner_id=user.pk, connection__is_active=True, minute__gte=since
    ).order_by("minute")
    snapshots = list(rows.values_list("connection__environment", "connection_id", "minute", "equity"))
    members: dict[str, set[int]] = {}
    for environment, connection_id, _, _ in snapshots:
        members.setdefault(environment, set()).add(connection_id)
    newest: dict[str, dict[int, Decimal]] = {environment: {} for environment in members}
    sums: dict[str, dict[datetime, Decimal]] = {environment: {} for environment in members}
    for environment, connection_id, minute, equity in snapshots:
        newest[environment][connection_id] = equity
        if len(newest[environment]) == len(members[environment]):
            sums[environment][minute] = sum(newest[environment].values(), Decimal(0))
    return {
        environment: [{"minute": iso(minute), "equity": decimal_text(equity)} for minute, equity in curve.items()]
        for environment, curve in sums.items()
    }
