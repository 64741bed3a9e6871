"""Simulated positions: candles in, trades out; the fast lattice equals the plain reference trade by trade."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.lattice import Closed, Costs, Lattice
from cts.domain.types import Line
from tests.domain.slow_positions import Row, Trade, slow_gain, slow_trades
from tests.domain.strategy_market import START_MS, bars_of, candle_rows, line

FREE = Costs(fee_ratio=0, slippage_ratio=0, position_timeout_s=30)
DEAR = Costs(fee_ratio=0.00055, slippage_ratio=0.0001, position_timeout_s=30)
TRAIL = (0.003, 0.001)


def lattice(lines: Sequence[Line], *, costs: Costs = FREE) -> Lattice:
    return Lattice(lines, signals=np.arange(len(lines), dtype=np.int64), costs=costs)


def play(book: Lattice, rows: list[Row], says: dict[int, np.ndarray]) -> list[Closed]:
    closed: list[Closed] = []
    for place, (at_ms, opened, high, low, _) in enumerate(rows):
        if place in says:
            book.fire(says[place], at_ms=at_ms, price=opened)
        closed += book.step(at_ms=at_ms, first=opened, high=high, low=low)
    return closed


def one(candles: list[tuple[float, ...]], trader: Line, *, costs: Costs = FREE) -> tuple[str, float] | None:
    """A position entered at the first candle's open: how and where it ends."""
    says = {0: np.array([trader.side.sign], dtype=np.int8)}
    closed = play(lattice([trader], costs=costs), list(bars_of(candles).rows()), says)
    return (closed[0].reason, round(closed[0].exit_price, 6)) if closed else None


# Long from 100: target 101, stop 99.5. The short stands mirrored: target 99, stop 100.5.
@pytest.mark.parametrize(
    ("candles", "expected"),
    [
        ([(100, 100.4, 99.8, 100.2), (100.2, 101.3, 100.1, 101.2)], ("target", 101.0)),
        ([(100, 100.4, 99.8, 100.2), (100.2, 100.3, 99.2, 99.4)], ("stop", 99.5)),
        ([(100, 101.2, 99.4, 100.2)], ("stop", 99.5)),  # both inside one bar: the stop
        ([(100, 100.1, 99.9, 100), (101.7, 101.9, 101.5, 101.8)], ("target", 101.7)),  # opens beyond the target
        ([(100, 100.1, 99.9, 100), (98.9, 101.9, 98.8, 99)], ("stop", 98.9)),  # opens beyond the stop
        ([(100, 100.1, 99.9, 100)] * 30 + [(100.3, 103, 97, 100)], ("timeout", 100.3)),
        ([(100, 100.1, 99.9, 100)] * 30, None),
        ([(100, 100.99, 99.51, 100)], None),
    ],
)
def test_a_position_ends_by_target_stop_or_timeout(
    candles: list[tuple[float, ...]], expected: tuple[str, float] | None
) -> None:
    assert one(candles, line("long")) == expected
    mirrored = None if expected is None else (expected[0], round(200 - expected[1], 6))
    assert one([_mirror(candle) for candle in candles], line("short")) == mirrored


