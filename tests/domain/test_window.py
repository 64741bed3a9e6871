"""Prices are sampled once per interval, the same way from a stream and from a run of bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.bars import bars_from_columns, bars_join
from cts.domain.errors import DomainError
from cts.domain.window import Window, sample_bars
from tests.domain.strategy_market import COST, START_MS, bars_of, candle_rows


def window(*, capacity: int = 4, timeframe_s: int = 5) -> Window:
    return Window(capacity=capacity, timeframe_s=timeframe_s, position_cost_ratio=COST)


def feed(ring: Window, ticks: list[tuple[float, float]]) -> list[bool]:
    """Ticks as (seconds after the start, price): whether each made a sample."""
    made = []
    for second, price in ticks:
        made.append(ring.advance(START_MS + int(1000 * second)))
        ring.see(price)
    return made


def test_a_sample_is_the_last_price_before_the_interval_ended() -> None:
    ring = window()
    made = feed(ring, [(0, 100), (4.9, 101), (5.0, 102), (9, 103), (10.1, 104)])
    assert made == [False, False, True, False, True]
    assert ring.samples.prices.tolist() == [101, 103]


def test_an_interval_without_a_price_repeats_the_one_before() -> None:
    ring = window()
    feed(ring, [(0, 100), (16, 105), (20, 106)])
    assert ring.samples.prices.tolist() == [100, 100, 100, 105]


def test_only_the_newest_are_kept() -> None:
    ring = window(capacity=3, timeframe_s=1)
    feed(ring, [(second, 100 + second) for second in range(20)])
    assert ring.samples.prices.tolist() == [116, 117, 118]
    assert len(ring) == 3


def test_moves_are_in_steps_of_the_position_cost() -> None:
    ring = window(timeframe_s=1)
    feed(ring, [(0, 100), (1, 100.2), (2, 99.9996), (3, 100)])
    assert ring.samples.moves == pytest.approx([2.0, -2.0])


def test_time_going_backwards_makes_no_sample() -> None:
    ring = window(timeframe_s=1)
    assert feed(ring, [(5, 100), (3, 101), (5.5, 102)]) == [False, False, False]


@given(rows=candle_rows(gaps=True), timeframe_s=st.sampled_from([1, 3, 5, 15]), capacity=st.integers(2, 12))
def test_streaming_takes_the_samples_of_the_batch(
    rows: list[tuple[float, ...]], timeframe_s: int, capacity: int
) -> None:
    bars = bars_of(rows)
    batch = sample_bars(bars, timeframe_s=timeframe_s, position_cost_ratio=COST)
    ring = window(capacity=capacity, timeframe_s=timeframe_s)
    entries = [place for place, row in enumerate(bars.rows()) if _see(ring, row)]
    assert entries == [bar for bar in batch.entry_bar.tolist() if bar >= 0]
    assert ring.samples.prices.tolist() == batch.samples.prices[-capacity:].tolist()


def _see(ring: Window, row: tuple[int, float, float, float, float]) -> bool:
    made = ring.advance(row[0])
    ring.see(row[4])
    return made


def test_a_signal_whose_price_comes_after_its_interval_is_stale() -> None:
    quiet = [(100, 100, 100, 100)] + [()] * 11 + [(101, 101, 101, 101)]
    assert sample_bars(bars_of(quiet), timeframe_s=5, position_cost_ratio=COST).entry_bar.tolist() == [-1, 1]


def test_bars_too_coarse_for_the_interval_are_refused() -> None:
    with pytest.raises(DomainError, match="multiple"):
        sample_bars(bars_of([(1, 1, 1, 1)], timeframe_s=60), timeframe_s=5, position_cost_ratio=COST)


def test_bars_are_put_in_order_and_the_later_of_two_equals_wins() -> None:
    first = bars_from_columns(1, [[3000, 1000, 2000], [3, 1, 2], [3, 1, 2], [3, 1, 2], [3, 1, 2]])
    again = bars_from_columns(1, [[2000], [9], [9], [9], [9]])
    joined = bars_join(1, [first, again])
    assert joined.open_ms.tolist() == [1000, 2000, 3000]
    assert joined.close.tolist() == [1, 9, 3]
    assert joined.end_ms == 4000
    assert joined.between(2000, 3000).open_ms.tolist() == [2000]


@pytest.mark.parametrize("price", [float("nan"), 0.0, -1.0, float("inf")])
def test_a_price_that_is_no_price_is_refused(price: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        bars_from_columns(1, [[1000.0], [price], [1.0], [1.0], [1.0]])


def test_no_bars_make_no_samples() -> None:
    empty = bars_from_columns(1, [[], [], [], [], []])
    assert not len(sample_bars(empty, timeframe_s=5, position_cost_ratio=COST).samples)
    assert empty.end_ms == 0
    assert np.array_equal(empty.between(0, 10).open_ms, [])
