"""Keeps children alive until told to stop, then drains them in order. One thread, one loop, no events lost in between."""

import signal
import time
from collections.abc import Callable
from types import FrameType

from cts.supervisor.child import Child

POLL_S = 0.1
DRAIN_S = 20.0
# Who goes first, and how long that group may take. Engines need the venue, Redis and the database while they drain.
_ENGINES_S, _REST_S, _SERVERS_S = 12.0, 6.0, 2.0


def _stop_rank(name: str) -> int:
    if name.startswith(("engine", "beat")):
        return 0  # beat too: it would enqueue anew the runs that engines are leaving
    return 2 if name in ("paper", "redis") else 1


class Supervisor:
    def __init__(self, *, say: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self.is_stopping = False
        self.is_hurried = False
        self._say = say
        self._asked_at = 0.0

    def listen(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal ask for an orderly stop; asking again after two seconds hurries it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN or number is not signal.SIGHUP:  # nohup stays nohup
                signal.signal(number, self._asked)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        # One Ctrl-C may arrive twice: from the terminal and from whoever passes it on.
        if self.is_stopping and time.monotonic() - self._asked_at > 2:
            self.is_hurried = True
        if not self.is_stopping:
            self._asked_at = time.monotonic()
        self.is_stopping = True

    def add(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def tick(self) -> None:
        """Start again what has died, each after its own wait."""
        now = time.monotonic()
        for child in self.children:
            if child.is_running:
                continue
            if child.restart_at is None:
                ending = child.last_line()
                child.kill()
                wait_s = child.backoff.wait_s(lived_s=child.lived_s)
                child.restart_at = now + wait_s
                self._say(f"{child.name} ended ({ending}); starting it again in {wait_s:.0f} s")
            elif now >= child.restart_at:
                child.start()

    def until(self, condition: Callable[[], bool], *, timeout_s: float) -> bool:
        """Keep everyone alive until `condition` holds; False when time is up or a stop was asked for."""
        deadline = time.monotonic() + timeout_s
        while not self.is_stopping and time.monotonic() < deadline:
            self.tick()
            if condition():
                return True
            time.sleep(POLL_S)
        return False

    def step(self, child: Child, *, timeout_s: float) -> bool:
        """Run a command that ends by itself; True when it ended well."""
        child.start()
        self.until(lambda: not child.is_running, timeout_s=timeout_s)
        is_ok = child.exit_code == 0
        child.kill()
        return is_ok

    def run(self) -> None:
        while not self.is_stopping:
            self.tick()
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Orderly by rank within the time each rank has, then by force; nothing is left running."""
        deadline = time.monotonic() + DRAIN_S
        for rank, seconds in ((0, _ENGINES_S), (1, _REST_S), (2, _SERVERS_S)):
            group = [child for child in self.children if _stop_rank(child.name) == rank]
            self._drain(group, deadline=min(deadline, time.monotonic() + seconds))
        self.children.clear()

    def _drain(self, group: list[Child], *, deadline: float) -> None:
        for child in group:
            child.terminate()
        while any(child.is_running for child in group) and time.monotonic() < deadline and not self.is_hurried:
            time.sleep(POLL_S / 2)
        for child in group:
            if child.is_running:
                self._say(f"{child.name} did not stop in time; it was killed")
            child.kill()
