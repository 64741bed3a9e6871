"""The run of one connection's engine: ready the account, keep in step with it, enter on lines, leave on exits."""

import logging
import time
from datetime import UTC, datetime
from typing import ClassVar

from django.db import DatabaseError

from apps.engine.account import AccountMirror
from apps.engine.cycle import OPENED, EngineContext, on_line_event
from apps.engine.execution import execute
from apps.engine.exits import Exit, OpenPositions
from apps.engine.followed import follow
from apps.engine.leaving import Leaving
from apps.engine.models import ActualState, DesiredState, Engine
from apps.engine.preparing import Preparing
from apps.engine.selectors import WANTED, engine_lease
from apps.engine.services import engine_beat, engine_ended, engine_failed, engine_note, engine_started
from apps.engine.side import SideThread
from apps.exchanges.connectors.patience import patient
from apps.exchanges.factory import connector_for
from apps.exchanges.hub import Unsubscribe, hub
from apps.exchanges.models import Connection
from apps.exchanges.runs import Ended, LeasedRun
from apps.exchanges.services import connection_failed, connection_seen
from apps.exchanges.state import ConnectionStateManager
from apps.exchanges.symbols import connection_symbols
from apps.orders.preparation import account_prepare
from apps.strategies.selectors import follow_for
from apps.strategies.services import study_follow
from cts.domain.errors import AuthFailed, DomainError, ExchangeError
from cts.domain.types import LineEvent, OrderStatus, Tick

log = logging.getLogger(__name__)

# A signal that waited longer (a slow venue, a closed gate) is about a market that is gone.
SIGNAL_MAX_AGE_S = 3.0
# Beginning again after a crash, everybody at this address wants something of its budgets at once.
BUDGET_PATIENCE_S = 15.0
# A venue may take a moment to show an order whose answer got lost.
UNKNOWN_AFTER_S = 0.5


