"""Whose turn it is at a client that serves one thread at a time: orders and cancels first, then in order of arrival."""

from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from threading import Condition


class Turns:
    """A plain lock goes mostly to whoever held it last: a poll of many questions would keep an exit order waiting."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._numbers = count()
        self._waiting: list[tuple[bool, int]] = []
        self._is_taken = False

    @contextmanager
    def turn(self, *, is_urgent: bool) -> Iterator[None]:
        with self._changed:
            mine = (not is_urgent, next(self._numbers))
            heappush(self._waiting, mine)
            while self._is_taken or self._waiting[0] != mine:
                self._changed.wait()
            heappop(self._waiting)
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()
