"""All of the product, started in a folder of its own as a newcomer starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from cts.supervisor.ports import port_pick
from cts.supervisor.probe import http_get

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "Demo-password-2026"


class Install:
    """One data folder, started as often as a test likes."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = port_pick(None)
        self.output = folder / "up.txt"
        self.process: subprocess.Popen[bytes] | None = None
        kept = {name: os.environ[name] for name in ("HOME", "PATH", "LANG") if name in os.environ}
        self.environment = kept | {
            "CTS_PORT": str(self.port),
            "CTS_DATA_DIR": str(folder / "data"),
            "CTS_LOG_DIR": str(folder / "logs"),
            "CTS_DEMO_PASSWORD": PASSWORD,
            **environment,
        }

    def up(self) -> "Install":
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def health(self) -> tuple[int, dict[str, Any]]:
        assert self.process is not None
        assert self.process.poll() is None, self.told()
        status, body = http_get("127.0.0.1", self.port, "/healthz")
        checks = json.loads(body)["checks"] if status in (200, 503) else []
        return status, {check["name"]: check for check in checks}

    def engines_beat_since(self, at: float) -> bool:
        status, checks = self.health()
        return status == 200 and checks["engines"]["age_s"] < time.monotonic() - at

    def children(self) -> dict[str, psutil.Process]:
        """By the name the supervisor gave them. Redis writes over its environment, and so over its name."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return {child.environ().get("CTS_PROCESS", "redis"): child for child in children}

    def interrupt(self) -> float:
        """Ctrl-C at the terminal: every process of the group gets it. Seconds until the end."""
        assert self.process is not None
        started_at = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        assert self.process.wait(40) == 0, self.told()
        return time.monotonic() - started_at

    def told(self) -> str:
        return self.output.read_text()
