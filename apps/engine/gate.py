"""The gate before new entries: open only while our ledger is known to be in step with the venue. No I/O."""

import threading


class Gate:
    """Moved by the stream's threads and by the one that syncs, read by the one that trades.

    A sync asks `begin` for a pass, and its pass opens the gate only where the stream was up then and has not been lost
    since: neither a loss in the middle of a sync nor one that is over already can be slept through.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._losses = 0
        self._is_up = self._is_open = self._is_shut = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def is_up(self) -> bool:
        return self._is_up

    def up(self) -> None:
        with self._lock:
            self._is_up = True

    def down(self) -> None:
        """The stream is lost: closed at once, whatever is being done."""
        with self._lock:
            self._losses += 1
            self._is_up = self._is_open = False

    def begin(self) -> int | None:
        """The pass of a sync that begins now; None while the stream is down."""
        with self._lock:
            return self._losses if self._is_up else None

    def open(self, begun: int | None) -> None:
        """A sync went through; without a valid pass the gate is closed by it."""
        with self._lock:
            self._is_open = not self._is_shut and self._is_up and begun == self._losses

    def close(self) -> None:
        """Until the next sync that goes through."""
        with self._lock:
            self._is_open = False

    def shut(self) -> None:
        """For good: the run that this gate belongs to is over."""
        with self._lock:
            self._is_shut, self._is_open = True, False
