"""What stops everything by itself: equity too far below its peak, of a connection or of a portfolio."""

import logging
from collections.abc import Iterable, Set

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.exchanges.models import Connection
from apps.orders.history import history_for
from apps.portfolios.models import SETTLE_ASSET, Portfolio
from apps.portfolios.standing import equity_sum
from cts.domain.risk import fall_ratio

log = logging.getLogger(__name__)


def drawdowns_stop() -> int:
    """Emergency stop, once, of every armed connection that has fallen as far as it, or its portfolio, may.

    Once: the stop disarms, and what isn't armed isn't looked at. Returns how many were stopped.
    """
    armed = {row.pk: row for row in _armed()}
    fallen = {**_portfolios_fallen(armed.keys()), **_connections_fallen(armed.values())}
    for pk, reason in fallen.items():
        log.error("drawdown_stop", extra={"connection": pk, "reason": reason})
    if fallen:
        GlobalTradeEngineCoordinator().emergency_stop([armed[pk] for pk in fallen], actor="drawdown limit")
    return len(fallen)


def _armed() -> QuerySet[Connection]:
    rows = Connection.objects.filter(Q(is_live_armed=True) | Q(is_preset_armed=True), is_active=True)
    return rows.select_related("owner")


def _connections_fallen(armed: Iterable[Connection]) -> dict[int, str]:
    now, fallen = timezone.now(), dict[int, str]()
    for row in armed:
        history = history_for(row, now=now)
        balance = history.balances.get(SETTLE_ASSET)
        fall = fall_ratio(equity=balance.equity, peak=history.peak(balance)) if balance else 0.0
        if fall >= history.terms.max_drawdown_ratio > 0:
            fallen[row.pk] = _said(fall, history.terms.max_drawdown_ratio)
    return fallen


def _portfolios_fallen(armed: Set[int]) -> dict[int, str]:
    fallen: dict[int, str] = {}
    for portfolio in Portfolio.objects.filter(max_drawdown_ratio__gt=0, connections__in=armed).distinct():
        limit = portfolio.max_drawdown_ratio or 0.0
        fall = fall_ratio(equity=equity_sum(portfolio), peak=portfolio.peak_equity)
        if fall >= limit:
            members = armed & set(portfolio.connections.values_list("pk", flat=True))
            fallen |= dict.fromkeys(members, f"Portfolio {portfolio.name}: {_said(fall, limit)}")
    return fallen


def _said(fall: float, limit: float) -> str:
    return f"Equity is {fall:.2%} below its peak; the limit is {limit:.2%}"
