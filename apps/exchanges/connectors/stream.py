"""Websockets that stay up: heartbeats, silence noticed, reconnects with jitter, subscriptions kept, callbacks isolated."""

import logging
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.outbox import Outbox
from apps.exchanges.connectors.reach import reachable_check
from cts.domain.errors import AuthFailed, ExchangeError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

log = logging.getLogger("cts.exchanges.stream")
# The library logs whole request lines at DEBUG, and some venues put a session key into them.
_wire_log = logging.getLogger("cts.exchanges.wire")
_wire_log.setLevel(logging.WARNING)

BACK_OFF_BASE_S = 0.5
BACK_OFF_MAX_S = 30.0
READY_S = 10.0
STABLE_S = 30.0
FRAME_MAX = 16 * 1024 * 1024


class StreamBroken(Exception):
    """This socket is of no use any more; the reason is for people."""


class Dialect(ABC):
    """How one socket of a venue talks. Called by the socket's thread only, except `subscribe`."""

    # Whether a quiet socket must be a broken one, even if it answers pings.
    is_never_quiet: bool = False
    # Whether the venue counts new sockets, and `permit` says when there may be another.
    is_counted: bool = False
    # How far apart our frames must leave, where the venue counts them.
    send_interval_s: float = 0.0

    def __init__(self, *, urls: Sequence[str], events: StreamEvents, heartbeat_s: float) -> None:
        self.events = events
        self.heartbeat_s = heartbeat_s
        self.symbols: set[str] = set()
        self.is_ready = False
        # When the newest frame with content came, on the monotonic clock.
        self.data_at = 0.0
        self._urls = urls

    def url(self, misses: int) -> str:
        """Another one after each that led nowhere. May call the venue for a session key."""
        return self._urls[misses % len(self._urls)]

    def permit(self) -> None:  # noqa: B027 - most venues don't count them
        """Wait until one more socket may be opened; `RateLimited` where that takes too long."""

    @abstractmethod
    def opening(self) -> list[str]:
        """Frames to send on a fresh socket: login or subscriptions. State of the former socket is forgotten here."""

    @abstractmethod
    def receive(self, frame: str | bytes) -> list[str]:
        """Read one frame, tell the events, return frames to send."""

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        """Remember the symbols; frames that add them to a running socket."""
        return []

    def ping(self) -> str | None:
        """The venue's own ping frame; None for the protocol's."""
        return None

    def tend(self) -> None:  # noqa: B027 - most venues have nothing to tend
        """Called about every heartbeat, for session keys that need renewal."""


class Stream:
    """One or more sockets that are one source to the listener: connected when all are."""

    def __init__(
        self,
        dialects: Sequence[Dialect],
        *,
        events: StreamEvents,
        name: str,
        another: Callable[[], Dialect] | None = None,
    ) -> None:
        """`another` makes one more socket where a venue limits what one may carry: each takes what it has room for."""
        self.name = name
        self._events = events
        self._another = another
        self._is_started = False
        self._lock = threading.Lock()
        self._was_connected = False
        self.dialects = tuple(dialects)
        self._lines = [_Line(dialect, stream=self, name=f"{name}-{i}") for i, dialect in enumerate(dialects)]

    @property
    def is_connected(self) -> bool:
        return all(line.is_ready for line in self._lines)

    @property
    def failure(self) -> ExchangeError | None:
        """Why this stream gave up for good: only a refused key does that."""
        return next((line.failure for line in self._lines if line.failure), None)

    def last_message_age_s(self) -> float | None:
        """Seconds since the quietest socket said anything; None before its first word."""
        heard = [line.heard_at for line in self._lines]
        return None if None in heard else time.monotonic() - min(at for at in heard if at is not None)

    def start(self) -> None:
        self._is_started = True
        for line in self._lines:
            line.start()

    def stop(self) -> None:
        self._is_started = False
        for line in self._lines:
            line.stop()
        for line in self._lines:
            line.join()

    def add(self, symbols: Iterable[str]) -> None:
        wanted = list(symbols)
        for line in self._lines:
            line.add(wanted)
        while self._another and (left := [s for s in wanted if not any(s in d.symbols for d in self.dialects)]):
            self._extend(self._another(), left)

    def _extend(self, dialect: Dialect, symbols: list[str]) -> None:
        dialect.subscribe(symbols)
        line = _Line(dialect, stream=self, name=f"{self.name}-{len(self._lines)}")
        self.dialects += (dialect,)
        self._lines.append(line)
        if self._is_started:
            line.start()

    def line_changed(self, reason: str, *, is_failure: bool = False) -> None:
        with self._lock:
            is_connected = self.is_connected and not is_failure
            if is_connected == self._was_connected and not is_failure:
                return
            self._was_connected = is_connected
        if is_connected:
            tell(self._events.on_connected)
        else:
            tell(self._events.on_disconnected, reason)


def tell(callback: Callable[..., None] | None, *args: Any) -> None:
    """A listener's mistake is logged and is its own: the stream goes on."""
    if callback is None:
        return
    try:
        callback(*args)
    except Exception:
        log.exception("A stream's listener failed", extra={"listener": getattr(callback, "__qualname__", "")})


