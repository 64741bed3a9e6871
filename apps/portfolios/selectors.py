"""Reads of portfolios and of the equity their connections had. `portfolio_get_for` is the one door to a portfolio."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.exchanges.selectors import found
from apps.portfolios.models import EquitySnapshot, Portfolio
from apps.positions.models import Position, PositionStatus
from cts.db import iso
from cts.domain import pnl
from cts.domain.portfolio import WINDOWS_H, Performance, deepest_fall_ratio, performance
from cts.domain.units import decimal_text

# As many points as a chart has pixels; the curve keeps the last of each step.
POINTS = 720
Curve = list[tuple[datetime, Decimal]]


def portfolios_for(user: User) -> QuerySet[Portfolio]:
    return Portfolio.objects.filter(owner_id=user.pk).prefetch_related("connections")


def portfolio_get_for(user: User, pk: int | str) -> Portfolio:
    """The user's own portfolio.

    Raises:
        NotFound: absent and not yours alike.
    """
    return found(portfolios_for(user), pk)


def equity_curves_for(user: User, *, since: datetime) -> dict[str, list[dict[str, str | None]]]:
    """Equity over time of all of a user's active connections, one curve per environment: paper is never added to live."""
    members: dict[str, list[int]] = {}
    rows = Connection.objects.filter(owner_id=user.pk, is_active=True)
    for environment, pk in rows.values_list("environment", "pk"):
        members.setdefault(environment, []).append(pk)
    curves = {environment: equity_curve(ids, since=since) for environment, ids in members.items()}
    return {environment: points(curve) for environment, curve in curves.items() if curve}


def equity_curve(connection_ids: Iterable[int], *, since: datetime) -> Curve:
    """Equity of these connections together.

    A connection counts with its newest snapshot until it has a newer one. The curve starts where all of them that have
    any have one, because the arrival of an account is not a gain.
    """
    rows = EquitySnapshot.objects.filter(connection__in=list(connection_ids), minute__gte=since).order_by("minute")
    snapshots = list(rows.values_list("connection_id", "minute", "equity"))
    members = {connection_id for connection_id, _, _ in snapshots}
    newest: dict[int, Decimal] = {}
    sums: dict[datetime, Decimal] = {}
    for connection_id, minute, equity in snapshots:
        newest[connection_id] = equity
        if len(newest) == len(members):
            sums[minute] = sum(newest.values(), Decimal(0))
    return list(sums.items())


def points(curve: Curve) -> list[dict[str, str | None]]:
    return [{"minute": iso(minute), "equity": decimal_text(equity)} for minute, equity in curve]


def thinned(curve: Curve) -> Curve:
    """At most `POINTS` of it, the last one always among them."""
    step = -(-len(curve) // POINTS) or 1
    return curve[::-1][::step][::-1]


class Window:
    """What became of a portfolio within some hours."""

    def __init__(self, hours: int, *, results: Performance, curve: Curve) -> None:
        self.hours, self.results = hours, results
        equities = [equity for _, equity in curve]
        self.equity_change = equities[-1] - equities[0] if len(equities) > 1 else None
        self.drawdown_ratio = deepest_fall_ratio(equities) if len(equities) > 1 else None


def portfolio_windows(portfolio: Portfolio, *, now: datetime) -> list[Window]:
    """Results by window, the shortest first."""
    ids = list(portfolio.connections.values_list("pk", flat=True))
    oldest = now - timedelta(hours=max(WINDOWS_H))
    rows = Position.objects.filter(connection__in=ids, status=PositionStatus.CLOSED, closed_at__gte=oldest)
    closed = list(rows.values_list("closed_at", "realized_pnl", "fees", "funding"))
    curve = equity_curve(ids, since=oldest)
    windows = []
    for hours in WINDOWS_H:
        since = now - timedelta(hours=hours)
        results = [
            (pnl.net(realized, fees=fees, funding=funding), fees, funding)
            for at, realized, fees, funding in closed
            if at is not None and at >= since
        ]
        since_curve = [point for point in curve if point[0] >= since]
        windows.append(Window(hours, results=performance(results), curve=since_curve))
    return windows
