"""A search over history finds what a live study would have done, and never sees the future."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.domain.bars import Bars
from cts.domain.configurations import STOP_LOSSES, TRAILS, Configuration, Grid
from cts.domain.indications.registry import SignalTable
from cts.domain.lattice import Closed, Costs, Lattice
from cts.domain.search import Simulated
from cts.domain.types import PositionSide
from cts.domain.window import Window
from tests.domain.strategy_market import COST, bars_of, candle_rows, configuration

COSTS = Costs(fee_ratio=0.0002, slippage_ratio=0.0001, position_timeout_s=25, validation_timeout_s=3, cooldown_s=4)
NIMBLE = [
    configuration(indication, target=target, stop=stop, moves=moves, market_change_steps=1.0, drawdown_ratio=0.5)
    for indication, target, stop, moves in [
        ("move", 2, 1.0, 3.0),
        ("move", 4, 0.5, 6.0),
        ("direction", 2, 2.2, 4.0),
        ("direction", 6, 0.3, 3.0),
    ]
] + [
    Configuration(
        indication="move",
        parameters=configuration(moves=3.0, market_change_steps=1.0, drawdown_ratio=0.5).parameters,
        take_profit_steps=10,
        stop_loss_ratio=0.5,
        trail_arm_pct=0.3,
        trail_give_back_pct=0.1,
    )
]


def simulated(bars: Bars, *, timeframe_s: int = 1, keep: int = 250) -> Simulated:
    return Simulated(NIMBLE, bars, timeframe_s=timeframe_s, position_cost_ratio=COST, costs=COSTS, keep=keep)


def lived(bars: Bars, *, timeframe_s: int = 1) -> tuple[Lattice, list[Closed]]:
    """The same lines fed bar by bar through the parts a live study is made of."""
    lines = [each.line(0, symbol="", side=side, position_cost_ratio=COST) for side in PositionSide for each in NIMBLE]
    signals = SignalTable([(each.indication, each.parameters) for each in lines])
    window = Window(capacity=signals.lookback(timeframe_s) + 1, timeframe_s=timeframe_s, position_cost_ratio=COST)
    lattice, closed = Lattice(lines, signals=signals.index, costs=COSTS), list[Closed]()
    for at_ms, opened, high, low, close in bars.rows():
        if window.advance(at_ms):
            lattice.fire(signals.newest(window.samples), at_ms=at_ms, price=opened)
        closed += lattice.step(at_ms=at_ms, first=opened, high=high, low=low)
        window.see(close)
    return lattice, closed


@settings(max_examples=60)
@given(candle_rows(gaps=True, most=160), st.sampled_from([1, 2, 5]), st.sampled_from([3, 250]))
def test_history_at_once_equals_history_lived_bar_by_bar(
    rows: list[tuple[float, ...]], timeframe_s: int, keep: int
) -> None:
    bars = bars_of(rows)
    fast = simulated(bars, timeframe_s=timeframe_s, keep=keep)
    lattice, closed = lived(bars, timeframe_s=timeframe_s)
    for place in range(len(fast)):
        mine = [each for each in closed if each.index == place]
        assert fast.count(place) == len(mine)
        assert list(fast.found(place).results) == mine[-keep:]
        assert fast.found(place).state == lattice.state(place)


def test_the_comparison_above_is_about_something() -> None:
    closed = lived(walk(600))[1]
    assert {each.reason for each in closed} == {"target", "stop", "trail", "timeout"}
    assert {each.index >= len(NIMBLE) for each in closed} == {True, False}


def walk(count: int) -> Bars:
    """A fixed market: waves of two lengths and a deterministic roughness."""
    at = np.arange(count + 1)
    prices = 100 * (1 + 0.008 * np.sin(at / 40) + 0.003 * np.sin(at / 7) + 0.0004 * ((at * 7919) % 11 - 5))
    rows = [
        (a, max(a, b) * 1.0002, min(a, b) * 0.9998, b)
        for a, b in zip(prices.tolist(), prices[1:].tolist(), strict=False)
    ]
    return bars_of(rows)


@settings(max_examples=40)
@given(st.integers(50, 400), candle_rows(most=60))
def test_nothing_that_comes_later_changes_what_was_done(cut: int, later: list[tuple[float, ...]]) -> None:
    whole = walk(400)
    past = whole.between(0, int(whole.open_ms[0]) + 1000 * cut)
    rows = [row[1:] for row in past.rows()] + later
    other = bars_of(rows)
    end_ms = past.end_ms
    for place in range(2 * len(NIMBLE)):
        done = [_early(simulated(bars), place, end_ms) for bars in (past, other)]
        assert done[0] == done[1]


def _early(search: Simulated, place: int, end_ms: int) -> list[Closed]:
    return [each for each in search.found(place).results if each.closed_ms < end_ms]


def test_the_best_of_each_side_earned_the_most_and_showed_enough() -> None:
    found = simulated(walk(3000)).best(2)
    assert [each.side for each in found] == [PositionSide.LONG] * 2 + [PositionSide.SHORT] * 2
    sums = [sum(result.gain_ratio for result in each.results) for each in found]
    assert sums[0] >= sums[1]
    assert sums[2] >= sums[3]
    assert all(each.statistics.count >= 10 for each in found)


def test_a_sample_covers_the_whole_grid_and_never_only_its_corner() -> None:
    grid = Grid()
    assert grid.size == 2 * 2800 * 924
    sample = list(grid.sample(400))
    assert len({each.digest for each in sample}) == 400
    assert {each.indication for each in sample} == {"move", "direction"}
    assert {each.parameters["moves"] for each in sample} == set(map(float, range(3, 31)))
    assert {each.parameters["market_change_steps"] for each in sample} == {1, 3, 5, 7, 9}
    assert {each.take_profit_steps for each in sample} == set(range(2, 23, 2))
    assert {each.stop_loss_ratio for each in sample} == set(STOP_LOSSES)
    assert {(each.trail_arm_pct, each.trail_give_back_pct) for each in sample} == {
        trail or (None, None) for trail in TRAILS
    }


def test_a_small_grid_is_taken_whole() -> None:
    grid = Grid(indications=("move",), take_profits=(2,), stop_losses=(0.2, 0.4), trails=(None,))
    assert len({each.digest for each in grid.sample(10_000)}) == grid.size == 5600


def test_equal_configurations_have_equal_digests() -> None:
    first, second = configuration(moves=5), configuration(moves=5.0)
    assert first.digest == second.digest
    assert first.digest != configuration(moves=6).digest
    assert first.digest != configuration("direction", moves=5).digest


def test_stop_losses_are_21_exact_decimals() -> None:
    assert len(STOP_LOSSES) == 21
    assert STOP_LOSSES[0] == pytest.approx(0.2)
    assert STOP_LOSSES[-1] == 2.2
