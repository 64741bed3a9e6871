"""The entry signals: what a trader sees in the table is when they fire; live and over history they are one function."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cts.domain.errors import DomainError
from cts.domain.indications import registry
from cts.domain.indications.base import Indication
from cts.domain.window import Samples
from tests.domain.strategy_market import COST

STEP = 0.1  # one step of a price near 100
prices_strategy = st.lists(st.integers(-30, 30), min_size=31, max_size=90).map(
    lambda moves: (100 * np.cumprod(1 + np.array(moves) / 10_000)).tolist()
)
row_strategy = st.tuples(
    st.integers(3, 30).map(float),
    st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]),
    st.sampled_from([1.0, 3.0, 5.0]),
    st.sampled_from([1.0, 1.5, 2.0]),
)


def path(*steps: float) -> list[float]:
    """Prices from 100 on, each the given number of steps further."""
    prices = [100.0]
    for step in steps:
        prices.append(prices[-1] * (1 + step * COST))
    return prices


def samples(prices: list[float]) -> Samples:
    return Samples(np.array(prices), 60, COST)


def says(name: str, prices: list[float], row: tuple[float, ...]) -> int:
    return int(registry.get(name).sides(samples(prices), np.array([row]), len(prices) - 1)[0, 0])


# moves, drawdown, change, last part
@pytest.mark.parametrize(
    ("steps", "row", "expected"),
    [
        ((1, 1, 1, 1, 1), (5, 0.1, 5, 1.0), 1),
        ((-1, -1, -1, -1, -1), (5, 0.1, 3, 1.0), -1),
        ((1, 1, 1, 1, 0.9), (5, 0.1, 5, 1.0), 0),  # the last part is slower than the whole
        ((1, 1, 1, 1, 2), (5, 0.1, 3, 1.5), 1),
        ((1, 1, 1, 1, 2), (5, 0.1, 3, 2.0), 0),
        ((2, -1, 2, -1, 3), (5, 0.1, 5, 1.5), 1),  # 3 of 5 agree: just enough
        ((3, -1, 3, -1, -0.1, 4), (6, 0.1, 5, 1.0), 0),  # 3 of 6 do not
        ((2, 2, 2, 2, -2), (5, 0.3, 3, 1.0), 1),  # gives back 2 of 8: a quarter
        ((2, 2, 2, 2, -2), (5, 0.2, 3, 1.0), 0),
        ((9, 1, 1, 1, 1, 1), (5, 0.1, 5, 1.0), 1),  # what was before the window does not count
        ((0, 0, 0, 0, 0), (5, 0.5, 1, 1.0), 0),
        ((1, 1), (3, 0.5, 1, 1.0), 0),  # not enough moves yet
    ],
)
def test_move_continues_what_went_on(steps: tuple[float, ...], row: tuple[float, ...], expected: int) -> None:
    assert says("move", path(*steps), row) == expected


@pytest.mark.parametrize(
    ("steps", "row", "expected"),
    [
        ((-1, -1, -1, -1, 2), (5, 0.1, 3, 1.5), 1),
        ((1, 1, 1, 1, -2), (5, 0.1, 3, 1.5), -1),
        ((-1, -1, -1, -1, 2), (5, 0.1, 5, 1.5), 0),  # fell 4 steps only
        ((-1, -1, -1, -1, 1.4), (5, 0.1, 3, 1.5), 0),  # turned too slowly
        ((-1, -1, -1, -1, -3), (5, 0.1, 3, 1.5), 0),  # did not turn
        ((-1, -1, -1, -1, -1, -1, -1, -1, 4, -1), (10, 0.3, 3, 1.5), 1),  # gave back 1 of 4 since the turn
        ((-1, -1, -1, -1, -1, -1, -1, -1, 4, -1), (10, 0.2, 3, 1.5), 0),
        ((0, 0, 0, 0, 3), (5, 0.5, 1, 1.0), 0),
    ],
)
def test_direction_follows_a_turn(steps: tuple[float, ...], row: tuple[float, ...], expected: int) -> None:
    assert says("direction", path(*steps), row) == expected


@pytest.mark.parametrize("name", ["move", "direction"])
def test_the_grid_has_2800_sets_of_exact_decimals(name: str) -> None:
    indication = registry.get(name)
    rows = indication.rows()
    assert len(rows) == len(set(rows)) == indication.size == 2800
    assert sorted({row[1] for row in rows}) == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert [indication.row(indication.parameters_at(place)) for place in range(indication.size)] == rows


@pytest.mark.parametrize("name", ["move", "direction"])
@given(prices=prices_strategy, rows=st.lists(row_strategy, min_size=1, max_size=6))
def test_streaming_says_what_the_batch_says(name: str, prices: list[float], rows: list[tuple[float, ...]]) -> None:
    table = np.array(sorted(rows))
    batch = registry.get(name).sides(samples(prices), table, 0)
    for newest in range(len(prices)):
        seen = samples(prices[max(0, newest - 30) : newest + 1])  # as much as a window of the longest lookback holds
        assert registry.get(name).sides(seen, table, len(seen) - 1)[:, 0].tolist() == batch[:, newest].tolist()


@pytest.mark.parametrize("name", ["move", "direction"])
@given(prices=prices_strategy, row=row_strategy)
def test_the_kernel_equals_the_definition(name: str, prices: list[float], row: tuple[float, ...]) -> None:
    expected = {"move": plain_move, "direction": plain_direction}[name](prices, row)
    assume(expected is not None)
    assert says(name, prices, row) == expected


@pytest.mark.parametrize("name", ["move", "direction"])
@given(prices=prices_strategy, row=row_strategy)
def test_a_mirrored_market_gives_the_mirrored_side(name: str, prices: list[float], row: tuple[float, ...]) -> None:
    # The mirror of a price is not exact to the last bit: leave out what stands on a threshold.
    assume({"move": plain_move, "direction": plain_direction}[name](prices, row, margin=0.05) is not None)
    mirrored = [10_000 / price for price in prices]
    assert says(name, mirrored, row) == -says(name, prices, row)


@pytest.mark.parametrize("name", ["move", "direction"])
@given(prices=prices_strategy, row=row_strategy, later=prices_strategy)
def test_no_signal_sees_the_future(name: str, prices: list[float], row: tuple[float, ...], later: list[float]) -> None:
    table = np.array([row])
    before = registry.get(name).sides(samples(prices), table, 0)
    after = registry.get(name).sides(samples(prices + later), table, 0)
    assert before.tolist() == after[:, : len(prices)].tolist()


def test_the_explanation_tells_the_numbers_of_the_signal() -> None:
    told = registry.get("move").explain(samples(path(1, 1, 1, 1, 2)), np.array([5, 0.1, 3, 1.5]))
    assert told["net_steps"] == pytest.approx(6.014, abs=1e-3)
    assert told["strength"] == pytest.approx(told["net_steps"] / 3)
    assert told["speed_ratio"] == pytest.approx(2 / 1.2)
    assert told["agreeing_ratio"] == 1.0


def test_a_package_adds_its_indication_by_one_registration() -> None:
    always = Indication(
        name="always_long_test",
        label="Always long",
        grid={"n": (1.0, 2.0)},
        lookback=lambda parameters, timeframe_s: int(parameters["n"]),
        sides=lambda seen, table, first: np.ones((len(table), len(seen) - first), dtype=np.int8),
        explain=lambda seen, row: {"strength": 1.0},
    )
    registry.load_packages([always])
    wanted = [
        ("always_long_test", {"n": 2.0}),
        ("move", dict(zip(registry.get("move").grid, (3, 0.1, 1, 1), strict=True))),
    ]
    table = registry.SignalTable(wanted)
    assert table.newest(samples(path(0, 0, 0)))[table.index].tolist() == [1, 0]
    assert table.lookback(60) == 3
    with pytest.raises(DomainError, match="already"):
        registry.register(Indication(**{**{f: getattr(always, f) for f in always.__struct_fields__}, "label": "Other"}))


def test_a_package_that_gives_something_else_is_refused() -> None:
    with pytest.raises(DomainError, match="not an Indication"):
        registry.load_packages([object()])


def test_an_unknown_indication_is_named() -> None:
    with pytest.raises(DomainError, match="No indication is called magic"):
        registry.get("magic")


# --- the definitions of the domain, written the slow way; None where a test stands within `margin` of its threshold ----
def _moves(prices: list[float]) -> list[float]:
    return [(after / before - 1) / COST for before, after in pairwise(prices)]


def _speed(moves: list[float]) -> float:
    return sum(abs(move) for move in moves) / len(moves)


def _verdict(side: int, tests: list[float], margin: float) -> int | None:
    """`tests` are how far each condition is beyond its threshold."""
    if any(abs(test) < margin for test in tests):
        return None
    return side if all(test > 0 for test in tests) else 0


def plain_move(prices: list[float], row: tuple[float, ...], margin: float = 1e-6) -> int | None:
    n, drawdown, change, ratio = int(row[0]), *row[1:]
    window = prices[-n - 1 :]
    moves, last = _moves(window), round(0.2 * n)
    net = (window[-1] / window[0] - 1) / COST
    side = int(math.copysign(1, net))
    if not any(moves):
        return 0
    agreeing = sum(side * move > 0 for move in moves) / n - 0.6 + 1e-4
    best = max(side * price for price in window)
    given = (best - side * window[-1]) / (best - side * window[0]) if best > side * window[0] else 0.0
    speed = _speed(moves[-max(1, last) :]) - ratio * _speed(moves)
    return _verdict(side, [abs(net) - change, agreeing * 1000, drawdown - given, speed], margin)


def plain_direction(prices: list[float], row: tuple[float, ...], margin: float = 1e-6) -> int | None:
    n, drawdown, change, ratio = int(row[0]), *row[1:]
    window = prices[-n - 1 :]
    last = max(1, round(0.2 * n))
    turn = window[n - last]
    net_first, net_last = (turn / window[0] - 1) / COST, (window[-1] / turn - 1) / COST
    side = int(math.copysign(1, net_last))
    moves = _moves(window)
    best = max(side * price for price in window[n - last :])
    given = (best - side * window[-1]) / (best - side * turn) if best > side * turn else 0.0
    if not any(moves[:-last]):
        return 0
    speed = _speed(moves[-last:]) - ratio * _speed(moves[:-last])
    opposite = -net_first * net_last
    return _verdict(side, [abs(net_first) - change, opposite, drawdown - given, speed], margin)
