"""What orders must know of positions, which live a layer above: they bring a `PositionBook`, nothing is imported upwards."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from apps.exchanges.models import Connection
from cts.domain.types import PositionSide

ZERO = Decimal(0)


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection holds, as the risk checks count it. `keys` are those of its open positions."""

    keys: frozenset[str] = frozenset()
    per_side: int = 0
    notional: Decimal = ZERO
    opposite_quantity: Decimal = ZERO
    day_pnl: Decimal = ZERO
    losing_streak: int = 0
    stops_in_window: int = 0


class Reducible(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reduction of a leg begins, and how much all positions of the leg hold. Further fills go on to the next."""

    position_key: str
    held: Decimal


class PositionBook(Protocol):
    def holdings(
        self,
        connection: Connection,
        *,
        symbol: str,
        side: PositionSide,
        prices: dict[str, Decimal],
        stop_window_s: float,
        now: datetime,
    ) -> Holdings: ...

    def leg_quantity(self, connection: Connection, *, symbol: str, side: PositionSide) -> Decimal: ...

    def reducible(self, connection: Connection, *, symbol: str, side: PositionSide) -> Reducible | None:
        """None where nothing is held on that side."""


_books: list[PositionBook] = []


def book_register(book: PositionBook) -> None:
    """Called once, when the app of positions is ready."""
    _books[:] = [book]


def book() -> PositionBook:
    return _books[0]
