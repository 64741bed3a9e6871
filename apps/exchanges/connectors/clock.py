"""The venue's clock, as an offset from our monotonic one: steps of the machine's clock don't reach signatures."""

import threading
import time
from collections import deque
from collections.abc import Callable

SAMPLES = 6
RESYNC_S = 300.0


class VenueClock:
    """Shared by all connectors of one address. Reads are lock-free."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._offset_s = 0.0
        self._synced_at: float | None = None

    @property
    def is_synced(self) -> bool:
        return self._synced_at is not None

    @property
    def is_stale(self) -> bool:
        return self._synced_at is None or self._monotonic() - self._synced_at > RESYNC_S

    @property
    def skew_s(self) -> float | None:
        """How far this machine's wall clock runs ahead of the venue's; None before the first sample."""
        if not self.is_synced:
            return None
        return self._wall() - (self._monotonic() + self._offset_s)

    def now_ms(self) -> int:
        return int((self._monotonic() + self._offset_s) * 1000)

    def moment(self) -> float:
        """For `note`: when something was asked."""
        return self._monotonic()

    def note(self, server_ms: int, *, asked_at: float) -> None:
        """What a reply just told of the venue's time. For venues that put it into each, so that nobody need ask."""
        answered_at = self._monotonic()
        with self._lock:
            self._take(server_ms / 1000, asked_at, answered_at)

    def sync(self, server_time_ms: Callable[[], int], *, is_forced: bool = False, times: int = 2) -> None:
        """Take samples. Forced (a skew was refused): the old ones are worthless, only the new count."""
        with self._lock:
            if not is_forced and not self.is_stale:
                return
            if is_forced:
                self._samples.clear()
            # Twice as a rule: the first may have had to open a socket, which makes its way there longer than its way back.
            for _ in range(times):
                started = self._monotonic()
                server_s = server_time_ms() / 1000
                self._take(server_s, started, self._monotonic())

    def _take(self, server_s: float, asked_at: float, answered_at: float) -> None:
        self._samples.append((answered_at - asked_at, server_s - (asked_at + answered_at) / 2))
        # The quickest round trip has the least room for error.
        self._offset_s = min(self._samples)[1]
        self._synced_at = answered_at
