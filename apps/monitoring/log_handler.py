"""Warnings and worse into the database. Never makes the caller wait, never raises, survives a database that is down."""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import DataError, close_old_connections, connections

from cts.logging import record_row

QUEUE_MAX = 2000
BATCH_MAX = 200
RETRY_MAX_S = 30.0
EXIT_FLUSH_S = 2.0


class DatabaseHandler(logging.Handler):
    """Puts rows on a bounded queue; one daemon thread writes them in batches. Full: the newest are counted and let go.

    The files have every line; the database is for searching them.
    """

    def __init__(self, write: Callable[[list[dict[str, Any]]], None], *, retry_s: float = 1.0) -> None:
        super().__init__(level=logging.WARNING)
        self._write = write
        self._retry_s = retry_s
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue(QUEUE_MAX)
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        # What the writing itself logs (a database that is down) must not feed the queue it empties.
        if threading.current_thread() is self._thread:
            return
        try:
            self._thread_ensure()
            self._queue.put_nowait(record_row(record))
        except queue.Full:
            self.dropped += 1
        except Exception:
            self.handleError(record)

    def wait_written(self, timeout_s: float) -> bool:
        """True when all that was logged has been written."""
        deadline = time.monotonic() + timeout_s
        while self._queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self._queue.unfinished_tasks

    def handleError(self, record: logging.LogRecord) -> None:
        """Said nowhere: the file handler has the line, and a logger that complains through itself never ends."""

    def _thread_ensure(self) -> None:
        if self._thread is not None and self._thread.is_alive() and self._pid == os.getpid():
            return
        with self._start_lock:
            if self._thread is None or not self._thread.is_alive() or self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="log-to-database", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = self._batch()
            self._write_stubbornly(batch)
            for _ in batch:
                self._queue.task_done()

    def _batch(self) -> list[dict[str, Any]]:
        batch = [self._queue.get()]
        while len(batch) < BATCH_MAX:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _write_stubbornly(self, batch: list[dict[str, Any]]) -> None:
        retry_s, size = self._retry_s, len(batch)
        while batch:
            try:
                close_old_connections()
                self._write(batch[:size])
                batch = batch[size:]
            except (ValueError, DataError):
                # One row the database can't hold must not keep the others out: from here on, one by one.
                batch, size = batch[1:] if size == 1 else batch, 1
            except Exception:
                connections.close_all()
                time.sleep(retry_s)
                retry_s = min(RETRY_MAX_S, retry_s * 2)


def database_handler_install() -> DatabaseHandler:
    from apps.monitoring.services import log_records_create

    handler = DatabaseHandler(log_records_create)
    logging.getLogger().addHandler(handler)
    atexit.register(handler.wait_written, EXIT_FLUSH_S)
    return handler
