"""The public stream of a venue, one however many listen: ticks to the bus, tickers to pages, bars to files."""

import logging
import threading
import time
from datetime import UTC, datetime
from typing import ClassVar

import msgspec
import redis
from django.db import transaction

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.factory import public_connector
from apps.exchanges.hub import hub
from apps.exchanges.models import Feed
from apps.exchanges.recording import BarRecorder
from apps.exchanges.rows import ticker_row
from apps.exchanges.runs import LeasedRun, run_wake
from cts import bus
from cts.domain.errors import ExchangeError
from cts.domain.types import Tick, Ticker
from cts.realtime import push

log = logging.getLogger(__name__)

# What is read off an answer may be wrong by half the time it took.
CLOCK_DOUBT_S = 0.25


def feed_lease(exchange: str, environment: str, market: str) -> str:
    return Feed(exchange=exchange, environment=environment, market=market).lease_name


@transaction.atomic
def feed_want(exchange: str, environment: str, market: str, *, symbols: list[str]) -> Feed:
    """Say which symbols somebody needs of the venue; none ends the feed."""
    feed, _ = Feed.objects.select_for_update().get_or_create(exchange=exchange, environment=environment, market=market)
    if feed.symbols != symbols:
        feed.symbols = symbols
        feed.save_next("symbols")
        transaction.on_commit(lambda: run_wake(feed.lease_name))
    return feed


