"""Every verb on engines, for one connection and for many. The one face pages, API, admin and commands call."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections as databases
from django.db import transaction

from apps.accounts.models import User
from apps.engine.emergency import emergency_disarm, emergency_mode_check, emergency_settle
from apps.engine.models import DesiredState, Engine
from apps.engine.reports import StopReport, VerbResult
from apps.engine.selectors import engine_lease
from apps.engine.services import engine_desire, engine_restart
from apps.engine.tasks import engine_run
from apps.exchanges.leases import lease_is_live
from apps.exchanges.models import Connection
from apps.exchanges.runs import run_enqueue_once
from cts.domain.errors import DomainError
from cts.logging import ErrorHandler, SystemLogger

__all__ = ["GlobalTradeEngineCoordinator", "StopReport", "VerbResult"]

# A stop waits for its venue, not for others'; more accounts than this take turns.
STOPS_AT_ONCE = 16
errors = ErrorHandler(SystemLogger(__name__))


class GlobalTradeEngineCoordinator:
    """Coordinates what is wanted of engines (database), their runs (leases, queue) and the emergency stop."""

    VERBS = ("start", "stop", "pause", "resume", "restart")

    def start(self, connection: Connection, *, actor: str, user: User | None = None) -> Engine:
        return self._desire(connection, DesiredState.RUNNING, actor=actor, user=user)

    def stop(self, connection: Connection, *, actor: str, user: User | None = None) -> Engine:
        """No entries, no run; positions stay, protected by their stops on the venue."""
        return self._desire(connection, DesiredState.STOPPED, actor=actor, user=user)

    def pause(self, connection: Connection, *, actor: str, user: User | None = None) -> Engine:
        """No entries; exits of open positions are followed."""
        return self._desire(connection, DesiredState.PAUSED, actor=actor, user=user)

    def resume(self, connection: Connection, *, actor: str, user: User | None = None) -> Engine:
        engine = Engine.objects.filter(connection=connection).first()
        if engine is None or engine.desired == DesiredState.STOPPED:
            raise DomainError("not_paused", "Only a paused engine can be resumed; start it instead")
        return self._desire(connection, DesiredState.RUNNING, actor=actor, user=user, verb="resumed")

    def restart(self, connection: Connection, *, actor: str, user: User | None = None) -> Engine:
        engine = engine_restart(connection, actor=actor, user=user)
        self._run_ensure(connection)
        return engine

    def start_all(self, connections: Iterable[Connection], *, actor: str, user: User | None = None) -> list[VerbResult]:
        return self._each(self.start, connections, actor=actor, user=user)

    def stop_all(self, connections: Iterable[Connection], *, actor: str, user: User | None = None) -> list[VerbResult]:
        return self._each(self.stop, connections, actor=actor, user=user)

    def pause_all(self, connections: Iterable[Connection], *, actor: str, user: User | None = None) -> list[VerbResult]:
        return self._each(self.pause, connections, actor=actor, user=user)

    def resume_all(
        self, connections: Iterable[Connection], *, actor: str, user: User | None = None
    ) -> list[VerbResult]:
        return self._each(self.resume, connections, actor=actor, user=user)

    def restart_all(
        self, connections: Iterable[Connection], *, actor: str, user: User | None = None
    ) -> list[VerbResult]:
        return self._each(self.restart, connections, actor=actor, user=user)

    def emergency_stop(
        self, connections: Iterable[Connection], *, actor: str, user: User | None = None, mode: str = "flatten"
    ) -> list[StopReport]:
        """Disarm all, then cancel and flatten, or keep protected, at every venue at the same time.

        One connection's trouble keeps no other from its stop, nor makes it wait.

        Raises:
            DomainError: `invalid_choice` for a mode there isn't.
        """
        emergency_mode_check(mode)
        stops = [(StopReport(connection.pk, mode), connection) for connection in connections]
        for report, connection in stops:
            self._tried(report, emergency_disarm, connection, actor=actor, user=user)
        if len(stops) == 1:
            self._tried(stops[0][0], emergency_settle, stops[0][1], actor=actor, user=user)
        else:
            self._at_once(stops, actor=actor, user=user)
        return [report for report, _ in stops]

    def _at_once(self, stops: list[tuple[StopReport, Connection]], *, actor: str, user: User | None) -> None:
        def settle(stop: tuple[StopReport, Connection]) -> None:
            try:
                self._tried(stop[0], emergency_settle, stop[1], actor=actor, user=user)
            finally:
                databases.close_all()

        with ThreadPoolExecutor(max_workers=STOPS_AT_ONCE, thread_name_prefix="emergency") as pool:
            list(pool.map(settle, stops))

    def _tried(
        self, report: StopReport, work: Callable[..., None], connection: Connection, *, actor: str, user: User | None
    ) -> None:
        try:
            work(report, connection, actor=actor, user=user)
        except Exception as error:
            errors.record(error, event="emergency_stop_broken", connection=connection.pk)
            detail = f"{type(error).__name__}; see the log"
            report.steps.append({"step": "emergency stop", "is_ok": False, "detail": detail})

    def _desire(
        self, connection: Connection, desired: DesiredState, *, actor: str, user: User | None, verb: str = ""
    ) -> Engine:
        engine = engine_desire(connection, desired=desired, actor=actor, user=user, verb=verb)
        if desired is not DesiredState.STOPPED:
            self._run_ensure(connection)
        return engine

    def _run_ensure(self, connection: Connection) -> None:
        name = engine_lease(connection.pk)
        if lease_is_live(name):
            return
        # Robust: with Redis down the wish is stored all the same, and `runs_ensure` sees to it later. A lambda, as
        # Django wants the name of what failed and a partial has none.
        transaction.on_commit(lambda: run_enqueue_once(name, task=engine_run, args=(connection.pk,)), robust=True)

    def _each(
        self, verb: Callable[..., Engine], connections: Iterable[Connection], *, actor: str, user: User | None
    ) -> list[VerbResult]:
        results = []
        for connection in connections:
            try:
                results.append(VerbResult(connection.pk, verb(connection, actor=actor, user=user)))
            except DomainError as error:
                results.append(VerbResult(connection.pk, code=error.code, detail=error.detail))
        return results
