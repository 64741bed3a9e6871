"""What all venues over HTTP share beyond calling: symbols, checks before an order leaves, windows of time, candles."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from apps.exchanges.connectors.calling import CallingConnector
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.transport import Prepared
from apps.exchanges.connectors.verbs import OptionalVerbs
from cts.domain.errors import AmbiguousResult, PayloadError, Rejected
from cts.domain.types import (
    Candle,
    Instrument,
    OrderAck,
    OrderRequest,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)


class RestConnector(OptionalVerbs, CallingConnector, ABC):
    """A venue adds its calls and its readers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._venue_suffix, self._suffix = self.spec.venue_suffix, self.spec.suffix
        self._symbols: dict[str, str] = {}
        self._venue_symbols: dict[str, str] = {}

    @abstractmethod
    def parse_instrument(self, row: Row) -> Instrument: ...

    @abstractmethod
    def parse_ticker(self, row: Row | bytes) -> Ticker: ...

    @abstractmethod
    def parse_order(self, row: Row | bytes) -> VenueOrder: ...

    @abstractmethod
    def parse_fill(self, row: Row) -> VenueFill: ...

    @abstractmethod
    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        """None for a leg that is flat."""

    @abstractmethod
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]: ...

    @abstractmethod
    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck: ...

    @abstractmethod
    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        """Rows with open_ms, open, high, low, close, volume; any order."""

    # --- symbols ----------------------------------------------------------------------------------------------------
    def venue_symbol(self, symbol: str) -> str:
        found = self._venue_symbols.get(symbol)
        if found is None:
            base, separator, rest = symbol.partition("/")
            if not base or f"{separator}{rest}" != self._suffix:
                raise Rejected(f"{symbol} is not a symbol of {self.spec.label} {self.spec.market}")
            found = self._venue_symbols[symbol] = base + self._venue_suffix
            self._symbols[found] = symbol
        return found

    def symbol_named(self, name: str, field: str = "symbol") -> str:
        """The canonical symbol of a venue's spelling."""
        return self._symbols.get(name) or self._learned(name) or self.read.refuse(field, name)

    def symbol(self, row: Row, field: str = "symbol") -> str:
        return self.symbol_named(self.read.text(row, field), field)

    def symbol_or_none(self, row: Row, field: str = "symbol") -> str | None:
        """None for contracts of other kinds (dated, coin-margined), which aren't ours to read."""
        name = self.read.text(row, field)
        return self._symbols.get(name) or self._learned(name)

    def _learned(self, name: str) -> str | None:
        base = name.removesuffix(self._venue_suffix)
        if not base or base == name or not base.isalnum():
            return None
        found = self._symbols[name] = base + self._suffix
        self._venue_symbols[found] = name
        return found

    # --- orders -----------------------------------------------------------------------------------------------------
    def order_request_bytes(self, request: OrderRequest) -> Prepared:
        """One order, checked, worded and signed, as it would leave now."""
        return self._prepare(*self._order_call(self.order_checked(request)))

    def place(self, request: OrderRequest) -> OrderAck:
        call, params = self._order_call(self.order_checked(request))
        payload = self.call(call, params, is_urgent=request.is_reduce_only, send_by=request.send_by)
        try:
            return self._ack(payload, request)
        except PayloadError as error:
            raise AmbiguousResult(error.message, exchange=self.spec.name) from None

    # --- time -------------------------------------------------------------------------------------------------------
    def windows(self, since_ms: int | None, *, span_ms: int) -> Iterator[tuple[int, int]]:
        """From `since_ms` (or one span ago) to now in pieces the venue accepts."""
        now = self.now_ms()
        start = max(since_ms, 0) if since_ms is not None else now - span_ms + 60_000
        while start <= now:
            yield start, min(start + span_ms - 1, now + 1000)
            start += span_ms

    def candles(self, symbol: str, *, timeframe_s: int, since_ms: int | None = None, limit: int = 500) -> list[Candle]:
        interval = self.spec.timeframes.get(timeframe_s)
        if interval is None:
            raise Rejected(f"{self.spec.label} has no candles of {timeframe_s} s", exchange=self.spec.name)
        frame_ms, now = timeframe_s * 1000, self.now_ms()
        start = now - now % frame_ms - (limit - 1) * frame_ms if since_ms is None else since_ms
        found: dict[int, Candle] = {}
        for left in range(limit, 0, -self.spec.candles_max):
            if start > now:
                break
            count = min(left, self.spec.candles_max)
            end = start + count * frame_ms - 1
            for row in self._candle_page(symbol, interval=interval, start_ms=start, end_ms=end, limit=count):
                candle = self._candle(row, frame_ms=frame_ms, now_ms=now)
                found[candle.open_ms] = candle
            start = end + 1
        return [found[open_ms] for open_ms in sorted(found)][:limit]

    def _candle(self, row: Row, *, frame_ms: int, now_ms: int) -> Candle:
        return self.bar(row, is_closed=self.read.integer(row, "open_ms") + frame_ms <= now_ms)

    def bar(self, row: Row, *, is_closed: bool) -> Candle:
        """Of a row with open_ms, open, high, low, close, volume."""
        open_, high, low, close = (float(self.read.positive(row, name)) for name in ("open", "high", "low", "close"))
        if not low <= min(open_, close) <= max(open_, close) <= high:
            self.read.refuse("high", "not the highest")
        open_ms = self.read.integer(row, "open_ms")
        volume = float(self.read.unsigned(row, "volume"))
        return Candle(open_ms, open_, high, low, close, volume, is_closed)
