"""The one market behind all faces: live quotes, history, funding. Synthetic, or held still and moved only when told."""

import time
from collections import deque
from decimal import Decimal

import msgspec
import numpy as np

from cts.domain.matching.state import SETTLE, Quote
from cts.domain.synthetic import HOUR_S, PROFILES, Floats, SyntheticMarket, fold
from cts.domain.types import Candle, Side

SYMBOLS = tuple(PROFILES)
FUNDING_INTERVAL_MS = 8 * 3_600_000
SPREAD_RATIO = 0.000005
MARK_WEIGHT = 0.1
TRADES_KEPT = 1000
# The path has no beginning; a chart of years would only take long to compute.
HISTORY_DAYS = 60


def spot_of(symbol: str) -> str:
    """The spot market of a perpetual: one market is behind both, at one price."""
    return symbol.partition(":")[0]


def perpetual_of(symbol: str) -> str:
    return symbol if ":" in symbol else f"{symbol}:{SETTLE}"


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A public print."""

    id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side
    at_ms: int


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """From `at_ms` the price is held at `price`; None gives it back to the synthetic path."""

    at_ms: int
    price: float | None


class Held(msgspec.Struct, kw_only=True):
    """What was done to the synthetic path: stretches held still, and a factor that leads it to a chosen price."""

    pins: dict[str, list[Pin]]
    factors: dict[str, float]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    open: float
    high: float
    low: float
    volume: float
    turnover: float


class MarketClosed(Exception):
    """The venue is closing; whoever asked has been cut off."""


class Market:
    def __init__(self, *, seed: int, start_prices: dict[str, float] | None = None) -> None:
        self.synthetic = SyntheticMarket(seed)
        self.start_prices = start_prices or {}
        self.is_quiet = bool(start_prices)
        self.is_closed = False
        self.quotes: dict[str, Quote] = {}
        self.held = Held(pins={symbol: [] for symbol in SYMBOLS}, factors=dict.fromkeys(SYMBOLS, 1.0))
        self.trades: dict[str, deque[Trade]] = {symbol: deque(maxlen=TRADES_KEPT) for symbol in SYMBOLS}
        self._days: dict[str, tuple[int, Day]] = {}
        self._trade_id = int(time.time() * 1000) * 10
        self._ticks: dict[str, tuple[int, int, list[float]]] = {}

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def hold(self, held: Held) -> None:
        """As it was before a restart."""
        self.held = held

    def open(self) -> None:
        """First quotes. A quiet market is held at its start prices from the beginning."""
        now_ms = self.now_ms()
        for symbol in SYMBOLS:
            if symbol in self.start_prices and not self.held.pins[symbol]:
                start = self.start_prices[symbol]
                self.held.factors[symbol] = start / self._synthetic_price(symbol, now_ms)
                self.held.pins[symbol].append(Pin(now_ms, start))
            price = self.pinned(symbol)
            self.set_price(symbol, price=price or self._synthetic_price(symbol, now_ms), at_ms=now_ms)
            self.day(symbol)

    def _synthetic_price(self, symbol: str, at_ms: int) -> float:
        price = self.synthetic.ticks(symbol, second=at_ms // 1000, count=1)[0] * self.held.factors[symbol]
        return float(self._on_tick(symbol, np.array([price]))[0])

    def _on_tick(self, symbol: str, prices: Floats) -> Floats:
        tick = PROFILES[symbol].tick_size
        return np.asarray(np.round(np.round(prices / tick) * tick, 8))

    def _scaled(self, symbol: str, bars: Floats) -> Floats:
        factor = self.held.factors[symbol]
        if factor == 1.0:
            return bars
        prices = np.maximum(self._on_tick(symbol, bars[:, :4] * factor), PROFILES[symbol].tick_size)
        return np.column_stack([prices, bars[:, 4]])

    def pinned(self, symbol: str) -> float | None:
        pins = self.held.pins[symbol]
        return pins[-1].price if pins else None

    def pin(self, symbol: str, *, price: float | None, mark: float | None = None) -> Quote:
        now_ms = self.now_ms()
        self.held.pins[symbol].append(Pin(now_ms, price))
        if price is None:
            price = self._synthetic_price(symbol, now_ms)
        return self.set_price(symbol, price=price, at_ms=now_ms, mark=mark)

    def next_quote(self, symbol: str, *, at_ms: int, count: int) -> Quote:
        """The tick due at this moment, `count` of them a second."""
        price = self.pinned(symbol)
        if price is None:
            second, index = at_ms // 1000, min((at_ms % 1000) * count // 1000, count - 1)
            known = self._ticks.get(symbol)
            if known is None or known[:2] != (second, count):
                ticks = self.synthetic.ticks(symbol, second=second, count=count)
                ticks = self._on_tick(symbol, ticks * self.held.factors[symbol])
                known = self._ticks[symbol] = (second, count, ticks.tolist())
            price = known[2][index]
        return self.set_price(symbol, price=price, at_ms=at_ms)

    def set_price(self, symbol: str, *, price: float, at_ms: int, mark: float | None = None) -> Quote:
        tick = PROFILES[symbol].tick_size
        ticks = max(1, round(price * SPREAD_RATIO / tick))
        bid = round(price - (ticks // 2) * tick, 8)
        ask = round(bid + ticks * tick, 8)
        before = self.quotes.get(symbol)
        if mark is None:
            is_held = before is None or self.pinned(symbol) is not None
            # Marks are averages on every venue, so that one odd print liquidates nobody.
            mark = price if is_held else float(before.mark) * (1 - MARK_WEIGHT) + price * MARK_WEIGHT  # type: ignore[union-attr]
        quote = Quote(
            symbol=symbol,
            last=_decimal(price),
            bid=_decimal(bid),
            ask=_decimal(ask),
            mark=_decimal(round(round(mark / tick) * tick, 8)),
            at_ms=at_ms,
        )
        self.quotes[symbol] = quote
        self.quotes[spot_of(symbol)] = msgspec.structs.replace(quote, symbol=spot_of(symbol))
        self._print(quote, before)
        return quote

    def _print(self, quote: Quote, before: Quote | None) -> None:
        profile = PROFILES[quote.symbol]
        is_up = before is None or quote.last >= before.last
        self._trade_id += 1
        typical = profile.turnover / 86_400 / 4 / float(quote.last)
        lots = max(1, round(typical * (1 + self._trade_id % 7) / 4 / profile.lot_step))
        self.trades[quote.symbol].append(
            Trade(
                id=self._trade_id,
                symbol=quote.symbol,
                price=quote.last,
                quantity=_decimal(round(lots * profile.lot_step, 8)),
                side=Side.BUY if is_up else Side.SELL,
                at_ms=quote.at_ms,
            )
        )

    def bars(self, symbol: str, *, start_s: int, end_s: int) -> Floats:
        """1-second bars with pinned stretches laid over the synthetic path."""
        bars = self._scaled(symbol, self.synthetic.bars(symbol, start_s=start_s, end_s=end_s))
        pins = self.held.pins[symbol]
        if not pins or pins[0].at_ms >= end_s * 1000:
            return bars
        bars = bars.copy()
        for index, pin in enumerate(pins):
            until_ms = pins[index + 1].at_ms if index + 1 < len(pins) else end_s * 1000
            if pin.price is not None:
                _lay(bars, pin, start_s=start_s, until_s=-(-until_ms // 1000))
        return bars

    def last_trade(self, symbol: str) -> Trade:
        return self.trades[perpetual_of(symbol)][-1]

    def candles(self, symbol: str, *, timeframe_s: int, start_ms: int, end_ms: int, limit: int) -> list[Candle]:
        """Ascending bars whose open lies in [start, end]; the newest `limit`. The running one ends at the last full second."""
        symbol, now_s = perpetual_of(symbol), self.now_ms() // 1000
        start_ms = max(start_ms, (now_s - HISTORY_DAYS * 86_400) * 1000)
        first = -(-start_ms // (timeframe_s * 1000)) * timeframe_s
        last = min(end_ms // 1000, now_s) // timeframe_s * timeframe_s
        first = max(first, last - (limit - 1) * timeframe_s, 0)
        if first > last:
            return []
        end_s = min(last + timeframe_s, now_s + 1)
        folded = self._folded(symbol, start_s=first, end_s=end_s, timeframe_s=timeframe_s)
        running_from = now_s // timeframe_s * timeframe_s
        found = []
        for index, (open_, high, low, close, volume) in enumerate(folded.tolist()):
            open_s = first + index * timeframe_s
            found.append(Candle(open_s * 1000, open_, high, low, close, volume, open_s < running_from))
        return found

    def _folded(self, symbol: str, *, start_s: int, end_s: int, timeframe_s: int) -> Floats:
        pins = self.held.pins[symbol]
        since = pins[0].at_ms // 1000 if pins else end_s
        # Whole hours before any pin come from the cache of minutes.
        cut = min(end_s, since) // HOUR_S * HOUR_S
        if timeframe_s < 60 or start_s >= cut:
            return fold(self.bars(symbol, start_s=start_s, end_s=end_s), size=timeframe_s)
        hours = range(start_s // HOUR_S, cut // HOUR_S)
        minutes = np.concatenate([self._hour(symbol, hour) for hour in hours])
        minutes = self._scaled(symbol, minutes[(start_s % HOUR_S) // 60 :])
        rest = fold(self.bars(symbol, start_s=cut, end_s=end_s), size=60)
        return fold(np.concatenate([minutes, rest]), size=timeframe_s // 60)

    def _hour(self, symbol: str, hour: int) -> Floats:
        if self.is_closed:
            raise MarketClosed
        return self.synthetic.minutes(symbol, hour)

    def close(self) -> None:
        """Nobody waits any more: weeks of candles that are being computed needn't hold up the end."""
        self.is_closed = True

    def day(self, symbol: str) -> Day:
        """The last 24 hours, at most ten seconds old."""
        symbol, now_s = perpetual_of(symbol), self.now_ms() // 1000
        known = self._days.get(symbol)
        if known and now_s - known[0] < 10:
            return known[1]
        start = (now_s - 86_400) // 60 * 60
        bars = self._folded(symbol, start_s=start, end_s=now_s // 60 * 60 + 60, timeframe_s=60)
        day = Day(
            open=float(bars[0, 0]),
            high=float(bars[:, 1].max()),
            low=float(bars[:, 2].min()),
            volume=round(float(bars[:, 4].sum()), 3),
            turnover=round(float((bars[:, 4] * bars[:, 3]).sum()), 2),
        )
        self._days[symbol] = (now_s, day)
        return day

    def funding_rate(self, symbol: str, *, at_ms: int) -> Decimal:
        """The rate of the interval that ends next: one basis point, leaning with the last day's move."""
        interval = at_ms // FUNDING_INTERVAL_MS
        lean = (interval * 2654435761 + len(symbol) * 97) % 7 - 3
        return Decimal("0.0001") + Decimal(lean) * Decimal("0.00002")

    def next_funding_ms(self, *, at_ms: int) -> int:
        return (at_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS


def _lay(bars: Floats, pin: Pin, *, start_s: int, until_s: int) -> None:
    """Write a held price over the seconds it was held; the second it was set in keeps its open."""
    assert pin.price is not None
    at = pin.at_ms // 1000 - start_s
    until = min(until_s - start_s, len(bars))
    if 0 <= at < len(bars):
        bars[at, 1] = max(bars[at, 0], pin.price) if at == 0 else max(bars[at - 1, 3], pin.price)
        bars[at, 2] = min(bars[at, 0], pin.price) if at == 0 else min(bars[at - 1, 3], pin.price)
        bars[at, 0] = bars[at - 1, 3] if at else bars[at, 0]
        bars[at, 3] = pin.price
    if until > max(at + 1, 0):
        bars[max(at + 1, 0) : until, :4] = pin.price


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
