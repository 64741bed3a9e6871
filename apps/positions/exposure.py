"""What a connection holds, as the risk checks of orders count it."""

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from apps.exchanges.models import Connection
from apps.orders.holdings import Held, Reducible, Result, Results, Stopped
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import LIVE, leg_quantities, positions_live
from cts.domain import pnl
from cts.domain.risk import OUTSIDE_EXITS
from cts.domain.types import Origin, PositionSide

ZERO = Decimal(0)
STREAK_LOOK_BACK = 50
_MONEY_FIELDS = ("realized_pnl", "fees", "funding")
_LIVE_FIELDS = ("key", "symbol", "side", "quantity", "average_entry_price", *_MONEY_FIELDS)


class Exposure:
    """The `PositionBook` orders ask. A fixed number of queries, whatever is held."""

    def live(self, connection: Connection) -> list[Held]:
        rows = Position.objects.filter(connection=connection, status__in=LIVE).order_by()
        return [
            Held(
                key,
                symbol,
                PositionSide(side),
                quantity,
                entry_price,
                pnl.net(money[0], fees=money[1], funding=money[2]),
            )
            for key, symbol, side, quantity, entry_price, *money in rows.values_list(*_LIVE_FIELDS)
        ]

    def results(self, connection: Connection, *, day: datetime, stops_since: datetime) -> Results:
        closed = Position.objects.filter(connection=connection, status=PositionStatus.CLOSED)
        judged = closed.exclude(origin=Origin.EXTERNAL).exclude(exit_reason__in=OUTSIDE_EXITS)
        newest = judged.order_by("-closed_at")[:STREAK_LOOK_BACK]
        stops = judged.filter(exit_reason="stop", closed_at__gt=stops_since).order_by()
        return Results(
            day=_results(closed.filter(closed_at__gte=day).order_by()),
            judged=_results(newest),
            stops=tuple(Stopped._make(row) for row in stops.values_list(*Stopped._fields)),
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


def _results(rows: QuerySet[Position]) -> tuple[Result, ...]:
    return tuple(
        Result(closed_at, pnl.net(money[0], fees=money[1], funding=money[2]))
        for closed_at, *money in rows.values_list("closed_at", *_MONEY_FIELDS)
    )
