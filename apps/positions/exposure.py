"""What a connection holds, as the risk checks of orders count it."""

from datetime import datetime, timedelta
from decimal import Decimal

from apps.exchanges.models import Connection
from apps.orders.holdings import Holdings
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import LIVE, leg_quantities
from cts.domain import pnl
from cts.domain.types import PositionSide

ZERO = Decimal(0)
STREAK_LOOK_BACK = 50


class Exposure:
    """The `PositionBook` orders ask. Three queries, whatever is held."""

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
        closed = _closed_since(connection, since=min(midnight, since))
        return Holdings(
            keys=frozenset(row.key for row in live),
            per_side=sum(row.symbol == symbol and row.side == side for row in live),
            notional=sum((row.quantity * _price(row, prices) for row in held), ZERO),
            opposite_quantity=sum((row.quantity for row in held if row.symbol == symbol and row.side != side), ZERO),
            day_pnl=sum((net_pnl(row) for row in closed if row.closed_at and row.closed_at >= midnight), ZERO)
            + sum((net_pnl(row) + unrealized_pnl(row, prices) for row in held), ZERO),
            losing_streak=losing_streak(connection),
            stops_in_window=sum(
                row.exit_reason == "stop" and row.symbol == symbol
                for row in closed
                if row.closed_at and row.closed_at >= since
            ),
        )

    def leg_quantity(self, connection: Connection, *, symbol: str, side: PositionSide) -> Decimal:
        return leg_quantities(connection).get((symbol, side), ZERO)


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
    """Positions in a row, the newest first, that closed at a loss."""
    rows = Position.objects.filter(connection=connection, status=PositionStatus.CLOSED)
    streak = 0
    for row in rows.order_by("-closed_at")[:STREAK_LOOK_BACK]:
        if net_pnl(row) >= 0:
            break
        streak += 1
    return streak


def _closed_since(connection: Connection, *, since: datetime) -> list[Position]:
    return list(Position.objects.filter(connection=connection, status=PositionStatus.CLOSED, closed_at__gte=since))


def _price(row: Position, prices: dict[str, Decimal]) -> Decimal:
    return prices.get(row.symbol) or row.average_entry_price or ZERO
