"""The synthetic market: one series for ever, and one that looks like crypto."""

import numpy as np
import pytest

from cts.domain.synthetic import HOUR_S, PROFILES, SyntheticMarket, fold

NOON = 1_795_000_000 // HOUR_S * HOUR_S
SYMBOLS = sorted(PROFILES)


@pytest.fixture(scope="module")
def market() -> SyntheticMarket:
    return SyntheticMarket(7)


def test_the_same_seed_gives_the_same_market_whatever_was_asked_before(market: SyntheticMarket) -> None:
    other = SyntheticMarket(7)
    other.bars("ETH/USDT:USDT", start_s=NOON - 5000, end_s=NOON)
    first = market.bars("BTC/USDT:USDT", start_s=NOON, end_s=NOON + 10)
    assert np.array_equal(first, other.bars("BTC/USDT:USDT", start_s=NOON, end_s=NOON + 10))
    assert not np.array_equal(first, SyntheticMarket(8).bars("BTC/USDT:USDT", start_s=NOON, end_s=NOON + 10))


def test_any_window_is_a_cut_of_the_whole(market: SyntheticMarket) -> None:
    whole = market.bars("SOL/USDT:USDT", start_s=NOON - 4000, end_s=NOON + 4000)
    cut = market.bars("SOL/USDT:USDT", start_s=NOON - 100, end_s=NOON + 200)
    assert len(whole) == 8000
    assert np.array_equal(whole[3900:4200], cut)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_are_whole_and_join_without_a_gap(market: SyntheticMarket, symbol: str) -> None:
    bars = market.bars(symbol, start_s=NOON - HOUR_S, end_s=NOON + HOUR_S)
    open_, high, low, close, volume = bars.T
    assert np.isfinite(bars).all()
    assert np.array_equal(open_[1:], close[:-1])
    assert (high >= np.maximum(open_, close)).all()
    assert (low <= np.minimum(open_, close)).all()
    assert (low > 0).all()
    assert (volume > 0).all()
    ticks = close / PROFILES[symbol].tick_size
    assert np.allclose(ticks, np.round(ticks), atol=1e-4)


@pytest.mark.parametrize("count", [3, 4, 10, 50])
def test_ticks_stay_in_their_bar_touch_its_ends_and_finish_at_its_close(market: SyntheticMarket, count: int) -> None:
    for second in range(NOON, NOON + 50):
        _, high, low, close, _ = market.bars("BTC/USDT:USDT", start_s=second, end_s=second + 1)[0]
        ticks = market.ticks("BTC/USDT:USDT", second=second, count=count)
        assert len(ticks) == count
        assert ticks[-1] == close
        assert (ticks.max(), ticks.min()) == (high, low)


def test_the_cached_minutes_are_the_folded_seconds(market: SyntheticMarket) -> None:
    hour = NOON // HOUR_S
    seconds = market.bars("XRP/USDT:USDT", start_s=NOON, end_s=NOON + HOUR_S)
    assert np.array_equal(market.minutes("XRP/USDT:USDT", hour), fold(seconds, size=60))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_it_moves_like_crypto(market: SyntheticMarket, symbol: str) -> None:
    """Ten days: believable yearly volatility, fat tails, and calm and wild times that last."""
    first = NOON // HOUR_S - 240
    closes = np.concatenate([market.minutes(symbol, hour)[:, 3] for hour in range(first, first + 240)])
    returns = np.diff(np.log(closes))
    yearly = returns.std() * np.sqrt(365 * 1440)
    assert 0.4 < yearly < 1.6
    assert (returns**4).mean() / returns.var() ** 2 > 4
    sizes = np.abs(returns)
    assert np.corrcoef(sizes[:-1], sizes[1:])[0, 1] > 0.1
    assert np.corrcoef(sizes[:-30], sizes[30:])[0, 1] > 0.02


def test_trends_last_long_enough_to_be_ridden_and_no_longer(market: SyntheticMarket) -> None:
    """After a strong quarter of an hour the next one leans the same way; beyond some hours nothing is left of it."""
    first = NOON // HOUR_S - 480
    near, far = [], []
    for symbol in SYMBOLS[:3]:
        closes = np.concatenate([market.minutes(symbol, hour)[:, 3] for hour in range(first, first + 480)])
        log = np.log(closes)
        past = log[15:-400] - log[:-415]
        near.append(np.corrcoef(past, log[30:-385] - log[15:-400])[0, 1])
        far.append(np.corrcoef(past, log[385:-30] - log[370:-45])[0, 1])
    assert np.mean(near) > 0.1
    assert abs(np.mean(far)) < 0.06
