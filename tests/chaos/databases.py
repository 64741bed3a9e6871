"""Where our ledger lives in a run: an SQLite file, or a PostgreSQL server of its own. Both can go away and come back."""

import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from typing import Protocol

from tests.chaos.processes import Journal, Process
from tests.postgres import server_start

NAME, KEPT = "cts", "cts_kept"
# By files: a copy written through the log has sequences that a crash sets back.
_COPY = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY;"


class Database(Protocol):
    @property
    def url(self) -> str: ...
    def enter(self) -> None: ...
    def leave(self) -> None: ...

    def keep(self) -> None:
        """What is in it now is what every run begins with."""

    def renew(self) -> None:
        """As it was kept; nobody may be using it."""

    def away(self) -> None:
        """From now on nobody can write."""

    def back(self) -> None: ...


class SqliteFile:
    """Lies in the data folder, and is kept and renewed with it."""

    def __init__(self, data: Path, *, journal: Journal) -> None:
        self._path = data / "cts.sqlite3"
        self._locker = Process("locker", self._lock, journal=journal)

    @property
    def url(self) -> str:
        return f"sqlite:///{self._path}"

    def enter(self) -> None: ...
    def leave(self) -> None: ...
    def keep(self) -> None: ...
    def renew(self) -> None: ...

    def away(self) -> None:
        """Some other program is writing, and takes its time."""
        self._locker.kill()
        self._locker.start()

    def back(self) -> None:
        self._locker.kill()

    def _lock(self) -> None:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(60)


class PostgresServer:
    """Away is crashed: it stops in the middle of everything, and recovers from its log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"

    @property
    def url(self) -> str:
        return f"postgres://postgres@/{NAME}?host={self._folder / 'data'}"

    def enter(self) -> None:
        self._folder.mkdir()
        for folder in (self._folder.parent, self._folder):
            folder.chmod(0o755)
        self._server = server_start(self._folder / "data")
        # A commit has to outlive the server, which is killed here.
        self._server.psql("ALTER SYSTEM SET synchronous_commit = on;")
        self._server.psql("SELECT pg_reload_conf();")
        self._server.psql(f"CREATE DATABASE {NAME};")

    def leave(self) -> None:
        self.back()
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def keep(self) -> None:
        self._server.psql(_COPY.format(KEPT, NAME))

    def renew(self) -> None:
        self.back()
        self._server.psql(f"DROP DATABASE {NAME} WITH (FORCE);")
        self._server.psql(_COPY.format(NAME, KEPT))

    def away(self) -> None:
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)

    def back(self) -> None:
        self._server.ensure_postgres_running()
