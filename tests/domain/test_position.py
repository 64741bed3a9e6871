"""A position as a fold: replay, repetition and order of arrival change nothing; every cent is accounted for."""

from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.pnl import net, unrealized, unrealized_of
from cts.domain.position import EXACT, Execution, PositionState, apply, fold, split
from cts.domain.types import PositionSide, Side

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BUY, SELL = Side.BUY, Side.SELL


def trade(number: int, side: Side, quantity: str, price: str, *, fee: str = "0", at_ms: int | None = None) -> Execution:
    return Execution(
        trade_id=f"t{number}",
        side=side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        at_ms=number if at_ms is None else at_ms,
    )


prices = st.decimals("0.00000001", "200000", places=8)
quantities = st.decimals("0.00000001", "100000", places=8)


@st.composite
def executions(draw: st.DrawFn) -> list[Execution]:
    raw = draw(st.lists(st.tuples(st.sampled_from(Side), quantities, prices, st.integers(0, 30)), max_size=25))
    return [
        Execution(trade_id=f"t{i}", side=side, price=price, quantity=quantity, fee=price / 1000, at_ms=at)
        for i, (side, quantity, price, at) in enumerate(raw)
    ]


@pytest.mark.parametrize(
    ("side", "trades", "quantity", "realized", "average"),
    [
        (LONG, [(BUY, "1", "100"), (SELL, "1", "110")], "0", "10", "100"),
        (SHORT, [(SELL, "1", "100"), (BUY, "1", "110")], "0", "-10", "100"),
        (LONG, [(BUY, "1", "100"), (BUY, "1", "110")], "2", "0", "105"),
        (LONG, [(BUY, "1", "100"), (BUY, "1", "110"), (SELL, "1", "120")], "1", "15", "105"),
        (LONG, [(BUY, "2", "100"), (SELL, "1", "90"), (BUY, "1", "80"), (SELL, "2", "100")], "0", "10", "93.33"),
    ],
)
def test_average_cost_by_example(
    side: PositionSide, trades: list[tuple[Side, str, str]], quantity: str, realized: str, average: str
) -> None:
    state = fold(side, [trade(i, *each) for i, each in enumerate(trades)])
    assert state.quantity == Decimal(quantity)
    assert state.realized_pnl == Decimal(realized)
    assert state.average_entry_price is not None
    assert round(state.average_entry_price, 2) == round(Decimal(average), 2)


def test_closing_too_much_is_kept_as_excess_and_settled_by_the_entry_that_was_late() -> None:
    early = fold(LONG, [trade(2, SELL, "1", "110")])
    assert (early.quantity, early.excess, early.is_flat) == (Decimal(0), Decimal(1), False)
    late = fold(LONG, [trade(2, SELL, "1", "110"), trade(1, BUY, "1", "100")])
    assert (late.excess, late.realized_pnl, late.is_flat) == (Decimal(0), Decimal(10), True)


def test_crossing_zero_closes_one_part_and_opens_the_other() -> None:
    state = fold(LONG, [trade(1, BUY, "1", "100"), trade(2, SELL, "3", "110")])
    assert (state.realized_pnl, state.excess, state.cost) == (Decimal(10), Decimal(2), Decimal(220))
    taken, left = split(fold(LONG, [trade(1, BUY, "1", "100")]), trade(2, SELL, "3", "110"))
    assert (taken, left) == (Decimal(1), Decimal(2))


def test_an_entry_is_never_split() -> None:
    assert split(PositionState(side=LONG), trade(1, BUY, "3", "100")) == (Decimal(3), Decimal(0))


@given(executions(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(trades: list[Execution], random: object) -> None:
    shuffled = [*trades, *trades[: len(trades) // 2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(LONG, shuffled) == fold(LONG, trades)


@given(executions(), prices, st.sampled_from(PositionSide))
def test_realized_and_unrealized_are_the_change_of_equity(
    trades: list[Execution], price: Decimal, side: PositionSide
) -> None:
    state = fold(side, trades)
    signs = [1 if each.side is BUY else -1 for each in trades]
    cash = Decimal(0)
    held = Decimal(0)
    for sign, each in zip(signs, trades, strict=True):
        cash = EXACT.subtract(cash, EXACT.multiply(sign * each.quantity, each.price))
        held = EXACT.add(held, sign * each.quantity)
    change = EXACT.add(cash, EXACT.multiply(held, price))
    assert EXACT.add(state.realized_pnl, unrealized_of(state, price=price)) == change


def test_a_result_of_more_than_28_digits_keeps_them_all() -> None:
    trades = [trade(0, BUY, "0.75163784", "25.72773881"), trade(1, BUY, "99999.123456789012345678", "100000.33559271")]
    state, price = fold(LONG, trades), Decimal("0.00001279")
    with localcontext(EXACT):
        worth = sum((each.quantity * (price - each.price) for each in trades), Decimal(0))
    assert unrealized_of(state, price=price) == worth


def test_no_digit_is_lost_however_long_the_numbers() -> None:
    price, quantity = "123456789012345678.123456789012345678", "98765432109876543.210987654321098765"
    state = fold(LONG, [trade(1, BUY, quantity, price), trade(2, BUY, "0.000000000000000001", "1")])
    exact = EXACT.multiply(Decimal(price), Decimal(quantity))
    assert state.cost == EXACT.add(exact, Decimal("0.000000000000000001"))


@given(executions())
def test_a_flat_position_has_realized_exactly_what_was_paid_and_received(trades: list[Execution]) -> None:
    state = fold(LONG, trades)
    rest = Execution(
        trade_id="last",
        side=SELL if state.net > 0 else BUY,
        price=Decimal(7),
        quantity=abs(state.net) or Decimal(1),
        at_ms=99,
    )
    if state.is_flat:
        return
    flat = apply(state, rest)
    assert flat.is_flat
    assert flat.cost == 0
    assert flat.realized_pnl == EXACT.subtract(flat.exited_value, flat.entered_value)


@given(executions())
def test_nothing_is_ever_negative(trades: list[Execution]) -> None:
    state = fold(SHORT, trades)
    assert state.quantity >= 0
    assert state.excess >= 0
    assert state.cost >= 0
    assert state.peak_quantity >= state.quantity


@given(executions(), st.integers(0, 25))
def test_folding_in_two_batches_is_folding_at_once(trades: list[Execution], cut: int) -> None:
    ordered = sorted(trades, key=lambda one: (one.at_ms, one.side is SELL, one.trade_id))
    state = fold(LONG, ordered[:cut])
    for each in ordered[cut:]:
        state = apply(state, each)
    assert state == fold(LONG, trades)


@given(st.lists(prices, min_size=1, max_size=20))
def test_fees_add_up_whatever_the_side(fees: list[Decimal]) -> None:
    trades = [
        msgspec.structs.replace(trade(i, BUY if i % 2 else SELL, "1", "1"), fee=fee) for i, fee in enumerate(fees)
    ]
    assert fold(LONG, trades).fees == sum(fees)


def test_net_takes_fees_off_and_adds_funding_received() -> None:
    assert net(Decimal(10), fees=Decimal("0.6"), funding=Decimal("-0.1")) == Decimal("9.3")
    assert unrealized(SHORT, quantity=Decimal(2), entry_price=Decimal(100), price=Decimal(90)) == Decimal(20)
