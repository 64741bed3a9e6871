"""A thread beside the one that trades: work that asks a venue or writes much, for which no signal shall wait."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from apps.exchanges.inbox import Inbox
from apps.exchanges.keeper import connections_close, connections_rest


class SideThread(ABC):
    """It lives from `start` to `stop`, acts only while the run's lease is held, and leaves its failures to `check`."""

    step_s = 0.25

    def __init__(self, name: str, *, is_held: Callable[[], bool], on_news: Callable[[], None]) -> None:
        self._is_held = is_held
        self._on_news = on_news
        self._inbox = Inbox()
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._progress_at = 0.0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @abstractmethod
    def take_in(self, item: Any) -> None:
        """One thing that was put into the inbox."""

    def keep(self) -> None:  # noqa: B027 - not everybody has something to do without being asked
        """Called after each look at the inbox."""

    def ended(self) -> None:  # noqa: B027
        """Called last, on the thread, however it ends."""

    def wait_s(self) -> float:
        return self.step_s

    def start(self) -> None:
        self._progress_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Returns when nothing is done any more: what a venue is being asked is waited for, as long as it may take."""
        self._stopping.set()
        self._inbox.wake()
        if self._thread.ident is not None:
            self._thread.join()

    def check(self, *, stall_s: float) -> None:
        """For the run: raises what has ended the thread, or that it does not come on."""
        if self._failure is not None:
            raise self._failure
        if time.monotonic() - self._progress_at > stall_s:
            raise TimeoutError(f"{self._thread.name} has not come on for {stall_s:.0f} s")

    @property
    def _may_act(self) -> bool:
        return not self._stopping.is_set() and self._is_held()

    def _work(self) -> None:
        try:
            while self._may_act:
                self._step()
                connections_rest()
        except Exception as error:  # the top of the thread: the run raises it as its own
            self._failure = error
        finally:
            self.ended()
            connections_close()
            self._on_news()

    def _step(self) -> None:
        batch = self._inbox.take(timeout_s=self.wait_s())
        self._inbox.consume_wake()
        for item in batch.events:
            if not self._may_act:
                return
            self.take_in(item)
            self._progress_at = time.monotonic()
        self.keep()
        self._progress_at = time.monotonic()