class _Line:
    """One socket and its thread."""

    def __init__(self, dialect: Dialect, *, stream: Stream, name: str) -> None:
        self.dialect = dialect
        self.is_ready = False
        self.heard_at: float | None = None
        self.failure: ExchangeError | None = None
        self._stream = stream
        self._name = name
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._socket: ClientConnection | None = None
        self._outbox = Outbox(dialect.send_interval_s)

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            socket = self._socket
        if socket is not None:
            socket.close_socket()

    def join(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def add(self, symbols: Iterable[str]) -> None:
        with self._lock:
            frames = self.dialect.subscribe(symbols)
            if self._socket is None:
                return  # the opening of the next socket has them
            self._outbox.put(frames)
            try:  # what isn't due yet, the socket's thread sends by and by
                self._outbox.flush(self._socket.send)
            except Exception:  # the socket is gone; its thread notices and resubscribes all
                log.debug("%s: subscribing on a dying socket", self._name)

    def _run(self) -> None:
        attempt = misses = 0
        while not self._stopping.is_set():
            reason = "stopped"
            started = time.monotonic()
            try:
                self._session(misses)
            except AuthFailed as error:
                self.failure, reason = error, f"refused: {error.message}"
                self._stopping.set()
                log.error("%s: %s", self._name, reason)
                self._stream.line_changed(reason, is_failure=True)
            except Exception as error:  # the top of a socket: whatever broke it, it is opened again
                reason = _why(error)
            misses += not self.is_ready
            # Venues count connections: one that keeps breaking right away is left alone for longer and longer.
            attempt = 0 if self.is_ready and time.monotonic() - started > STABLE_S else attempt + 1
            self._lost(reason)
            ceiling = min(BACK_OFF_MAX_S, BACK_OFF_BASE_S * 2 ** min(attempt, 10))
            self._stopping.wait(random.uniform(0, ceiling))  # noqa: S311

    def _session(self, misses: int) -> None:
        from websockets.sync.client import connect  # not needed, and not paid for, without a stream

        url = self.dialect.url(misses)
        if self.dialect.is_counted:
            # A venue that is away counts no sockets: none of the few it allows is spent on it.
            reachable_check(url)
            self.dialect.permit()
        socket = connect(
            url, open_timeout=READY_S, close_timeout=1, ping_interval=None, max_size=FRAME_MAX, logger=_wire_log
        )
        try:
            self.dialect.is_ready = False
            with self._lock:
                if self._stopping.is_set():
                    return
                self._outbox.restart(self.dialect.opening())
                self._socket = socket
            self._listen(socket)
        finally:
            # No closing handshake: a venue that fell silent wouldn't answer it, and we want the next socket now.
            socket.close_socket()

    def _listen(self, socket: "ClientConnection") -> None:
        beat_s = self.dialect.heartbeat_s
        opened = heard = time.monotonic()
        next_beat = opened + beat_s
        pong: threading.Event | None = None
        while not self._stopping.is_set():
            self._check(opened=opened, heard=heard, now=time.monotonic())
            due_s = self._outbox.flush(socket.send)
            try:
                # A pong wakes nobody, and neither does a frame put in a paced outbox: look often enough for both.
                frame = socket.recv(timeout=min(beat_s / 8, self._outbox.interval_s or beat_s, due_s))
            except TimeoutError:
                frame = None
            now = time.monotonic()
            if frame is not None or (pong is not None and pong.is_set()):
                heard = self.heard_at = now
                pong = None
            if frame is not None:
                self._outbox.answer(self.dialect.receive(frame))
            if now >= next_beat:
                next_beat = now + beat_s
                pong = self._beat(socket)

    def _check(self, *, opened: float, heard: float, now: float) -> None:
        beat_s = self.dialect.heartbeat_s
        if self.dialect.is_ready and not self.is_ready:
            self.is_ready = True
            self.dialect.data_at = now
            self._stream.line_changed("")
        if not self.is_ready and now - opened > READY_S:
            raise StreamBroken("the venue didn't confirm the subscription")
        if now - heard >= 1.8 * beat_s:
            raise StreamBroken(f"nothing received for {now - heard:.1f} s")
        quiet_s = now - self.dialect.data_at
        if self.is_ready and self.dialect.is_never_quiet and self.dialect.symbols and quiet_s >= 1.8 * beat_s:
            raise StreamBroken(f"no market data for {quiet_s:.1f} s")

    def _beat(self, socket: "ClientConnection") -> "threading.Event | None":
        self.dialect.tend()
        frame = self.dialect.ping()
        if frame is None:
            return socket.ping()
        socket.send(frame)
        return None

    def _lost(self, reason: str) -> None:
        with self._lock:
            self._socket = None
        was_ready, self.is_ready = self.is_ready, False
        if was_ready and not self._stopping.is_set():
            log.warning("%s: disconnected: %s", self._name, reason)
        self._stream.line_changed(reason)


def _why(error: Exception) -> str:
    """For people, without the address, which may carry a session key."""
    if isinstance(error, StreamBroken | ExchangeError):
        return str(error)
    if type(error).__module__.startswith("websockets") or isinstance(error, OSError):
        response = getattr(error, "response", None)
        detail = (
            getattr(error, "rcvd", None) or getattr(error, "strerror", None) or getattr(response, "status_code", "")
        )
        return f"{type(error).__name__} {detail}".strip()
    log.error("A stream's socket failed", exc_info=error)
    return type(error).__name__
