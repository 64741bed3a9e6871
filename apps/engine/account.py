"""Keeps our orders, fills and positions in step with the venue's, and says when it is safe to enter."""

import logging
import time
from dataclasses import dataclass
from decimal import Decimal

from apps.engine.exits import Exit, OpenPositions
from apps.exchanges.connectors.base import Connector, StreamEvents
from apps.exchanges.hub import Inbox
from apps.exchanges.models import Connection
from apps.orders.services import order_apply_venue
from apps.positions.manager import PositionManager
from apps.positions.models import Position
from apps.positions.services import fill_book, positions_best_store
from apps.positions.sync import connection_sync
from cts.domain.errors import AmbiguousResult, DomainError, ExchangeError, RateLimited, Unavailable
from cts.domain.types import OrderPurpose, PositionSide, VenueFill, VenueOrder, VenuePosition

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 30.0
# How long our fills may lag behind the venue's word on a position before we go and ask.
SETTLE_S = 2.0


@dataclass(frozen=True)
class StreamUp:
    pass


@dataclass(frozen=True)
class StreamDown:
    reason: str


@dataclass(frozen=True)
class LegTold:
    symbol: str
    leg: VenuePosition | None


class AccountMirror:
    """The private stream's callbacks only fill the inbox; the run's thread takes in, syncs, protects and closes."""

    def __init__(
        self, connection: Connection, *, connector: Connector, positions: OpenPositions, inbox: Inbox, epoch: int
    ) -> None:
        self.connection = connection
        self.connector = connector
        self.is_gate_open = False
        self._positions = positions
        self._manager = PositionManager()
        self._epoch = epoch
        self._is_up = False
        self._started_at = 0.0
        self._sync_at = float("inf")
        self._stream = connector.private_stream(
            StreamEvents(
                on_order=inbox.put,
                on_fill=inbox.put,
                on_position=lambda leg, symbol: inbox.put(LegTold(symbol, leg)),
                on_connected=lambda: inbox.put(StreamUp()),
                on_disconnected=lambda reason: inbox.put(StreamDown(reason)),
            )
        )

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._stream.start()

    def stop(self) -> None:
        self._stream.stop()

    def sync_soon(self, *, in_s: float = 0.0) -> None:
        self._sync_at = min(self._sync_at, time.monotonic() + in_s)

    # --- in -----------------------------------------------------------------------------------------------------------
    def take_in(self, item: object) -> None:
        if isinstance(item, VenueFill):
            self._fill(item)
        elif isinstance(item, VenueOrder):
            self._order(item)
        elif isinstance(item, LegTold):
            self._leg(item)
        elif isinstance(item, StreamUp):
            # What was missed meanwhile has to be fetched before anything new is risked.
            self._is_up = True
            self.sync_soon()
        elif isinstance(item, StreamDown):
            self._is_up = self.is_gate_open = False
            log.warning("gate_closed", extra={"connection": self.connection.pk, "reason": item.reason})

    def _order(self, told: VenueOrder) -> None:
        order = order_apply_venue(self.connection, told)
        if order is None or order.purpose != OrderPurpose.STOP or not told.status.is_final:
            return
        if order.reported_quantity == order.filled_quantity:
            # Otherwise it has closed something, and its fills, which are on the way, say what is left to protect.
            self._protect()

    def _fill(self, told: VenueFill) -> None:
        if fill_book(self.connection, fill=told, source="stream") is not None:
            self._protect()

    def _protect(self) -> None:
        """What a fill has changed gets the stop it needs now, and what it has closed loses its own."""
        for position in self._positions.refresh():
            try:
                self._manager.ensure_stop(position, connector=self.connector)
            except (ExchangeError, DomainError) as error:
                self._trouble("stop_not_ensured", position, error)
        # Whether its stop is on the venue is part of how a position's exits are watched.
        self._positions.refresh()

    def _leg(self, told: LegTold) -> None:
        for side in PositionSide:
            leg = told.leg if told.leg is not None and told.leg.side is side else None
            if told.leg is not None and leg is None:
                continue
            theirs = leg.quantity if leg else Decimal(0)
            if self._positions.leg_quantity(told.symbol, side) != theirs:
                self.sync_soon(in_s=SETTLE_S)

    # --- keep ---------------------------------------------------------------------------------------------------------
    def keep(self, *, every_s: float) -> None:
        """Sync when due; the gate opens only after one that went through while the stream was up.

        Raises:
            ExchangeError: a refused key, or a private stream that never came up.
        """
        if (failure := self._stream.failure) is not None:
            raise failure
        now = time.monotonic()
        if not self._is_up and not self.is_gate_open and now - self._started_at > CONNECT_WITHIN_S:
            self._started_at = now
            raise Unavailable("the private stream does not come up", exchange=self.connection.exchange)
        if now >= self._sync_at:
            self._sync_at = now + every_s
            self._sync()

    def _sync(self) -> None:
        is_up = self._is_up
        try:
            connection_sync(self.connection, connector=self.connector)
        except (Unavailable, RateLimited, AmbiguousResult) as error:
            log.warning("sync_failed", extra={"connection": self.connection.pk, "reason": str(error)})
            self.is_gate_open = False
            self.sync_soon(in_s=SETTLE_S)
            return
        self._positions.refresh()
        self.is_gate_open = is_up and self._is_up

    # --- out ----------------------------------------------------------------------------------------------------------
    def close(self, leaving: Exit) -> None:
        """Close at market. What fails is tried again at a later tick; the stop on the venue stands meanwhile."""
        try:
            outcome = self._manager.close(
                leaving.position, reason=leaving.reason, connector=self.connector, engine_epoch=self._epoch
            )
        except (ExchangeError, DomainError) as error:
            self._trouble("close_failed", leaving.position, error)
            return
        if not outcome.is_ok:
            self._trouble("close_failed", leaving.position, outcome.detail)

    def _trouble(self, event: str, position: Position, reason: object) -> None:
        extra = {"connection": self.connection.pk, "position": position.pk, "reason": str(reason)}
        log.warning(event, extra=extra)
        self.sync_soon(in_s=SETTLE_S)

    def trails_store(self) -> None:
        if best := self._positions.best_prices():
            positions_best_store(self.connection, best_prices=best)