class FeedRun(LeasedRun):
    """Callbacks come on the stream's threads and only publish and note; rows, files and pages are the step's work."""

    tickers_s: ClassVar[float] = 0.25
    # Another process that begins to listen hears its first prices this much later; one that listens, every one.
    rest_s: ClassVar[float] = 0.25
    symbols_s: ClassVar[float] = 3.0
    state_s: ClassVar[float] = 5.0
    flush_s: ClassVar[float] = 60.0
    clock_s: ClassVar[float] = 60.0
    clock_retry_s: ClassVar[float] = 2.0

    def __init__(self, exchange: str, environment: str, market: str, **options: float) -> None:
        super().__init__(feed_lease(exchange, environment, market), **options)
        self.venue = (exchange, environment, market)
        self._tickers: dict[str, Ticker] = {}
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._connects = 0
        self._reason = ""
        self._last_tick_at = 0.0
        self._is_bus_down = False
        self._clock_offset_ms: int | None = None

    def _feed(self) -> Feed | None:
        exchange, environment, market = self.venue
        return Feed.objects.filter(exchange=exchange, environment=environment, market=market).first()

    def is_wanted(self) -> bool:
        feed = self._feed()
        if feed is None or not feed.symbols:
            return False
        self._wanted = set(feed.symbols)
        return True

    def load(self) -> None:
        self._recorder = BarRecorder(self.venue)
        self._subscribed = set(self._wanted)
        self._next = dict.fromkeys(("tickers", "symbols", "state", "flush", "clock"), 0.0)
        self._due("flush", self.flush_s)
        events = StreamEvents(
            on_ticks=self._on_ticks,
            on_tickers=self._on_tickers,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
        )
        self._stream = public_connector(*self.venue).public_stream(sorted(self._subscribed), events)
        self._source = hub().source(bus.ticks_topic(*self.venue), rest_s=self.rest_s)
        self._stream.start()

    def step(self) -> None:
        self.inbox.take(timeout_s=self.tickers_s)
        if self._due("tickers", self.tickers_s):
            self._tickers_send()
        if self._due("symbols", self.symbols_s):
            self._symbols_add()
        if self._due("state", self.state_s):
            self._state_write()
        if self._due("flush", self.flush_s):
            self._recorder.flush()
        if self._due("clock", self.clock_s):
            threading.Thread(target=self._clock_sample, name="clock", daemon=True).start()

    def unload(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is None:
            return
        del self._stream
        stream.stop()
        self._source.close()
        self._reason = ""  # that the stream we have just ended is gone is no error
        self._recorder.flush(is_last=True)
        self._state_write(is_connected=False)

    def _due(self, name: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._next[name]:
            return False
        self._next[name] = now + every_s
        return True

    # --- on the stream's threads ------------------------------------------------------------------------------------
    def _on_ticks(self, ticks: list[Tick]) -> None:
        try:
            if self._source.send(ticks):
                self._is_bus_down = False
        except redis.RedisError as error:
            if not self._is_bus_down:
                log.warning("ticks_unpublished", extra={"lease": self.lease_name, "reason": str(error)})
            self._is_bus_down = True
        self._last_tick_at = time.time()
        self._recorder.add(ticks)

    def _on_tickers(self, tickers: list[Ticker]) -> None:
        with self._lock:
            for ticker in tickers:
                known = self._tickers.get(ticker.symbol)
                self._tickers[ticker.symbol] = ticker if known is None else _merged(known, ticker)
                self._changed.add(ticker.symbol)

    def _on_connected(self) -> None:
        self._connects += 1
        self._reason = ""
        self._next["state"] = 0.0

    def _on_disconnected(self, reason: str) -> None:
        self._reason = reason[:500]
        self._next["state"] = 0.0

    # --- on our own ---------------------------------------------------------------------------------------------------
    def _tickers_send(self) -> None:
        with self._lock:
            fresh = [self._tickers[symbol] for symbol in sorted(self._changed)]
            self._changed.clear()
        if not fresh:
            return
        exchange, environment, market = self.venue
        try:
            stored = {ticker.symbol: msgspec.json.encode(ticker) for ticker in fresh}
            bus.client().hset(bus.tickers_key(*self.venue), mapping=stored)  # type: ignore[arg-type]
        except redis.RedisError as error:
            log.debug("tickers_unstored", extra={"reason": str(error)})
            return
        frame = {"type": "tickers", "exchange": exchange, "environment": environment, "market": market}
        push(f"tickers.{exchange}.{environment}.{market}", {**frame, "rows": [ticker_row(ticker) for ticker in fresh]})

    def _symbols_add(self) -> None:
        feed = self._feed()
        if feed is None:
            return
        if added := set(feed.symbols) - self._subscribed:
            self._stream.add(sorted(added))
            self._subscribed |= added

    def _state_write(self, *, is_connected: bool | None = None) -> None:
        with transaction.atomic():
            exchange, environment, market = self.venue
            rows = Feed.objects.select_for_update()
            feed = rows.filter(exchange=exchange, environment=environment, market=market).first()
            if feed is None:
                return
            feed.is_connected = self._stream.is_connected if is_connected is None else is_connected
            feed.last_error = "" if feed.is_connected else self._reason or feed.last_error
            feed.reconnects += max(0, self._connects - 1)
            self._connects = min(self._connects, 1)
            feed.clock_offset_ms = self._clock_offset_ms
            if self._last_tick_at:
                feed.last_tick_at = datetime.fromtimestamp(self._last_tick_at, UTC)
            feed.save_next("is_connected", "last_error", "reconnects", "clock_offset_ms", "last_tick_at")

    def _clock_sample(self) -> None:
        """On a thread of its own: a venue whose REST is down must not hold up prices."""
        try:
            asked = time.time()
            server_ms = public_connector(*self.venue).server_time_ms()
            answered = time.time()
        except ExchangeError as error:
            log.info("clock_unsampled", extra={"lease": self.lease_name, "reason": str(error)})
            return
        offset_s, doubt_s = server_ms / 1000 - (asked + answered) / 2, (answered - asked) / 2
        if doubt_s > CLOCK_DOUBT_S and abs(offset_s) <= doubt_s:
            # A slow answer (the venue's, or ours while much starts at once) says nothing of the clock.
            self._next["clock"] = time.monotonic() + self.clock_retry_s
            return
        self._clock_offset_ms = round(offset_s * 1000)


def _merged(known: Ticker, news: Ticker) -> Ticker:
    """Venues spread a ticker over several streams; what one of them doesn't tell stays as it was."""
    told = {name: value for name, value in msgspec.structs.asdict(news).items() if value is not None}
    return msgspec.structs.replace(known, **told)
