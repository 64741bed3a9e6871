"""Renews the leases of all runs of this process from one thread. No run's business here."""

import threading
import time
from typing import Protocol

from django.db import DatabaseError, connections

from cts.logging import ErrorHandler, SystemLogger

errors = ErrorHandler(SystemLogger(__name__))


class Kept(Protocol):
    lease_name: str

    def renew_if_due(self) -> None: ...


class Keeper:
    """A thread apart from the runs, so that a slow venue call costs no run its lease."""

    def __init__(self) -> None:
        self._runs: set[Kept] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, run: Kept) -> None:
        with self._lock:
            self._runs.add(run)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)
                self._thread.start()

    def remove(self, run: Kept) -> None:
        with self._lock:
            self._runs.discard(run)

    def _keep(self) -> None:
        while True:
            time.sleep(0.2)
            with self._lock:
                runs = list(self._runs)
                if not runs:
                    self._thread = None
                    return
            for run in runs:
                self._renew(run)
            connections_close()

    def _renew(self, run: Kept) -> None:
        try:
            run.renew_if_due()
        except DatabaseError as error:
            # Tried again at the next round; past the ttl the run itself sees that it holds nothing.
            errors.record(error, event="lease_renew_failed", lease=run.lease_name)
            time.sleep(0.5)


keeper = Keeper()


def connections_close() -> None:
    """Give this thread's database connections back: a thread that waits must not hold one of the pool."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def connections_rest() -> None:
    """Between two looks at the work: give back what comes from a pool; a connection of our own is cheaper kept."""
    for connection in connections.all(initialized_only=True):
        if "pool" in connection.settings_dict["OPTIONS"] and not connection.in_atomic_block:
            connection.close()
