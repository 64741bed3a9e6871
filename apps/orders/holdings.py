"""What orders must know of positions, which live a layer above: they bring a `PositionBook`, nothing is imported upwards."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

import msgspec

from apps.exchanges.models import Connection
from cts.domain import pnl
from cts.domain.types import PositionSide

ZERO = Decimal(0)


class Held(NamedTuple):
    """A position that is not closed. `net` is what it has made so far, fees paid."""

    key: str
    symbol: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal | None
    net: Decimal

    def value(self, prices: dict[str, Decimal]) -> Decimal:
        return self.quantity * (prices.get(self.symbol) or self.entry_price or ZERO)

    def gain(self, prices: dict[str, Decimal]) -> Decimal:
        """With what it would make at the newest price; nothing of that where there is none."""
        if self.entry_price is None or self.symbol not in prices:
            return self.net
        return self.net + pnl.unrealized(
            self.side, quantity=self.quantity, entry_price=self.entry_price, price=prices[self.symbol]
        )


class Result(NamedTuple):
    """A position that was closed."""

    closed_at: datetime
    net: Decimal


class Stopped(NamedTuple):
    closed_at: datetime
    symbol: str


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What became of positions: all of a day, the newest that say something about the rules, and the stops."""

    day: tuple[Result, ...] = ()
    judged: tuple[Result, ...] = ()
    stops: tuple[Stopped, ...] = ()


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection holds, as the risk checks count it. `keys` are those of its open positions."""

    keys: frozenset[str] = frozenset()
    per_side: int = 0
    notional: Decimal = ZERO
    opposite_quantity: Decimal = ZERO
    open_pnl: Decimal = ZERO


def holdings_of(live: list[Held], *, symbol: str, side: PositionSide, prices: dict[str, Decimal]) -> Holdings:
    held = [row for row in live if row.quantity > 0]
    return Holdings(
        keys=frozenset(row.key for row in live),
        per_side=sum(row.symbol == symbol and row.side is side for row in live),
        notional=sum((row.value(prices) for row in held), ZERO),
        opposite_quantity=sum((row.quantity for row in held if row.symbol == symbol and row.side is not side), ZERO),
        open_pnl=sum((row.gain(prices) for row in held), ZERO),
    )


class Reducible(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reduction of a leg begins, and how much all positions of the leg hold. Further fills go on to the next."""

    position_key: str
    held: Decimal


class PositionBook(Protocol):
    def live(self, connection: Connection) -> list[Held]:
        """One query, whatever is held."""
        ...

    def results(self, connection: Connection, *, day: datetime, stops_since: datetime) -> Results: ...

    def leg_quantity(self, connection: Connection, *, symbol: str, side: PositionSide) -> Decimal: ...

    def reducible(self, connection: Connection, *, symbol: str, side: PositionSide) -> Reducible | None:
        """None where nothing is held on that side."""


_books: list[PositionBook] = []


def book_register(book: PositionBook) -> None:
    """Called once, when the app of positions is ready."""
    _books[:] = [book]


def book() -> PositionBook:
    return _books[0]
