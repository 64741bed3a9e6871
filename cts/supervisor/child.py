"""One supervised process: its start, its signals, what it said last."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

PRIVATE_UMASK = 0o077
"""Databases, recordings and logs are the business of nobody else on this machine."""
_PR_SET_PDEATHSIG = 1
_OUTPUT_MAX_BYTES = 2_000_000
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Runs in the child before its program: the kernel kills it when the supervisor is gone, even by `kill -9`."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Backoff:
    """Seconds to wait before a restart: 1, 2, 4 ... 30, and from 1 again after a minute of life."""

    def __init__(self) -> None:
        self._next_s = 1.0

    def wait_s(self, *, lived_s: float) -> float:
        wait_s = 1.0 if lived_s >= 60 else self._next_s
        self._next_s = min(30.0, wait_s * 2)
        return wait_s


class Child:
    """A process in a session of its own, so that a Ctrl-C at the terminal reaches only the supervisor."""

    def __init__(
        self, name: str, argv: list[str], *, env: Mapping[str, str], output: Path, stdin_text: str = ""
    ) -> None:
        self.name = name
        self.backoff = Backoff()
        self.restart_at: float | None = None
        self._argv = argv
        self._env = dict(env)
        self._output = output
        self._stdin_text = stdin_text
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    def start(self) -> None:
        self.restart_at = None
        self._started_at = time.monotonic()
        self._output.parent.mkdir(parents=True, exist_ok=True)
        if self._output.exists() and self._output.stat().st_size > _OUTPUT_MAX_BYTES:
            self._output.replace(self._output.with_suffix(".out.1"))
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the Procfile and our own commands
                self._argv,
                env=self._env,
                stdin=subprocess.PIPE if self._stdin_text else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
                umask=PRIVATE_UMASK,
            )
        if self._process.stdin is not None:
            self._process.stdin.write(self._stdin_text.encode())
            self._process.stdin.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before its first start."""
        return self._process.poll() if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def lived_s(self) -> float:
        return time.monotonic() - self._started_at

    def terminate(self) -> None:
        if self._process is not None and self.is_running:
            self._process.terminate()

    def kill(self) -> None:
        """The whole session, and so whatever the process left behind in it."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # nobody is left in it
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_line(self) -> str:
        """What it printed last; how it ended when it printed nothing."""
        code = self.exit_code
        ending = "" if code is None else f"signal {-code}" if code < 0 else f"exit {code}"
        try:
            lines = self._output.read_bytes()[-4000:].decode(errors="replace").strip().splitlines()
        except FileNotFoundError:
            lines = []
        return f"{ending}: {lines[-1][:300]}" if lines and code is not None and code > 0 else ending
