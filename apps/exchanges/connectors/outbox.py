"""Frames on their way out of a socket, as far apart as its venue wants them."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable


class Outbox:
    """Without an interval all leave at once. Filled by any thread; emptied by one at a time."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self._lock = threading.Lock()
        self._waiting: deque[str] = deque()
        self._next_at = -math.inf

    def restart(self, frames: Iterable[str]) -> None:
        """A fresh socket: what waited for the former one is part of its opening."""
        with self._lock:
            self._waiting = deque(frames)
            self._next_at = -math.inf

    def put(self, frames: Iterable[str]) -> None:
        with self._lock:
            self._waiting.extend(frames)

    def answer(self, frames: Iterable[str]) -> None:
        """Ahead of all that waits: a heartbeat can't stand in line behind a hundred subscriptions."""
        with self._lock:
            self._waiting.extendleft(reversed(list(frames)))

    def flush(self, send: Callable[[str], None]) -> float:
        """Send what is due; the seconds until more is."""
        with self._lock:
            while self._waiting:
                wait_s = self._next_at - time.monotonic()
                if wait_s > 0:
                    return wait_s
                send(self._waiting.popleft())
                self._next_at = time.monotonic() + self.interval_s
        return math.inf
