"""A seeded market without a beginning: any second of any symbol is computed from the seed alone, so history and the live
stream are one series. Log price = smooth waves from minutes to months (trends and turns) + a rough path with clustered
volatility, fat tails and jumps, tied down at each full hour. No clock, no state but a cache.
"""

from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR_S = 3600
YEAR_S = 365 * 86_400
# An hour of seconds is 144 KB, an hour of minutes 2 KB.
CACHE_HOURS = 160
CACHE_MINUTE_HOURS = 9000
# Waves of 8 minutes to 91 days, each twice as long as the one before: together close to a random walk.
WAVE_S = tuple(480 * 2**k for k in range(15))
WAVE_GAIN = 0.34
# The waves a rule can ride: trends of 30 to 60 minutes stand out of the noise by this factor.
TREND_S = (1920, 3840)
TREND_FACTOR = 2.0
ROUGH_GAIN = 0.90
VOLATILITY_S = (90, 600, 5400, 43_200, 259_200)
VOLATILITY_GAIN = 0.30
JUMPS_PER_HOUR = 0.15
JUMP_SECONDS = 25.0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How one symbol behaves. `tail` below 1 makes tails fatter; `turnover` is quote currency per day."""

    symbol: str
    price: float
    annual_volatility: float
    tick_size: float
    turnover: float
    lot_step: float = 0.001
    tail: float = 0.6

    @property
    def second_volatility(self) -> float:
        return self.annual_volatility / float(np.sqrt(YEAR_S))


PROFILES = {
    profile.symbol: profile
    for profile in (
        Profile(symbol="BTC/USDT:USDT", price=92_000, annual_volatility=0.75, tick_size=0.1, turnover=14e9),
        Profile(
            symbol="ETH/USDT:USDT", price=3_100, annual_volatility=0.9, tick_size=0.01, turnover=9e9, lot_step=0.01
        ),
        Profile(symbol="SOL/USDT:USDT", price=145, annual_volatility=1.1, tick_size=0.01, turnover=3e9, lot_step=0.1),
        Profile(symbol="XRP/USDT:USDT", price=2.2, annual_volatility=1.0, tick_size=0.0001, turnover=2e9, lot_step=0.1),
        Profile(
            symbol="DOGE/USDT:USDT", price=0.18, annual_volatility=1.2, tick_size=0.00001, turnover=1e9, lot_step=1
        ),
        Profile(symbol="BNB/USDT:USDT", price=880, annual_volatility=0.8, tick_size=0.01, turnover=7e8, lot_step=0.01),
        Profile(symbol="ADA/USDT:USDT", price=0.62, annual_volatility=1.1, tick_size=0.0001, turnover=6e8, lot_step=1),
        Profile(symbol="AVAX/USDT:USDT", price=24, annual_volatility=1.2, tick_size=0.001, turnover=5e8, lot_step=0.1),
        Profile(symbol="LINK/USDT:USDT", price=17, annual_volatility=1.1, tick_size=0.001, turnover=5e8, lot_step=0.1),
        Profile(symbol="LTC/USDT:USDT", price=96, annual_volatility=0.95, tick_size=0.01, turnover=4e8, lot_step=0.1),
    )
}


def _key(seed: int, symbol: str, channel: str) -> np.uint64:
    """FNV-1a of the name: the same on every machine and start, unlike `hash`."""
    value = 0xCBF29CE484222325
    for byte in f"{seed}|{symbol}|{channel}".encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(value)


def _uniform(key: np.uint64, index: NDArray[Any]) -> Floats:
    """Counter-based random numbers in (0, 1): splitmix64 of key and index."""
    with np.errstate(over="ignore"):
        x = index.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _normal(key: np.uint64, index: NDArray[Any]) -> Floats:
    first, second = _uniform(key, index * 2), _uniform(key, index * 2 + 1)
    result: Floats = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
    return result


def _wave(key: np.uint64, seconds: Floats, scale_s: float) -> Floats:
    """Unit normal knots every `scale_s`, smoothly joined."""
    position = seconds / scale_s
    knot = np.floor(position)
    part = position - knot
    low = int(knot[0])
    knots = _normal(key, np.arange(low, int(knot[-1]) + 2))
    place = knot.astype(np.int64) - low
    blend = part * part * (3.0 - 2.0 * part)
    result: Floats = knots[place] * (1.0 - blend) + knots[place + 1] * blend
    return result


class SyntheticMarket:
    """Bars and ticks of all symbols of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.hour = lru_cache(CACHE_HOURS)(self._hour)
        self.minutes = lru_cache(CACHE_MINUTE_HOURS)(self._minutes)

    def bars(self, symbol: str, *, start_s: int, end_s: int) -> Floats:
        """1-second bars of [start_s, end_s): columns open, high, low, close, volume."""
        if end_s <= start_s:
            return np.empty((0, 5))
        first, last = start_s // HOUR_S, (end_s - 1) // HOUR_S
        parts = [self.hour(symbol, hour) for hour in range(first, last + 1)]
        whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return whole[start_s - first * HOUR_S : end_s - first * HOUR_S]

    def ticks(self, symbol: str, *, second: int, count: int) -> Floats:
        """Prices of `count` ticks spread over a second; they touch its high and low and end at its close."""
        open_, high, low, close, _ = self.hour(symbol, second // HOUR_S)[second % HOUR_S]
        if count < 3:
            prices = np.linspace(open_, close, count + 1)[1:]
        else:
            turn = (low, high) if close >= open_ else (high, low)
            first = (count - 1) // 3
            corners = [-1, first, max(first + 1, (count - 1) * 2 // 3), count - 1]
            prices = np.interp(np.arange(count), corners, [open_, *turn, close])
        tick = PROFILES[symbol].tick_size
        result: Floats = np.round(np.round(prices / tick) * tick, 8)
        return result

    def _hour(self, symbol: str, hour: int) -> Floats:
        return _hour_bars(PROFILES[symbol], seed=self.seed, hour=hour)

    def _minutes(self, symbol: str, hour: int) -> Floats:
        """The hour's sixty 1-minute bars; kept for long, because charts ask for months of them."""
        return fold(_hour_bars(PROFILES[symbol], seed=self.seed, hour=hour), size=60)


def _trend(profile: Profile, *, seed: int, seconds: Floats) -> Floats:
    """The smooth part of the log price."""
    total = np.zeros_like(seconds)
    for scale in WAVE_S:
        gain = WAVE_GAIN * (TREND_FACTOR if scale in TREND_S else 1.0)
        size = gain * profile.second_volatility * np.sqrt(scale)
        total += size * _wave(_key(seed, profile.symbol, f"wave{scale}"), seconds, scale)
    return total


def _volatility(profile: Profile, *, seed: int, seconds: Floats) -> Floats:
    """Multiplier of the second volatility, mean square one: calm and wild times from minutes to days."""
    exponent = np.zeros_like(seconds)
    for scale in VOLATILITY_S:
        exponent += VOLATILITY_GAIN * _wave(_key(seed, profile.symbol, f"vol{scale}"), seconds, scale)
    # The mean of a joined wave's variance is 0.743; exp(2x) of it is normed away.
    result: Floats = np.exp(exponent - len(VOLATILITY_S) * 0.743 * VOLATILITY_GAIN**2)
    return result


def _rough(profile: Profile, *, seed: int, hour: int, volatility: Floats) -> Floats:
    """The rough part at the end of each second of the hour; zero at the full hour, where the next one starts."""
    index = np.arange(hour * HOUR_S, (hour + 1) * HOUR_S)
    z = _normal(_key(seed, profile.symbol, "second"), index)
    mixing = np.exp(profile.tail * _normal(_key(seed, profile.symbol, "tail"), index) - profile.tail**2)
    steps = z * mixing * volatility
    is_jump = _uniform(_key(seed, profile.symbol, "jump"), index) < JUMPS_PER_HOUR / HOUR_S
    steps += is_jump * JUMP_SECONDS * _normal(_key(seed, profile.symbol, "jump size"), index)
    path = np.cumsum(steps * (ROUGH_GAIN * profile.second_volatility))
    result: Floats = path - path[-1] * np.arange(1, HOUR_S + 1) / HOUR_S
    return result


def _hour_bars(profile: Profile, *, seed: int, hour: int) -> Floats:
    start = hour * HOUR_S
    minutes = np.arange(start, start + HOUR_S + 60, 60).astype(np.float64)
    seconds = np.arange(start, start + HOUR_S + 1).astype(np.float64)
    trend = np.interp(seconds, minutes, _trend(profile, seed=seed, seconds=minutes))
    volatility = np.interp(seconds, minutes, _volatility(profile, seed=seed, seconds=minutes))[1:]
    log_price = trend
    log_price[1:] += _rough(profile, seed=seed, hour=hour, volatility=volatility)
    price = profile.price * np.exp(log_price)
    open_, close = price[:-1], price[1:]
    index = np.arange(start, start + HOUR_S)
    reach = 0.4 * profile.second_volatility * volatility * close
    high = np.maximum(open_, close) + reach * np.abs(_normal(_key(seed, profile.symbol, "high"), index))
    low = np.minimum(open_, close) - reach * np.abs(_normal(_key(seed, profile.symbol, "low"), index))
    tick = profile.tick_size
    bars = np.empty((HOUR_S, 5))
    for column, values in enumerate((open_, high, low, close)):
        bars[:, column] = np.round(np.round(values / tick) * tick, 8)
    crowd = np.exp(0.8 * _normal(_key(seed, profile.symbol, "volume"), index) - 0.32)
    volume = profile.turnover / 86_400 / close * crowd * volatility
    bars[:, 4] = np.round(np.maximum(np.round(volume / profile.lot_step), 1.0) * profile.lot_step, 8)
    return bars


def fold(bars: Floats, *, size: int) -> Floats:
    """Every `size` bars into one; a short last one is kept."""
    if not len(bars):
        return bars
    edges = np.arange(0, len(bars), size)
    ends = np.minimum(edges + size, len(bars)) - 1
    folded = np.empty((len(edges), 5))
    folded[:, 0] = bars[edges, 0]
    folded[:, 1] = np.maximum.reduceat(bars[:, 1], edges)
    folded[:, 2] = np.minimum.reduceat(bars[:, 2], edges)
    folded[:, 3] = bars[ends, 3]
    folded[:, 4] = np.round(np.add.reduceat(bars[:, 4], edges), 6)
    return folded