# Arms at +0.3 % (100.3 or 99.7), gives back 0.1 % of the best.
@pytest.mark.parametrize(
    ("side", "candles", "expected"),
    [
        ("long", [(100, 100.4, 99.9, 100.4), (100.4, 100.4, 100.2, 100.2)], ("trail", 100.2996)),
        (
            "long",
            [(100, 100.4, 99.9, 100.4), (100.4, 100.8, 100.35, 100.7), (100.7, 100.75, 100.6, 100.6)],
            ("trail", 100.6992),
        ),
        ("long", [(100, 100.29, 99.9, 100.2), (100.2, 100.2, 99.6, 99.7)], None),  # never armed
        ("long", [(100, 100.4, 99.9, 100.4), (100.1, 100.2, 100.0, 100.1)], ("trail", 100.1)),  # opens below the trail
        ("long", [(100, 100.4, 99.9, 100.4), (100.4, 101.5, 100.2, 101.0)], ("trail", 100.2996)),  # the worse order
        ("short", [(100, 100.1, 99.6, 99.6), (99.6, 99.8, 99.6, 99.8)], ("trail", 99.6996)),
        (
            "short",
            [(100, 100.1, 99.6, 99.6), (99.6, 99.65, 99.2, 99.25), (99.25, 99.4, 99.25, 99.4)],
            ("trail", 99.2992),
        ),
        ("short", [(100, 100.1, 99.71, 99.8), (99.8, 100.4, 99.8, 100.3)], None),
    ],
)
def test_a_trail_arms_follows_the_best_and_gives_back(
    side: str, candles: list[tuple[float, ...]], expected: tuple[str, float] | None
) -> None:
    assert one(candles, line(side, trail=TRAIL)) == expected


def _mirror(candle: tuple[float, ...]) -> tuple[float, ...]:
    opened, high, low, close = candle
    return 200 - opened, 200 - low, 200 - high, 200 - close


@pytest.mark.parametrize(("side", "leave"), [("long", 101.0), ("short", 99.0)])
def test_fee_and_slippage_of_both_sides_are_in_the_result(side: str, leave: float) -> None:
    candles = [(100.0, 100.0, 100.0, 100.0), (leave, leave, leave, leave)]
    says = {0: np.array([1 if side == "long" else -1], dtype=np.int8)}
    closed = play(lattice([line(side)], costs=DEAR), list(bars_of(candles).rows()), says)
    # 1 % less twice 0.055 % fee (on a little more or less than the entry) and twice 0.01 % slippage.
    assert closed[0].gain_ratio == pytest.approx(0.01 - 2 * 0.00055 - 2 * 0.0001, abs=1e-5)
    assert closed[0].gain_ratio < 0.01 - 2 * 0.00055


def test_a_line_holds_one_position_and_rests_after_it() -> None:
    flat, up = (100.0, 100.0, 100.0, 100.0), (100.0, 102.0, 100.0, 100.0)
    candles = [flat, up] + [flat] * 30
    always = {place: np.array([1], dtype=np.int8) for place in range(len(candles))}
    book = lattice([line("long")])
    rows = list(bars_of(candles).rows())
    assert [each.closed_ms for each in play(book, rows, always)] == [START_MS + 1000]
    assert book.state(0).opened_ms == START_MS + 21_000  # closed at second 1, cooldown 20 s


def test_a_signal_that_fired_is_not_looked_at_again_for_its_timeout() -> None:
    costs = Costs(fee_ratio=0, slippage_ratio=0, position_timeout_s=30, cooldown_s=0)
    flat = (100.0, 100.0, 100.0, 100.0)
    candles = [flat, (100.0, 102.0, 100.0, 100.0)] + [flat] * 20
    always = {place: np.array([1], dtype=np.int8) for place in range(len(candles))}
    book = lattice([line("long")], costs=costs)
    play(book, list(bars_of(candles).rows()), always)
    assert book.state(0).opened_ms == START_MS + 15_000


def test_long_and_short_lines_of_one_configuration_are_independent() -> None:
    book = Lattice([line("long"), line("short")], signals=np.array([0, 0]), costs=FREE)
    assert book.fire(np.array([1], dtype=np.int8), at_ms=START_MS, price=100.0) == [0]
    assert book.fire(np.array([-1], dtype=np.int8), at_ms=START_MS + 1000, price=100.0) == [1]
    assert book.open_count == 2
    assert [each.index for each in book.step(at_ms=START_MS + 2000, first=101.0, high=101.0, low=101.0)] == [0, 1]


line_strategy = st.builds(
    line,
    side=st.sampled_from(["long", "short"]),
    target=st.sampled_from([2, 4, 6, 10]),
    stop=st.sampled_from([0.2, 0.5, 1.0, 2.2]),
    trail=st.sampled_from([None, TRAIL, (0.006, 0.002)]),
)
game = st.tuples(
    candle_rows(gaps=True), st.lists(line_strategy, min_size=1, max_size=6), st.randoms(use_true_random=False)
)