class EngineRun(LeasedRun):
    """One thread enters, one leaves, one keeps the account in step, one tells the venue the terms of each symbol.

    All they know can be read again after a failure.
    """

    beat_s: ClassVar[float] = 5.0
    symbols_s: ClassVar[float] = 30.0

    def __init__(self, connection_id: int, **options: float) -> None:
        super().__init__(engine_lease(connection_id), **options)
        self.connection_id = connection_id
        self.is_restart = False
        self.connection: Connection
        self.engine: Engine
        self._state = ConnectionStateManager()
        self._is_loaded = False
        self._was_halted = self._was_open = False
        self._loaded_at = 0.0
        self._leaves: list[Unsubscribe] = []
        self._account: AccountMirror | None = None
        self._leaving: Leaving | None = None
        self._preparing: Preparing | None = None

    # --- what is wanted ---------------------------------------------------------------------------------------------
    def is_wanted(self) -> bool:
        rows = Engine.objects.select_related("connection__owner").filter(connection_id=self.connection_id)
        engine = rows.first()
        if engine is None or engine.desired not in WANTED:
            return False
        if not (engine.connection.is_enabled and engine.connection.is_active):
            return False
        if self._is_loaded and (engine.restart_requested or self._rests_on(engine.connection)):
            self.is_restart = True
            return False
        self.engine, self.connection = engine, engine.connection
        if self._is_loaded:
            self._permissions_apply()
        return True

    def _rests_on(self, connection: Connection) -> bool:
        """Whether something changed that this run has built upon."""
        fields = ("position_mode", "margin_mode", "leverage", "credentials")
        return any(getattr(connection, name) != getattr(self.connection, name) for name in fields)

    def _permissions_apply(self) -> None:
        is_paused, is_halted = self.engine.desired == DesiredState.PAUSED, self._state.is_halted()
        if (is_paused, is_halted) != (self.ctx.is_paused, self._was_halted):
            self._next["beat"] = 0.0
        self.ctx.is_armed, self.ctx.is_paused = self.connection.is_live_armed, is_paused
        if is_halted != self._was_halted:
            self._was_halted = is_halted
            kind, reason = ("halted", self._state.halt_reason()) if is_halted else ("halt_lifted", "")
            engine_note(self.connection, kind=kind, actor="engine", detail={"reason": reason})

    # --- life ---------------------------------------------------------------------------------------------------------
    def load(self) -> None:
        engine_started(self.connection, epoch=self.epoch)
        self.inbox.take(timeout_s=0)  # what a run before a failure has not looked at is in the sync to come
        connector = connector_for(self.connection)
        symbols = connection_symbols(self.connection)
        if not symbols:
            raise DomainError("required", "The connection has no symbol to trade", field="symbols")
        with patient(BUDGET_PATIENCE_S):
            account_prepare(self.connection, connector=connector, symbol=symbols[0])
        row = follow_for(self.connection) or study_follow(self.connection)
        self.followed, leave = follow(row.study_id, row.rule_set_id, self.inbox.put)
        self._leaves.append(leave)
        self.ctx = EngineContext(
            connection_id=self.connection_id,
            standings=self.followed.standings,
            lines=self.followed.lines,
            statistics=self.followed.statistics,
            symbols=frozenset(),
            timeout_s=self.followed.timeout_s,
        )
        self.positions = OpenPositions(self.connection_id)
        self._leaves.append(hub().subscribe(*self.connection.venue, self.inbox.put_ticks))
        self._account = AccountMirror(
            self.connection,
            connector=connector,
            positions=self.positions,
            epoch=self.epoch,
            is_held=lambda: self.is_held,
            on_news=self.inbox.wake,
        )
        self._leaving = Leaving(
            f"leaving-{self.connection_id}",
            close=self._account.close,
            is_held=lambda: self.is_held,
            on_news=self.inbox.wake,
        )
        self._preparing = Preparing(
            self.connection,
            connector=connector,
            is_in_step=lambda: self._mirror.gate.is_open,
            is_held=lambda: self.is_held,
            on_news=self.inbox.wake,
        )
        self._preparing.want(symbols)
        for side in self._sides:
            side.start()
        self._next = {"beat": 0.0, "symbols": time.monotonic() + self.symbols_s, "time": 0.0}
        self._permissions_apply()
        self._is_loaded, self._loaded_at = True, time.monotonic()

    def unload(self) -> None:
        self._is_loaded = False
        for side in reversed(self._sides):
            side.stop()
        self._preparing = self._leaving = self._account = None
        while self._leaves:
            self._leaves.pop()()

    def step(self) -> None:
        batch = self.inbox.take(timeout_s=self.step_s)
        self._on_line_events(batch.events)
        self._on_ticks(batch.ticks)
        self._account_look()
        if self._due("time", 1.0):
            self._exit(self.positions.timed_out(now=datetime.now(UTC)))
        if self._due("symbols", self.symbols_s):
            self._symbols_refresh()
        if self._due("beat", self.beat_s):
            self._beat()

    def _due(self, name: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._next[name]:
            return False
        self._next[name] = now + every_s
        return True

    # --- in -----------------------------------------------------------------------------------------------------------
    def _on_line_events(self, batches: list[list[LineEvent]]) -> None:
        for events in batches:
            for event in events:
                self._on_line_event(event)

    @property
    def _sides(self) -> list[SideThread]:
        """What works beside this thread, in the order it begins."""
        return [side for side in (self._account, self._leaving, self._preparing) if side is not None]

    @property
    def _mirror(self) -> AccountMirror:
        assert self._account is not None
        return self._account

    def _on_line_event(self, event: LineEvent) -> None:
        if event.kind != OPENED:
            return
        # Another engine may have read the lines anew meanwhile.
        self.ctx.standings, self.ctx.lines = self.followed.standings, self.followed.lines
        self.ctx.statistics = self.followed.statistics
        assert self._preparing is not None
        self.ctx.symbols = self._preparing.ready
        self.ctx.is_gate_open = self._mirror.gate.is_open and self.is_held and not self._state.is_halted()
        intent = on_line_event(self.ctx, event)
        if intent is None:
            return
        age_s = (time.monotonic_ns() - event.received_ns) / 1e9 if event.received_ns else 0.0
        if age_s > SIGNAL_MAX_AGE_S:
            log.info("signal_too_old", extra={"connection": self.connection_id, "line": event.line_id, "age_s": age_s})
            return
        order = execute(self.connection, intent=intent, connector=self._mirror.connector, engine_epoch=self.epoch)
        if order is not None and order.status == OrderStatus.UNKNOWN:
            self._mirror.sync_soon(in_s=UNKNOWN_AFTER_S)

    def _on_ticks(self, ticks: list[Tick]) -> None:
        if not ticks:
            return
        now = datetime.now(UTC)
        self._exit([leaving for tick in ticks for leaving in self.positions.on_tick(tick, now=now)])

    def _exit(self, exits: list[Exit]) -> None:
        assert self._leaving is not None
        self._leaving.put(exits)

    # --- keep ---------------------------------------------------------------------------------------------------------
    def _account_look(self) -> None:
        for side in self._sides:
            side.check(stall_s=self.stall_s)
        if self._may_enter != self._was_open:
            self._was_open = not self._was_open
            self._next["beat"] = 0.0

    def _symbols_refresh(self) -> None:
        row = follow_for(self.connection)
        if row is None or (row.study_id, row.rule_set_id) != (self.followed.study_id, self.followed.rule_set_id):
            self.is_restart = True
            self.stop()
            return
        assert self._preparing is not None
        self._preparing.want(connection_symbols(self.connection))
        self.followed.load_if_changed()
        self.ctx.timeout_s = self.followed.timeout_s

    def _beat(self) -> None:
        is_settled = time.monotonic() - self._loaded_at > self.settled_s
        engine_beat(self.connection, epoch=self.epoch, actual=self._actual(), is_settled=is_settled)
        self._mirror.trails_store()
        if self._mirror.gate.is_open:
            connection_seen(self.connection_id)

    def _actual(self) -> ActualState:
        if not self._may_enter:
            return ActualState.STARTING
        return ActualState.PAUSED if self.ctx.is_paused or self._was_halted else ActualState.RUNNING

    @property
    def _may_enter(self) -> bool:
        """In step with the venue, which knows the terms of one symbol at least."""
        assert self._preparing is not None
        return self._mirror.gate.is_open and bool(self._preparing.ready)

    # --- trouble and end ----------------------------------------------------------------------------------------------
    def on_failure(self, error: Exception, *, failures: int) -> float | None:
        if not hasattr(self, "connection"):
            # Before anything could be read: there is nothing yet to say it of.
            return super().on_failure(error, failures=failures)
        try:
            if isinstance(error, ExchangeError):
                connection_failed(self.connection_id, error=error)
            return engine_failed(self.connection, epoch=self.epoch, error=error, is_final=self._is_owners(error))
        except DatabaseError:
            # Without the database there is nowhere to say so; the next try finds it back or fails alike.
            return super().on_failure(error, failures=failures)

    def _is_owners(self, error: Exception) -> bool:
        """Whether no repeat mends it, only the connection's owner does: a key, a setting, terms the venue refuses."""
        is_refusal = isinstance(error, DomainError) and (self._is_loading or error.code == "venue_setup")
        return is_refusal or isinstance(error, AuthFailed)

    def on_ended(self, ended: Ended) -> None:
        if ended not in (Ended.LEASE_LOST, Ended.GAVE_UP) and hasattr(self, "connection"):
            engine_ended(self.connection, epoch=self.epoch, reason=ended)
