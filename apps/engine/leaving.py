"""Closing positions: each exit asks the venue and takes its time, so they have a thread of their own."""

import threading
from collections.abc import Callable
from typing import Any

from apps.engine.exits import Exit
from apps.engine.side import SideThread


class Leaving(SideThread):
    """One exit after another, each position at most once at a time."""

    def __init__(
        self, name: str, *, close: Callable[[Exit], None], is_held: Callable[[], bool], on_news: Callable[[], None]
    ) -> None:
        super().__init__(name, is_held=is_held, on_news=on_news)
        self._close = close
        self._lock = threading.Lock()
        self._waiting: set[int] = set()

    def put(self, exits: list[Exit]) -> None:
        with self._lock:
            fresh = [each for each in exits if each.position.pk not in self._waiting]
            self._waiting |= {each.position.pk for each in fresh}
        if fresh:
            self._inbox.put_all(fresh)

    def take_in(self, item: Any) -> None:
        try:
            self._close(item)
        finally:
            with self._lock:
                self._waiting.discard(item.position.pk)
