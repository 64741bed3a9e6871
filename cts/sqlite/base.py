"""SQLite for a process of many writing threads: they take turns here, where a turn is handed on the moment it ends.

SQLite alone lets one write and the others sleep and try again, ever longer, whoever comes by first: a signal would wait
hundreds of milliseconds behind writes of five. Other processes still meet in SQLite's own lock.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.sqlite3 import base


class Turns:
    """A lock that goes to whoever waits longest, those in a hurry first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: tuple[deque[threading.Event], deque[threading.Event]] = (deque(), deque())

    def take(self, *, is_urgent: bool, timeout_s: float) -> bool:
        """False where it did not come to us in time."""
        queue, mine = self._waiting[0 if is_urgent else 1], threading.Event()
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            queue.append(mine)
        if mine.wait(timeout_s):
            return True
        with self._lock:
            if mine in queue:
                queue.remove(mine)
                return False
        return True  # it was given to us at the last moment

    def give(self) -> None:
        with self._lock:
            for queue in self._waiting:
                if queue:
                    queue.popleft().set()
                    return
            self._is_taken = False


_hurry = threading.local()
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


@contextmanager
def urgently() -> Iterator[None]:
    """Transactions begun inside go before others that wait."""
    before, _hurry.is_on = getattr(_hurry, "is_on", False), True
    try:
        yield
    finally:
        _hurry.is_on = before


_turns: dict[str, Turns] = {}


class _Cursor(base.SQLiteCursorWrapper):
    """Whoever writes without a transaction waits in the same row: at SQLite's door it would wait behind everybody."""

    def __init__(self, connection: Any, wrapper: "DatabaseWrapper") -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Any = None) -> Any:
        if query.startswith(_WRITES) and self._wrapper.autocommit:
            with self._wrapper.alone():
                return super().execute(query, params)
        return super().execute(query, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """One turn per transaction, by database file. Past the time-out SQLite itself says that it is locked."""

    _turn: Turns | None = None

    def create_cursor(self, name: Any = None) -> Any:
        return self.connection.cursor(factory=lambda connection: _Cursor(connection, self))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A turn for one statement that is a transaction of its own."""
        self._turn_take()
        try:
            yield
        finally:
            self._turn_end()

    def _turn_take(self) -> None:
        turns = _turns.setdefault(str(self.settings_dict["NAME"]), Turns())
        timeout_s = float(self.settings_dict["OPTIONS"].get("timeout", 5))
        if turns.take(is_urgent=getattr(_hurry, "is_on", False), timeout_s=timeout_s):
            self._turn = turns

    def _start_transaction_under_autocommit(self) -> None:
        self._turn_take()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._turn_end()
            raise

    def _turn_end(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.give()

    def _commit(self) -> Any:
        done = super()._commit()  # type: ignore[misc]
        self._turn_end()
        return done

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._turn_end()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._turn_end()
