"""The open positions of one connection, in memory, and which of them a tick closes. No query per tick."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.positions.models import Position
from apps.positions.selectors import exit_view, positions_live
from cts.domain.exits import ExitView, followed, position_on_tick
from cts.domain.types import PositionSide, Tick

# After a refused close the next tick would only be refused as well.
RETRY_S = 2.0


@dataclass
class Watched:
    """One open position and what its exits look at."""

    position: Position
    view: ExitView
    quiet_until: float = 0.0


@dataclass(frozen=True)
class Exit:
    position: Position
    reason: str


class OpenPositions:
    """Refreshed by the account's thread after every fill and sync; in between, the trading thread moves the trails.

    A refresh puts a new picture in place of the old one; the lock is for that moment and for a tick's, never for a query.
    """

    def __init__(self, connection_id: int) -> None:
        self._connection_id = connection_id
        self._lock = threading.Lock()
        self._by_symbol: dict[str, dict[int, Watched]] = {}
        self._known: dict[int, Position] = {}

    def refresh(self) -> list[Position]:
        """Read them anew; returns those that are new, changed or gone since the last look.

        A trail that has moved since it was stored keeps its best price.
        """
        positions = {position.pk: position for position in positions_live(self._connection_id)}
        earlier = self._known
        changed = [row for pk, row in positions.items() if pk not in earlier or earlier[pk].version != row.version]
        views = {position.pk: exit_view(position) for position in changed}
        with self._lock:
            self._known = positions
            self._by_symbol = self._pictured(positions, views)
        return changed + [row for pk, row in earlier.items() if pk not in positions]

    def _pictured(
        self, positions: dict[int, Position], views: dict[int, ExitView | None]
    ) -> dict[str, dict[int, Watched]]:
        """`views` are of those that have changed; the others are looked at as before."""
        before = {pk: watched for rows in self._by_symbol.values() for pk, watched in rows.items()}
        fresh: dict[str, dict[int, Watched]] = defaultdict(dict)
        for pk, position in positions.items():
            known = before.get(pk)
            view = views.get(pk, known.view if known else None)
            if view is None:
                continue
            if pk in views and known is not None and known.view.best_price is not None:
                view = followed(view, known.view.best_price)
            fresh[position.symbol][pk] = Watched(position, view, known.quiet_until if known else 0.0)
        return dict(fresh)

    def on_tick(self, tick: Tick, *, now: datetime) -> list[Exit]:
        """The positions this tick closes, and why."""
        if tick.symbol not in self._by_symbol:
            return []
        with self._lock:
            return [
                Exit(watched.position, reason)
                for watched in self._by_symbol.get(tick.symbol, {}).values()
                if (reason := self._reason(watched, tick.price, now)) is not None
            ]

    def _reason(self, watched: Watched, price: float, now: datetime) -> str | None:
        reason = position_on_tick(watched.view, price, now)
        watched.view = followed(watched.view, price)
        if reason is None or time.monotonic() < watched.quiet_until:
            return None
        watched.quiet_until = time.monotonic() + RETRY_S
        return reason

    def timed_out(self, *, now: datetime) -> list[Exit]:
        """Time passes on symbols without ticks too."""
        late = []
        with self._lock:
            for watched in self._watched():
                due = watched.view.timeout_at is not None and now >= watched.view.timeout_at
                if due and time.monotonic() >= watched.quiet_until:
                    watched.quiet_until = time.monotonic() + RETRY_S
                    late.append(Exit(watched.position, "timeout"))
        return late

    def best_prices(self) -> dict[int, float]:
        """Trails that run, to be stored now and then, so that a restart takes them up."""
        with self._lock:
            return {
                watched.position.pk: watched.view.best_price
                for watched in self._watched()
                if watched.view.best_price is not None
            }

    def _watched(self) -> Iterator[Watched]:
        return (watched for rows in self._by_symbol.values() for watched in rows.values())

    def leg_quantity(self, symbol: str, side: PositionSide) -> Decimal:
        rows = self._known.values()
        return sum((row.quantity for row in rows if (row.symbol, row.side) == (symbol, side)), Decimal(0))
