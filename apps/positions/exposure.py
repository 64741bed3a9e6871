"""What a connection holds, as the risk checks of orders count it."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Max, QuerySet
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.orders.holdings import Holdings, Reducible
from apps.orders.models import EntryLock
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import LIVE, leg_quantities, positions_live
from cts.domain import pnl
from cts.domain.risk import OUTSIDE_EXITS
from cts.domain.types import Origin, PositionSide

ZERO = Decimal(0)
STREAK_LOOK_BACK = 50


class Exposure:
    """The `PositionBook` orders ask. A fixed number of queries, whatever is held."""

    def holdings(
        self,
        connection: Connection,
        *,
        symbol: str,
        side: PositionSide,
        prices: dict[str, Decimal],
        stop_window_s: float,
        now: datetime,
    ) -> Holdings:
        live = list(Position.objects.filter(connection=connection, status__in=LIVE))
        held = [row for row in live if row.quantity > 0]
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        since = now - timedelta(seconds=stop_window_s)
        closed = _closed_since(connection, since=midnight)
        return Holdings(
            keys=frozenset(row.key for row in live),
            per_side=sum(row.symbol == symbol and row.side == side for row in live),
            notional=sum((row.quantity * _price(row, prices) for row in held), ZERO),
            opposite_quantity=sum((row.quantity for row in held if row.symbol == symbol and row.side != side), ZERO),
            day_pnl=sum((net_pnl(row) for row in closed), ZERO)
            + sum((net_pnl(row) + unrealized_pnl(row, prices) for row in held), ZERO),
            losing_streak=losing_streak(connection),
            stops_in_window=stops_in_window(connection, symbol=symbol, since=since),
        )

    def leg_quantity(self, connection: Connection, *, symbol: str, side: PositionSide) -> Decimal:
        return leg_quantities(connection).get((symbol, side), ZERO)

    def reducible(self, connection: Connection, *, symbol: str, side: PositionSide) -> Reducible | None:
        """The oldest position of the leg that holds something, as fills are given out in that order."""
        rows = positions_live(connection).filter(symbol=symbol, side=side)
        held = [(row.key, row.quantity) for row in rows if row.quantity > 0]
        if not held:
            return None
        return Reducible(position_key=held[0][0], held=sum((quantity for _, quantity in held), ZERO))


def net_pnl(row: Position) -> Decimal:
    return pnl.net(row.realized_pnl, fees=row.fees, funding=row.funding)


def unrealized_pnl(row: Position, prices: dict[str, Decimal]) -> Decimal:
    """At the newest price known; nothing where there is none."""
    if row.average_entry_price is None or row.symbol not in prices:
        return ZERO
    return pnl.unrealized(
        PositionSide(row.side), quantity=row.quantity, entry_price=row.average_entry_price, price=prices[row.symbol]
    )


def losing_streak(connection: Connection) -> int:
    """Positions in a row, the newest first, that their rules closed at a loss since the last pause was over."""
    streak = 0
    for row in _judged(connection, since=_lock_ended(connection, "losing_streak"))[:STREAK_LOOK_BACK]:
        if net_pnl(row) >= 0:
            break
        streak += 1
    return streak


def stops_in_window(connection: Connection, *, symbol: str, since: datetime) -> int:
    """Stops on the symbol since then, those before the end of its last guard not counted again."""
    ended = _lock_ended(connection, "stop_guard", symbol=symbol)
    rows = _judged(connection, since=max(ended, since) if ended else since)
    return rows.filter(symbol=symbol, exit_reason="stop").count()


def _judged(connection: Connection, *, since: datetime | None) -> QuerySet[Position]:
    """Closed positions that say something about the rules, the newest first."""
    rows = Position.objects.filter(connection=connection, status=PositionStatus.CLOSED)
    rows = rows.exclude(origin=Origin.EXTERNAL).exclude(exit_reason__in=OUTSIDE_EXITS).order_by("-closed_at")
    return rows if since is None else rows.filter(closed_at__gt=since)


def _lock_ended(connection: Connection, reason_code: str, *, symbol: str = "") -> datetime | None:
    ended = EntryLock.objects.filter(connection=connection, reason_code=reason_code, symbol=symbol)
    last: datetime | None = ended.filter(until__lte=timezone.now()).aggregate(last=Max("until"))["last"]
    return last


def _closed_since(connection: Connection, *, since: datetime) -> list[Position]:
    return list(Position.objects.filter(connection=connection, status=PositionStatus.CLOSED, closed_at__gte=since))


def _price(row: Position, prices: dict[str, Decimal]) -> Decimal:
    return prices.get(row.symbol) or row.average_entry_price or ZERO
