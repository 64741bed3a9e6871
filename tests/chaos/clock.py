"""The wall clock of our machine, as it may be set forth or back: for all processes of a run at the same moment."""

import mmap
import signal
import struct
from datetime import timedelta

import time_machine

_MILLISECONDS = struct.Struct("q")


class WallClock:
    """Shared by the processes of a run. The clock nobody sets, `time.monotonic`, goes on as it does; so does the venue's."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _MILLISECONDS.size)
        self._travel: time_machine.travel | None = None

    @property
    def offset_ms(self) -> int:
        return int(_MILLISECONDS.unpack(self._memory[:])[0])

    def step(self, by_s: float) -> None:
        """Whoever is alive takes it over at SIGUSR2, whoever starts later from its beginning."""
        self._memory[:] = _MILLISECONDS.pack(self.offset_ms + int(by_s * 1000))

    def live_by(self) -> None:
        """In a process of the run: show what the clock shows, now and after every step."""
        signal.signal(signal.SIGUSR2, lambda *_: self._show())
        self._show()

    def _show(self) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = None
        if self.offset_ms:
            self._travel = time_machine.travel(timedelta(milliseconds=self.offset_ms), tick=True)
            self._travel.start()
