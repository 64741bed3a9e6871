"""How long ago something was, where a step of the machine's clock must not decide what becomes of an order.

The wall clock is asked once, when this process first sees the moment; from then on the clock counts that no one sets.
Where the wall clock has just been moved, its first word is not taken either: the age begins at nothing.
"""

import threading
import time
from collections.abc import Callable, Hashable
from datetime import datetime

from django.utils import timezone

# The two clocks drift apart by microseconds; a correction in small steps stays below this.
STEP_S = 0.5
# Longer than any age is waited for.
STEP_REMEMBERED_S = 300.0
FORGET_S = 3600.0


class Ages:
    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._lock = threading.Lock()
        # By what is asked for: the moment it stands for, and when that was by the clock no one sets.
        self._began: dict[Hashable, tuple[datetime, float]] = {}
        self._offset_s = self._now_offset_s()
        self._stepped_at: float | None = None

    def age_s(self, key: Hashable, moment: datetime) -> float:
        """Seconds since `moment`, which `key` names; another moment under the same key begins anew."""
        with self._lock:
            now = self._monotonic()
            is_sure = self._is_sure(now)
            known = self._began.get(key)
            if known is None or known[0] != moment:
                age_s = max(0.0, (self._wall() - moment).total_seconds()) if is_sure else 0.0
                self._began[key] = known = (moment, now - age_s)
                self._forget(now)
            return now - known[1]

    def _is_sure(self, now: float) -> bool:
        offset_s = self._now_offset_s()
        if abs(offset_s - self._offset_s) > STEP_S:
            self._stepped_at = now
        self._offset_s = offset_s
        return self._stepped_at is None or now - self._stepped_at > STEP_REMEMBERED_S

    def _now_offset_s(self) -> float:
        return self._wall().timestamp() - self._monotonic()

    def _forget(self, now: float) -> None:
        if len(self._began) > 1000:
            self._began = {key: known for key, known in self._began.items() if now - known[1] < FORGET_S}


ages = Ages()
