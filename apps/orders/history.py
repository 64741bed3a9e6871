"""What entries are judged by and changes seldom: limits, locks, money, results. Kept in memory, exact by the mark.

Every service that changes any of it sets a new `facts_mark` in its transaction; whoever makes an order holds the
connection's row and reads the mark there. Times are kept, not verdicts: windows and midnights are of the moment asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Max
from django.utils import timezone

from apps.exchanges.models import AccountBalance, Connection
from apps.orders.groups import groups
from apps.orders.holdings import Results, book
from apps.orders.models import EntryLock, EquityPeak, RiskLimits
from apps.orders.selectors import limits_get, limits_value
from cts.domain.risk import Limits, Lock

ZERO = Decimal(0)


@dataclass(frozen=True)
class LockSpan:
    """A lock on entries, in force until `until`."""

    reason_code: str
    reason: str
    symbol: str
    until: datetime


@dataclass(frozen=True)
class History:
    """As it was when the connection bore `mark`, which says nothing of moments before `read_at`."""

    mark: int
    read_at: datetime
    limits: RiskLimits
    terms: Limits
    locks: tuple[LockSpan, ...]
    ended: dict[tuple[str, str], datetime]
    balances: dict[str, AccountBalance]
    peaks: dict[str, Decimal]
    results: Results
    groups: tuple[int, ...] = ()

    def locks_active(self, *, now: datetime, symbol: str) -> tuple[Lock, ...]:
        """Those of the connection and of the symbol, the longest first."""
        held = [lock for lock in self.locks if lock.until > now and lock.symbol in ("", symbol)]
        return tuple(
            Lock(lock.reason_code, lock.reason) for lock in sorted(held, key=lambda lock: lock.until, reverse=True)
        )

    def peak(self, balance: AccountBalance) -> Decimal:
        equity: Decimal = balance.equity
        return max(self.peaks.get(balance.asset, equity), equity)

    def day_pnl(self, *, now: datetime) -> Decimal:
        """Of the positions closed since midnight."""
        since = midnight(now)
        return sum((result.net for result in self.results.day if result.closed_at >= since), ZERO)

    def losing_streak(self, *, now: datetime) -> int:
        """Positions in a row, the newest first, that their rules closed at a loss since the last pause was over."""
        since, streak = self._lock_ended("losing_streak", now=now), 0
        for result in self.results.judged:
            if result.net >= 0 or (since is not None and result.closed_at <= since):
                break
            streak += 1
        return streak

    def stops_in_window(self, *, symbol: str, now: datetime) -> int:
        """Stops on the symbol within the guard's window, those before the end of its last lock not counted again."""
        since = now - timedelta(seconds=self.limits.stop_guard_window_s)
        if (ended := self._lock_ended("stop_guard", symbol=symbol, now=now)) is not None:
            since = max(since, ended)
        return sum(stop.symbol == symbol and stop.closed_at > since for stop in self.results.stops)

    def _lock_ended(self, reason_code: str, *, symbol: str = "", now: datetime) -> datetime | None:
        return max(self._ends(reason_code, symbol, now), default=None)

    def _ends(self, reason_code: str, symbol: str, now: datetime) -> Iterator[datetime]:
        if (before := self.ended.get((reason_code, symbol))) is not None:
            yield before
        # In force when they were read, and over by now.
        for lock in self.locks:
            if (lock.reason_code, lock.symbol) == (reason_code, symbol) and lock.until <= now:
                yield lock.until


_kept: dict[int, History] = {}


def history_for(connection: Connection, *, now: datetime) -> History:
    """By the mark of a row that was read in this transaction, and is held by it where the answer must last."""
    kept = _kept.get(connection.pk)
    # A clock that was set back may lead to before what was read: then it is read again.
    if kept is None or kept.mark != connection.facts_mark or now < kept.read_at:
        kept = _kept[connection.pk] = _read(connection, now=now)
    return kept


def history_warm(connection_id: int) -> None:
    """Read it now if it has changed, so that the next order needn't. Nothing is held: the mark is looked at twice."""
    rows = Connection.objects.filter(pk=connection_id)
    mark = rows.values_list("facts_mark", flat=True).first()
    kept = _kept.get(connection_id)
    if mark is None or (kept is not None and kept.mark == mark):
        return
    read = _read(Connection(pk=connection_id, facts_mark=mark), now=timezone.now())
    if rows.filter(facts_mark=mark).exists():
        _kept[connection_id] = read


def midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _read(connection: Connection, *, now: datetime) -> History:
    limits = limits_get(connection)
    rows = EntryLock.objects.filter(connection=connection)
    ended = rows.filter(until__lte=now).order_by().values_list("reason_code", "symbol").annotate(last=Max("until"))
    return History(
        mark=connection.facts_mark,
        read_at=now,
        limits=limits,
        terms=limits_value(limits),
        locks=tuple(LockSpan(r.reason_code, r.reason, r.symbol, r.until) for r in rows.filter(until__gt=now)),
        ended={(reason_code, symbol): last for reason_code, symbol, last in ended},
        balances={row.asset: row for row in AccountBalance.objects.filter(connection=connection)},
        peaks=dict(EquityPeak.objects.filter(connection=connection).values_list("asset", "equity")),
        results=book().results(
            connection, day=midnight(now), stops_since=now - timedelta(seconds=limits.stop_guard_window_s)
        ),
        groups=groups().of(connection.pk),
    )
