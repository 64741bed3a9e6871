"""Streams of venues we only ask: the same questions again and again, and what changed told. As fresh as the last answer."""

import random
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import BACK_OFF_BASE_S, BACK_OFF_MAX_S, Stream, log, tell
from cts.domain.errors import AuthFailed, ExchangeError, Unavailable
from cts.domain.types import Tick, Ticker

if TYPE_CHECKING:
    from apps.exchanges.connectors.ccxt_adapter.connector import CcxtConnector


class Poll(Protocol):
    def round(self) -> None:
        """Ask everything once and tell what is new. Raises what the venue's refusal raises."""
        ...

    def add(self, symbols: Iterable[str]) -> None: ...


class PollingStream(Stream):
    """Connected while answers come; the age is that of the last round whose every question was answered."""

    def __init__(self, poll: Poll, *, events: StreamEvents, name: str, interval_s: float) -> None:
        super().__init__((), events=events, name=name)
        self._poll = poll
        self._interval_s = interval_s
        self._is_up = False
        self._failure: ExchangeError | None = None
        self._heard_at: float | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_connected(self) -> bool:
        return self._is_up

    @property
    def failure(self) -> ExchangeError | None:
        return self._failure

    def last_message_age_s(self) -> float | None:
        return None if self._heard_at is None else time.monotonic() - self._heard_at

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def add(self, symbols: Iterable[str]) -> None:
        self._poll.add(symbols)

    def _run(self) -> None:
        misses = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            misses = 0 if self._round() else misses + 1
            pause = max(self._interval_s - (time.monotonic() - started), 0.0)
            if misses:
                pause = random.uniform(0, min(BACK_OFF_MAX_S, BACK_OFF_BASE_S * 2 ** min(misses, 10)))  # noqa: S311
            self._stopping.wait(pause)
        self._down("stopped")

    def _round(self) -> bool:
        try:
            self._poll.round()
        except AuthFailed as error:
            self._failure = error
            self._stopping.set()
            log.error("%s: refused: %s", self.name, error.message)
            self._is_up = False
            self.line_changed(f"refused: {error.message}", is_failure=True)
            return False
        except ExchangeError as error:
            self._down(error.message)
            return False
        except Exception as error:  # the top of a thread: whatever broke this round, there will be another
            log.exception("A poll failed", extra={"stream": self.name})
            self._down(type(error).__name__)
            return False
        self._heard_at, self._is_up = time.monotonic(), True
        self.line_changed("")
        return True

    def _down(self, reason: str) -> None:
        if self._is_up and not self._stopping.is_set():
            log.warning("%s: disconnected: %s", self.name, reason)
        self._is_up = False
        self.line_changed(reason)


class TickerPoll:
    def __init__(self, connector: "CcxtConnector", events: StreamEvents) -> None:
        self._connector, self._events = connector, events
        self._lock = threading.Lock()
        self._symbols: set[str] = set()
        self._last: dict[str, Ticker] = {}

    def add(self, symbols: Iterable[str]) -> None:
        with self._lock:
            self._symbols |= set(symbols)

    def round(self) -> None:
        listed = self._connector.load()
        with self._lock:
            wanted = [symbol for symbol in sorted(self._symbols) if symbol in listed]
        asked_ms = self._connector.now_ms()
        tickers = self._connector.tickers(wanted) if wanted else []
        if wanted and not tickers:
            raise Unavailable("no price was told", exchange=self._connector.spec.name)
        fresh = [ticker for ticker in tickers if self._is_new(ticker)]
        received_ns = time.monotonic_ns()
        if fresh:
            tell(self._events.on_ticks, [_tick(ticker, asked_ms, received_ns) for ticker in fresh])
            tell(self._events.on_tickers, fresh)

    def _is_new(self, ticker: Ticker) -> bool:
        """The same price again is news only from a venue that doesn't date it: it is still the price."""
        is_same = bool(ticker.at_ms) and self._last.get(ticker.symbol) == ticker
        self._last[ticker.symbol] = ticker
        return not is_same


def _tick(ticker: Ticker, asked_ms: int, received_ns: int) -> Tick:
    last = float(ticker.last)
    bid = last if ticker.bid is None else float(ticker.bid)
    ask = last if ticker.ask is None else float(ticker.ask)
    return Tick(ticker.symbol, last, bid, ask, ticker.at_ms or asked_ms, received_ns)
