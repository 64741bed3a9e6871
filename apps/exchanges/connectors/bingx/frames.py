"""How BingX's sockets talk: frames are gzip, one topic a subscription, so many a second and so many a socket."""

import threading
import time
import zlib
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from apps.exchanges.connectors.stream import FRAME_MAX, StreamBroken

TOPICS_MAX = 200
# Below the ten subscriptions a second the venue asks for.
PER_SECOND = 9
_GZIP = b"\x1f\x8b"


def unpacked(frame: str | bytes) -> str | bytes:
    """The text inside; a frame that isn't packed is that itself."""
    if isinstance(frame, str) or frame[:2] != _GZIP:
        return frame
    unpacking = zlib.decompressobj(wbits=31)
    try:
        text = unpacking.decompress(frame, FRAME_MAX)
    except zlib.error as error:
        raise StreamBroken(f"a frame can't be unpacked: {error}") from None
    if unpacking.unconsumed_tail:
        raise StreamBroken("a frame unpacks to more than it should")
    return text


def subscription(topic: str) -> str:
    return msgspec.json.encode({"id": topic, "reqType": "sub", "dataType": topic}).decode()


def pong(ping: dict[str, object]) -> str:
    """To a ping that is a message, as the spot market sends them."""
    return msgspec.json.encode({"pong": ping["ping"], "time": ping.get("time")}).decode()


class Pace:
    """Lets so many frames a second go; the others wait for the next frame received."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[str] = deque()
        self._gone: deque[float] = deque(maxlen=PER_SECOND)

    def restart(self) -> None:
        """Of a fresh socket nothing is waiting, and nothing has gone."""
        with self._lock:
            self._waiting.clear()
            self._gone.clear()

    def due(self, frames: Iterable[str] = ()) -> list[str]:
        with self._lock:
            self._waiting.extend(frames)
            now, due = time.monotonic(), []
            while self._waiting and (len(self._gone) < PER_SECOND or now - self._gone[0] >= 1.0):
                self._gone.append(now)
                due.append(self._waiting.popleft())
            return due


class Shelf:
    """Which symbols are on some socket already. Sockets take what they have room for."""

    def __init__(self, *, topics_each: int) -> None:
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._room = TOPICS_MAX // topics_each

    def take(self, symbols: Iterable[str], *, held: int) -> list[str]:
        with self._lock:
            fresh = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._taken]
            taken = fresh[: max(self._room - held, 0)]
            self._taken.update(taken)
            return taken

    def sockets_for(self, symbols: Sequence[str]) -> int:
        return max(1, -(-len(set(symbols)) // self._room))