def _signals(rows: list[Row], lines: list[Line], chance: object) -> dict[int, np.ndarray]:
    choice = chance.choice  # type: ignore[attr-defined]
    return {place: np.array([choice([-1, 0, 1]) for _ in lines], dtype=np.int8) for place in range(len(rows))}


def _told(closed: Closed) -> tuple[int, int, float, str]:
    return closed.opened_ms, closed.closed_ms, closed.entry_price, closed.reason


@given(game)
def test_the_lattice_equals_the_reference_trade_by_trade(
    drawn: tuple[list[tuple[float, ...]], list[Line], object],
) -> None:
    rows, lines = list(bars_of(drawn[0]).rows()), drawn[1]
    says = _signals(rows, lines, drawn[2])
    book = lattice(lines, costs=DEAR)
    closed = play(book, rows, says)
    for place, trader in enumerate(lines):
        mine = {bar: int(sides[place]) for bar, sides in says.items()}
        done, held, quiet = slow_trades(trader, mine, rows, DEAR)
        fast = [each for each in closed if each.index == place]
        assert [_told(each) for each in fast] == [(t.opened_ms, t.closed_ms, t.entry, t.reason) for t in done]
        assert [each.exit_price for each in fast] == pytest.approx([t.exit for t in done], rel=1e-12)
        assert [each.gain_ratio for each in fast] == pytest.approx(
            [slow_gain(trader, t, DEAR) for t in done], abs=1e-12
        )
        _same_state(book, place, held, quiet)


def _same_state(book: Lattice, place: int, held: Trade | None, quiet: int) -> None:
    state = book.state(place)
    assert state.quiet_until_ms == quiet
    if held is None:
        assert state.entry_price is None
    else:
        assert (state.entry_price, state.best_price, state.opened_ms) == (held.entry, held.best, held.opened_ms)


@given(game, st.integers(0, 120))
def test_a_restored_lattice_goes_on_as_if_never_interrupted(
    drawn: tuple[list[tuple[float, ...]], list[Line], object], cut: int
) -> None:
    rows, lines = list(bars_of(drawn[0]).rows()), drawn[1]
    says = _signals(rows, lines, drawn[2])
    whole = lattice(lines, costs=DEAR)
    expected = play(whole, rows, says)
    first, second = lattice(lines, costs=DEAR), lattice(lines, costs=DEAR)
    got = play(first, rows[:cut], says)
    second.restore({place: first.state(place) for place in range(len(lines))})
    got += play(second, rows[cut:], {place - cut: sides for place, sides in says.items()})
    assert got == expected
    assert [second.state(place) for place in range(len(lines))] == [whole.state(place) for place in range(len(lines))]


@given(candle_rows(), st.sampled_from([0.2, 0.5, 1.0]), st.sampled_from([2, 4, 10]))
def test_a_short_in_the_mirrored_market_earns_what_the_long_does(
    candles: list[tuple[float, ...]], stop: float, target: int
) -> None:
    long = one(candles, line("long", stop=stop, target=target))
    short = one([_mirror(candle) for candle in candles], line("short", stop=stop, target=target))
    if long is None or short is None:
        assert long is short
    else:
        assert long[0] == short[0]
        assert long[1] == pytest.approx(200 - short[1], abs=1e-5)


def test_a_tick_between_the_levels_touches_no_position(monkeypatch: pytest.MonkeyPatch) -> None:
    book = lattice([line("long", stop=0.5), line("long", stop=1.0)])
    book.fire(np.array([1, 1], dtype=np.int8), at_ms=START_MS, price=100.0)
    monkeypatch.setattr("cts.domain.simulation.sweep", lambda *args: pytest.fail("swept"))
    assert book.step(at_ms=START_MS + 1000, first=99.6, high=100.9, low=99.6) == []
