"""Redis and the paper venue as processes of their own, Django on a scratch database; all gone afterwards."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def surroundings(*, ticks_per_symbol: int) -> Iterator[Path]:
    """The folder everything is in, the venue's notes of arrivals among it. Once per process: Django is set up for it."""
    with tempfile.TemporaryDirectory(prefix="cts-bench-") as name, _servers(Path(name), ticks_per_symbol):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield Path(name)


@contextmanager
def _servers(folder: Path, ticks_per_symbol: int) -> Iterator[None]:
    from cts.redis_server import redis_start

    redis_port, venue_port = _free_port(), _free_port()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "cts.settings",
        "CTS_DATA_DIR": str(folder),
        "CTS_LOG_DIR": str(folder / "logs"),
        "CTS_PROCESS": "bench",
        "DATABASE_URL": f"sqlite:///{folder / 'cts.sqlite3'}",
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "CTS_PAPER_URL": f"http://127.0.0.1:{venue_port}",
    }
    arguments = ["-m", "benchmarks.arrivals", str(folder), str(venue_port), str(ticks_per_symbol)]
    servers = [
        redis_start(port=redis_port, directory=folder / "redis"),
        subprocess.Popen([sys.executable, *arguments], cwd=Path(__file__).parent.parent),
    ]
    try:
        for port in (redis_port, venue_port):
            _wait_for(port)
        import django

        django.setup()
        yield
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("A server of the benchmark did not start")
