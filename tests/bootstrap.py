"""Loaded before Django reads its settings: a private Redis-protocol server, folders of its own, nothing of the machine's."""

import atexit
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start_redis(folder: Path) -> str:
    from cts.redis_server import redis_start

    port = _free_port()
    server = redis_start(port=port, directory=folder / "redis")
    atexit.register(server.kill)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"redis://127.0.0.1:{port}/0"
        time.sleep(0.02)
    raise RuntimeError("The Redis-protocol server for the tests did not start")


worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
if "CTS_TEST_REDIS_URL" not in os.environ:
    _folder = Path(tempfile.mkdtemp(prefix="cts-tests-"))
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ["CTS_TEST_FOLDER"] = str(_folder)
    os.environ["CTS_TEST_REDIS_URL"] = _start_redis(_folder)
folder = Path(os.environ["CTS_TEST_FOLDER"]) / worker
folder.mkdir(parents=True, exist_ok=True)
os.environ |= {
    "CTS_EMBEDDED": "true",
    "CTS_DATA_DIR": str(folder / "data"),
    "CTS_LOG_DIR": str(folder / "logs"),
    "CTS_PROCESS": "tests",
    "CTS_REDIS_PREFIX": f"test-{worker}",
    "REDIS_URL": os.environ["CTS_TEST_REDIS_URL"],
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", f"sqlite:///{folder / 'tests.sqlite3'}"),
}
