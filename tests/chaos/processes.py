"""Processes that can be killed at any moment: forked from one that has everything loaded, so a start takes milliseconds."""

import contextlib
import faulthandler
import gc
import mmap
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from cts.kill_points import KillPoint
from cts.supervisor.child import die_with_parent

_ARM_BYTES = 64
# Marks a line of the journal as a finding.
UNEXPECTED = "UNEXPECTED"


class Journal:
    """What happened when, written by every process of a run; a line is one write, so none is ever torn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started_at = time.monotonic()

    def note(self, who: str, text: str) -> None:
        line = f"{time.monotonic() - self.started_at:8.3f}  {who:<9} {text}\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def text(self) -> str:
        return self.path.read_text() if self.path.exists() else ""


class Trap:
    """Shared with every process of a run: whoever passes the point for the n-th time is killed there."""

    def __init__(self, journal: Journal) -> None:
        self._memory = mmap.mmap(-1, _ARM_BYTES)
        self._journal = journal

    def arm(self, point: str, *, passes: int) -> None:
        self._write(f"{passes} {point}")

    def disarm(self) -> None:
        self._write("")

    def spring(self, who: str) -> Callable[[KillPoint], None]:
        def reached(point: KillPoint) -> None:
            passes, _, wanted = bytes(self._memory[:]).rstrip(b"\0").decode().partition(" ")
            if wanted != point:
                return
            if int(passes) > 1:
                self.arm(wanted, passes=int(passes) - 1)
                return
            self.disarm()
            self._journal.note(who, f"killed at {point}")
            os.kill(os.getpid(), signal.SIGKILL)

        return reached

    def _write(self, text: str) -> None:
        self._memory[:] = text.encode().ljust(_ARM_BYTES, b"\0")


class Busy:
    """How many wishes are being fulfilled, seen by every process of a run."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        self._lock = threading.Lock()

    def add(self, change: int) -> None:
        with self._lock:
            self._memory[:] = (self.count + change).to_bytes(8, "big")

    def forget(self) -> None:
        """Whoever was busy is dead."""
        self._memory[:] = bytes(8)

    @property
    def count(self) -> int:
        return int.from_bytes(self._memory[:], "big")


class Process:
    """A forked child that runs `main` and nothing else of its parent's."""

    def __init__(self, name: str, main: Callable[[], object], *, journal: Journal) -> None:
        self.name = name
        self.pid = 0
        self.code: int | None = None
        self.restart_at: float | None = None
        self._main = main
        self._journal = journal

    @property
    def is_running(self) -> bool:
        return self.pid != 0 and self.code is None

    def start(self) -> None:
        self.restart_at = self.code = None
        gc.freeze()
        self.pid = os.fork()
        if self.pid == 0:
            self._live()

    def _live(self) -> None:
        code = 1
        try:
            die_with_parent()
            for kind in (signal.SIGTERM, signal.SIGINT):
                signal.signal(kind, signal.SIG_DFL)
            faulthandler.register(signal.SIGUSR1)
            self._main()
            code = 0
        except BaseException:
            self._journal.note(self.name, traceback.format_exc())
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            os._exit(code)

    def reap(self) -> int | None:
        """How it ended, once it has; below zero is a signal."""
        if not self.is_running:
            return self.code
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def signal(self, kind: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, kind)

    def kill(self) -> None:
        if self.is_running:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -signal.SIGKILL

    def ended(self, *, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while self.reap() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
