"""What a line's results say, on examples done by hand and against a plain recomputation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.statistics import ResultBook, measure
from cts.domain.types import LineStatistics

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
gains_strategy = st.lists(
    st.tuples(st.integers(-300, 300).map(lambda bp: bp / 10_000), st.integers(1_000, 10 * HOUR_MS)), max_size=120
)


def told(*gains: float, hours: tuple[float, ...] | None = None, now_h: float = 0.0) -> LineStatistics:
    """Statistics of gains that closed at these hours (every hour by default)."""
    at = np.array([int(hour * HOUR_MS) for hour in hours or range(len(gains))], dtype=np.int64)
    return measure(np.array(gains, dtype=np.float64), at, now_ms=int(now_h * HOUR_MS))


def test_a_line_without_results_has_nothing_to_divide_by() -> None:
    assert told() == LineStatistics()


def test_an_example_by_hand() -> None:
    numbers = told(0.02, -0.01, 0.01, -0.01, -0.02, 0.04)
    assert (numbers.count, numbers.wins, numbers.win_rate) == (6, 3, 0.5)
    assert numbers.profit_factor == pytest.approx(0.07 / 0.04)
    assert numbers.mean_gain == numbers.expectancy == pytest.approx(0.03 / 6)
    assert numbers.payoff == pytest.approx((0.07 / 3) / (0.04 / 3))
    assert numbers.drawdown == pytest.approx(0.03)  # from 0.02 down to -0.01
    assert numbers.drawdown_time_h == pytest.approx(3)  # back at the peak at hour 2, above it at hour 5
    assert numbers.losing_run == 2
    assert numbers.positions_per_24h == pytest.approx(24)
    assert numbers.has_loss


def test_no_loss_leaves_the_factors_unsaid() -> None:
    numbers = told(0.01, 0.02)
    assert (numbers.profit_factor, numbers.payoff, numbers.has_loss) == (None, None, False)
    assert (numbers.drawdown, numbers.drawdown_time_h, numbers.losing_run) == (0.0, 0.0, 0)


def test_the_short_factors_look_at_the_newest_only() -> None:
    numbers = told(*[-0.01] * 30, *[0.02] * 24, -0.01)
    assert numbers.profit_factor_25 == pytest.approx(48)
    assert numbers.profit_factor_50 == pytest.approx(0.48 / 0.26)
    assert numbers.profit_factor == pytest.approx(0.48 / 0.31)


def test_expectancy_is_of_the_newest_fifty() -> None:
    numbers = told(*[-0.01] * 50, *[0.01] * 50)
    assert numbers.mean_gain == pytest.approx(0.0)
    assert numbers.expectancy == pytest.approx(0.01)


def test_a_fall_that_goes_on_lasts_until_the_newest_result() -> None:
    numbers = told(0.01, -0.01, -0.01, hours=(0, 2, 9))
    assert numbers.drawdown_time_h == pytest.approx(9)


def test_the_newest_twenty_are_counted_inside_the_last_day() -> None:
    assert told(*[0.01] * 30, now_h=29 + 24 - 4).recent_24h_of_last_20 == 5
    assert told(*[0.01] * 30, now_h=30).recent_24h_of_last_20 == 20


@given(gains_strategy, st.integers(2, 40))
def test_adding_one_by_one_equals_recomputing_from_the_whole_story(results: list[tuple[float, int]], keep: int) -> None:
    book = ResultBook(2, keep=keep)
    story: list[tuple[float, int]] = []
    at = 0
    for gain, later in results:
        at += later
        story.append((gain, at))
        book.add(1, gain_ratio=gain, closed_ms=at)
        _same(book.statistics(1, now_ms=at), plain(story[-keep:], now_ms=at))
        assert book.oldest_kept_ms(1) == story[-keep:][0][1]
    assert book.statistics(0, now_ms=at).count == 0


def _same(fast: LineStatistics, slow: dict[str, float | None]) -> None:
    for name, value in slow.items():
        assert getattr(fast, name) == (None if value is None else pytest.approx(value, rel=1e-12, abs=1e-12)), name


def plain(results: list[tuple[float, int]], *, now_ms: int) -> dict[str, float | None]:
    gains = [gain for gain, _ in results]
    won, lost = [g for g in gains if g > 0], [g for g in gains if g < 0]
    curve = [math.fsum(gains[: n + 1]) for n in range(len(gains))]
    hours = (results[-1][1] - results[0][1]) / HOUR_MS
    return {
        "count": len(gains),
        "wins": len(won),
        "win_rate": len(won) / len(gains),
        "profit_factor": _factor(gains),
        "profit_factor_25": _factor(gains[-25:]),
        "profit_factor_50": _factor(gains[-50:]),
        "mean_gain": sum(gains) / len(gains),
        "expectancy": sum(gains[-50:]) / len(gains[-50:]),
        "payoff": (sum(won) / len(won)) / (-sum(lost) / len(lost)) if won and lost else None,
        "drawdown": max(max([0.0, *curve[: n + 1]]) - curve[n] for n in range(len(curve))),
        "losing_run": max(len(run) for run in "".join("x" if g < 0 else " " for g in gains).split(" ")),
        "positions_per_24h": (len(gains) - 1) / hours * 24 if hours else 0.0,
        "recent_24h_of_last_20": sum(now_ms - at <= DAY_MS for _, at in results[-20:]),
        "has_loss": bool(lost),
    }


def _factor(gains: list[float]) -> float | None:
    lost = -sum(g for g in gains if g < 0)
    return sum(g for g in gains if g > 0) / lost if lost else None


@given(gains_strategy)
def test_drawdown_time_is_the_longest_span_below_a_former_peak(results: list[tuple[float, int]]) -> None:
    at, total, peak, since, longest, is_below = 0, 0, 0, None, 0, False
    gains, times = [], []
    for gain, later in results:
        at += later
        gains.append(gain)
        times.append(at)
        total += round(gain * 10_000)
        since = at if since is None else since
        if total < peak or is_below:
            longest = max(longest, at - since)
        is_below = total < peak
        if total >= peak:
            peak, since = total, at
    assert measure(np.array(gains), np.array(times, dtype=np.int64), now_ms=at).drawdown_time_h == longest / HOUR_MS
