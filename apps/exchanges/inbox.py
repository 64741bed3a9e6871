"""What a run has to look at, filled by any thread, taken by one."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from cts.domain.types import Tick


@dataclass
class Batch:
    """What came in since the last look."""

    ticks: list[Tick] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)


class Inbox:
    """What a run has to look at. A slow run loses its oldest ticks, counted in `dropped`; events are never lost."""

    def __init__(self, *, max_ticks: int = 20_000) -> None:
        self.dropped = 0
        self._ticks: deque[Tick] = deque(maxlen=max_ticks)
        self._events: list[Any] = []
        self._is_woken = False
        self._changed = threading.Condition()

    def put_ticks(self, ticks: list[Tick]) -> None:
        with self._changed:
            room = (self._ticks.maxlen or 0) - len(self._ticks)
            self.dropped += max(0, len(ticks) - room)
            self._ticks.extend(ticks)
            self._changed.notify_all()

    def put(self, event: Any) -> None:
        self.put_all([event])

    def put_all(self, events: list[Any]) -> None:
        with self._changed:
            self._events.extend(events)
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def consume_wake(self) -> bool:
        with self._changed:
            was, self._is_woken = self._is_woken, False
        return was

    def take(self, *, timeout_s: float) -> Batch:
        """Everything there is, as soon as there is anything; empty after `timeout_s` or when woken."""
        with self._changed:
            self._changed.wait_for(lambda: self._ticks or self._events or self._is_woken, timeout_s)
            batch = Batch(list(self._ticks), self._events)
            self._ticks.clear()
            self._events = []
        return batch
