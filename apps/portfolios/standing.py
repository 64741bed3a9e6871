"""How the accounts of a portfolio stand together at this moment. Reads only, a fixed number of queries."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import redis
from django.db.models import Q

from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.selectors import Venue, tickers_of
from apps.orders.history import midnight
from apps.orders.models import Order
from apps.portfolios.models import SETTLE_ASSET, Portfolio
from apps.positions.exposure import net_pnl, unrealized_pnl
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import LIVE
from cts.domain import pnl
from cts.domain.orders import LIVE_STATUSES
from cts.domain.portfolio import GroupFacts
from cts.domain.types import OrderPurpose, PositionSide

ZERO = Decimal(0)
Prices = dict[tuple[Venue, str], Decimal]


@dataclass(frozen=True)
class Entry:
    """An order that may open more, counted at what is still to fill."""

    connection_id: int
    position_key: str
    symbol: str
    side: PositionSide
    value: Decimal


@dataclass(frozen=True)
class Standing:
    """`prices` are the newest heard, by venue and symbol; where there is none, a position counts at its entry price."""

    members: dict[int, Connection]
    balances: dict[int, AccountBalance]
    positions: list[Position]
    entries: list[Entry]
    closed_pnl: Decimal
    prices: Prices

    @property
    def equity(self) -> Decimal | None:
        """None where that of an account isn't known."""
        return _together(self.members, self.balances)

    @property
    def count(self) -> int:
        """Positions, and entries that have none yet."""
        keys = {(row.connection_id, row.key) for row in self.positions}
        return len(keys | {(entry.connection_id, entry.position_key) for entry in self.entries})

    @property
    def open_pnl(self) -> Decimal:
        """Of what is held: what it has made so far, and would make at the newest price."""
        return sum((net_pnl(row) + unrealized_pnl(row, self._priced(row)) for row in self.positions), ZERO)

    def values(self) -> list[tuple[str, PositionSide, Decimal]]:
        """(symbol, side, value) of each position."""
        return [(row.symbol, PositionSide(row.side), self.value(row)) for row in self.positions]

    def value(self, row: Position) -> Decimal:
        value: Decimal = row.quantity * (self._price(row) or row.average_entry_price or ZERO)
        return value

    def facts(self, portfolio: Portfolio, *, symbol: str = "", side: PositionSide | None = None) -> GroupFacts:
        worth = [*self.values(), *((entry.symbol, entry.side, entry.value) for entry in self.entries)]
        return GroupFacts(
            name=portfolio.name,
            equity=self.equity,
            peak_equity=portfolio.peak_equity,
            positions=self.count,
            total_notional=sum((value for _, _, value in worth), ZERO),
            symbol_notional=sum((value for name, leg, value in worth if (name, leg) == (symbol, side)), ZERO),
            day_pnl=self.closed_pnl + self.open_pnl,
        )

    def _price(self, row: Position) -> Decimal | None:
        return self.prices.get((self.members[row.connection_id].venue, row.symbol))

    def _priced(self, row: Position) -> dict[str, Decimal]:
        price = self._price(row)
        return {} if price is None else {row.symbol: price}


def standing(portfolio: Portfolio, *, now: datetime, prices: Prices | None = None) -> Standing:
    """`prices` are those the caller knows already; the others are asked for."""
    members = _members(portfolio)
    positions = list(Position.objects.filter(connection__in=members, status__in=LIVE))
    return Standing(
        members=members,
        balances=_balances(members),
        positions=positions,
        entries=_entries(members),
        closed_pnl=_closed_pnl(members, since=midnight(now)),
        prices=_prices(members, positions, known=prices or {}),
    )


def equity_sum(portfolio: Portfolio) -> Decimal | None:
    """Of all its accounts, as the venues last told; None where one of them isn't known."""
    members = _members(portfolio)
    return _together(members, _balances(members))


def _members(portfolio: Portfolio) -> dict[int, Connection]:
    return {row.pk: row for row in portfolio.connections.filter(is_active=True)}


def _balances(members: dict[int, Connection]) -> dict[int, AccountBalance]:
    rows = AccountBalance.objects.filter(connection__in=members, asset=SETTLE_ASSET)
    return {row.connection_id: row for row in rows}


def _together(members: dict[int, Connection], balances: dict[int, AccountBalance]) -> Decimal | None:
    if not members or members.keys() != balances.keys():
        return None
    return sum((row.equity for row in balances.values()), ZERO)


def _entries(members: dict[int, Connection]) -> list[Entry]:
    rows = Order.objects.filter(connection__in=members, status__in=LIVE_STATUSES, is_reduce_only=False)
    return [
        Entry(
            connection_id=row.connection_id,
            position_key=row.position_key,
            symbol=row.symbol,
            side=PositionSide(row.position_side),
            value=max(row.quantity - row.filled_quantity, ZERO) * (row.price or row.reference_price or ZERO),
        )
        for row in rows.exclude(purpose=OrderPurpose.EXTERNAL)
    ]


def _closed_pnl(members: dict[int, Connection], *, since: datetime) -> Decimal:
    day = Q(connection__in=members, status=PositionStatus.CLOSED, closed_at__gte=since)
    rows = Position.objects.filter(day).values_list("realized_pnl", "fees", "funding")
    return sum((pnl.net(realized, fees=fees, funding=funding) for realized, fees, funding in rows), ZERO)


def _prices(members: dict[int, Connection], positions: list[Position], *, known: Prices) -> Prices:
    wanted: dict[Venue, set[str]] = defaultdict(set)
    for row in positions:
        venue = members[row.connection_id].venue
        if (venue, row.symbol) not in known:
            wanted[venue].add(row.symbol)
    found = dict(known)
    for venue, symbols in wanted.items():
        try:
            found |= {(venue, symbol): ticker.last for symbol, ticker in tickers_of(venue, symbols).items()}
        except redis.RedisError:
            # They count at their entry price then.
            break
    return found
