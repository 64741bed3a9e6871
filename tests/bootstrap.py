"""Loaded before Django reads its settings: a private Redis-protocol server, folders of its own, nothing of the machine's."""

import atexit
import logging
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path


def _start_redis(folder: Path) -> str:
    from cts.redis_server import redis_start
    from cts.supervisor.ports import port_pick

    port = port_pick(None)
    server = redis_start(port=port, directory=folder / "redis")
    atexit.register(server.kill)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"redis://127.0.0.1:{port}"
        time.sleep(0.02)
    raise RuntimeError("The Redis-protocol server for the tests did not start")


worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
database = int(worker.removeprefix("gw")) % 15 + 1 if worker.startswith("gw") else 0  # Redis has sixteen
if "CTS_TEST_REDIS_URL" not in os.environ:
    _folder = Path(tempfile.mkdtemp(prefix="cts-tests-"))
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ["CTS_TEST_FOLDER"] = str(_folder)
    os.environ["CTS_TEST_REDIS_URL"] = _start_redis(_folder)
# Threads that still listen when the server goes must not complain into streams that are closed by then.
atexit.register(setattr, logging, "raiseExceptions", False)
folder = Path(os.environ["CTS_TEST_FOLDER"]) / worker
(folder / "data" / "static").mkdir(parents=True, exist_ok=True)
os.environ |= {
    "CTS_EMBEDDED": "true",
    "CTS_DATA_DIR": str(folder / "data"),
    "CTS_LOG_DIR": str(folder / "logs"),
    "CTS_PROCESS": "tests",
    "CTS_LOG_DATABASE": "false",
    "CTS_CCXT_EXCHANGES": "",
    "CTS_SECRET_KEY": "0123456789abcdef" * 4,
    "CTS_ENCRYPTION_KEYS": "test:" + "0123456789abcdef" * 4,
    "CTS_REDIS_PREFIX": f"test-{worker}",
    "REDIS_URL": f"{os.environ['CTS_TEST_REDIS_URL']}/{database}",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{folder / 'tests.sqlite3'}",
}
