"""Keeps our orders, fills and positions in step with the venue's, and says when it is safe to enter."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from apps.engine.exits import Exit, OpenPositions
from apps.engine.gate import Gate
from apps.engine.side import SideThread
from apps.exchanges.connectors.base import Connector, StreamEvents
from apps.exchanges.connectors.patience import patient
from apps.exchanges.models import Connection
from apps.orders.history import history_warm
from apps.orders.services import order_apply_venue
from apps.positions.manager import PositionManager
from apps.positions.models import Position
from apps.positions.services import fill_book, positions_best_store
from apps.positions.sync import connection_sync
from cts.domain.errors import AmbiguousResult, DomainError, ExchangeError, RateLimited, Unavailable
from cts.domain.types import OrderPurpose, PositionSide, VenueFill, VenueOrder, VenuePosition

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 30.0
SYNC_PATIENCE_S = 10.0
# How long our fills may lag behind the venue's word on a position before we go and ask.
SETTLE_S = 2.0
# Fills come in bursts, and one look at the positions does for many; but no position waits longer for its stop.
PROTECT_WITHIN_S = 0.2


@dataclass(frozen=True)
class LegTold:
    symbol: str
    leg: VenuePosition | None


class AccountMirror(SideThread):
    """The stream's callbacks move the gate and fill the inbox; the thread takes in, syncs and protects.

    `close` is called by the thread that leaves positions.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        connector: Connector,
        positions: OpenPositions,
        epoch: int,
        is_held: Callable[[], bool],
        on_news: Callable[[], None],
    ) -> None:
        super().__init__(f"account-{connection.pk}", is_held=is_held, on_news=on_news)
        self.connection = connection
        self.connector = connector
        self.gate = Gate()
        self._positions = positions
        self._manager = PositionManager()
        self._epoch = epoch
        self._down_since = 0.0
        self._touched_at: float | None = None  # since when a fill waits for what it means to stops
        self._due = threading.Lock()
        self._sync_at = float("inf")
        self._stream = connector.private_stream(
            StreamEvents(
                on_order=self._inbox.put,
                on_fill=self._inbox.put,
                on_position=lambda leg, symbol: self._inbox.put(LegTold(symbol, leg)),
                on_connected=self._connected,
                on_disconnected=self._disconnected,
            )
        )

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        self._down_since = time.monotonic()
        self._stream.start()
        super().start()

    def stop(self) -> None:
        self._stopping.set()
        self.gate.shut()
        self._stream.stop()
        super().stop()

    def ended(self) -> None:
        self.gate.shut()

    def sync_soon(self, *, in_s: float = 0.0) -> None:
        with self._due:
            self._sync_at = min(self._sync_at, time.monotonic() + in_s)
        self._inbox.wake()

    def wait_s(self) -> float:
        return min(self.step_s, max(0.0, self._sync_at - time.monotonic()))

    # --- on the stream's threads --------------------------------------------------------------------------------------
    def _connected(self) -> None:
        # What was missed meanwhile has to be fetched before anything new is risked.
        self.gate.up()
        self.sync_soon()

    def _disconnected(self, reason: str) -> None:
        self.gate.down()
        if self._stopping.is_set():
            return
        self._down_since = time.monotonic()
        log.warning("gate_closed", extra={"connection": self.connection.pk, "reason": reason})
        self._on_news()

    # --- in -----------------------------------------------------------------------------------------------------------
    def take_in(self, item: Any) -> None:
        if isinstance(item, VenueFill):
            self._fill(item)
        elif isinstance(item, VenueOrder):
            self._order(item)
        elif isinstance(item, LegTold):
            self._leg(item)
        if self._touched_at is not None and time.monotonic() - self._touched_at > PROTECT_WITHIN_S:
            self._protect()

    def _touched(self) -> None:
        if self._touched_at is None:
            self._touched_at = time.monotonic()

    def _order(self, told: VenueOrder) -> None:
        order = order_apply_venue(self.connection, told)
        if order is None or order.purpose != OrderPurpose.STOP or not told.status.is_final:
            return
        if order.reported_quantity == order.filled_quantity:
            # Otherwise it has closed something, and its fills, which are on the way, say what is left to protect.
            self._touched()

    def _fill(self, told: VenueFill) -> None:
        if fill_book(self.connection, fill=told, source="stream") is not None:
            self._touched()

    def _protect(self) -> None:
        """What fills have changed gets the stop it needs now, and what they have closed loses its own."""
        self._touched_at = None
        changed = self._positions.refresh()
        for position in changed:
            try:
                self._manager.ensure_stop(position, connector=self.connector)
            except (ExchangeError, DomainError) as error:
                self._trouble("stop_not_ensured", position, error)
        if changed:
            # Whether its stop is on the venue is part of how a position's exits are watched.
            self._positions.refresh()
        self._manager.tidy(self.connection, connector=self.connector)

    def _leg(self, told: LegTold) -> None:
        for side in PositionSide:
            leg = told.leg if told.leg is not None and told.leg.side is side else None
            if told.leg is not None and leg is None:
                continue
            theirs = leg.quantity if leg else Decimal(0)
            if self._positions.leg_quantity(told.symbol, side) != theirs:
                self.sync_soon(in_s=SETTLE_S)

    # --- keep ---------------------------------------------------------------------------------------------------------
    def keep(self) -> None:
        """Sync when due; the gate opens only by one that went through while the stream was up.

        Raises:
            ExchangeError: a refused key, or a private stream that does not come up.
        """
        if self._touched_at is not None:
            self._protect()
        if (failure := self._stream.failure) is not None:
            raise failure
        now = time.monotonic()
        if not self.gate.is_up and now - self._down_since > CONNECT_WITHIN_S:
            raise Unavailable("the private stream does not come up", exchange=self.connection.exchange)
        with self._due:
            is_due = now >= self._sync_at
            if is_due:
                self._sync_at = now + settings.RECONCILE_INTERVAL_S
        if is_due:
            self._sync()
        # What has changed is read here, so that the next signal finds it read.
        history_warm(self.connection.pk)

    def _sync(self) -> None:
        was_open, pass_ = self.gate.is_open, self.gate.begin()
        try:
            # Given up half way it would begin anew, and spend what it waited for.
            with patient(SYNC_PATIENCE_S):
                connection_sync(self.connection, connector=self.connector)
        except (Unavailable, RateLimited, AmbiguousResult) as error:
            log.warning("sync_failed", extra={"connection": self.connection.pk, "reason": str(error)})
            self.gate.close()
            self.sync_soon(in_s=SETTLE_S)
        else:
            self._positions.refresh()
            self.gate.open(pass_)
        if self.gate.is_open != was_open:
            self._on_news()

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
