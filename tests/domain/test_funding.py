"""Whose funding it is: exact to the last place, whatever was held."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.funding import Holding, funding_shares
from cts.domain.position import EXACT
from cts.domain.types import PositionSide

L, S = PositionSide.LONG, PositionSide.SHORT


def held(*rows: tuple[PositionSide, str]) -> list[Holding]:
    return [Holding(id=n, side=side, quantity=Decimal(quantity)) for n, (side, quantity) in enumerate(rows, 1)]


def shares(amounts: list[str], rows: list[Holding]) -> list[dict[int, str]]:
    found = funding_shares([Decimal(amount) for amount in amounts], rows)
    return [{pk: str(part.normalize()) for pk, part in parts.items()} for parts in found]


@pytest.mark.parametrize(
    ("amounts", "rows", "expected"),
    [
        (["-1.5"], held((L, "2")), [{1: "-1.5"}]),
        (["-1.5"], held((L, "2"), (L, "1")), [{1: "-1", 2: "-0.5"}]),
        (["0.3"], held((S, "1"), (S, "1"), (S, "1")), [{1: "0.1", 2: "0.1", 3: "0.1"}]),
        # Of 3 long and 1 short the venue takes for 2: the long has paid 3, the short received 1.
        (["-2"], held((L, "3"), (S, "1")), [{1: "-3", 2: "1"}]),
        # An amount for each leg: the larger is the larger leg's.
        (["1", "-3"], held((L, "3"), (S, "1")), [{2: "1"}, {1: "-3"}]),
        (["-3", "1"], held((S, "1"), (L, "3")), [{2: "-3"}, {1: "1"}]),
        # Equal legs of one amount: nobody knows better.
        (["-1"], held((L, "1"), (S, "1")), [{1: "-0.5", 2: "-0.5"}]),
        (["-1"], [], [{}]),
        (["-1"], held((L, "0")), [{}]),
    ],
)
def test_whose_it_is(amounts: list[str], rows: list[Holding], expected: list[dict[int, str]]) -> None:
    assert shares(amounts, rows) == expected


quantities = st.decimals("0.000001", "1000000", places=6)
holdings = st.lists(st.tuples(st.sampled_from(PositionSide), quantities), min_size=1, max_size=6).map(
    lambda rows: [Holding(id=n, side=side, quantity=quantity) for n, (side, quantity) in enumerate(rows)]
)


@given(st.lists(st.decimals("-10000", "10000", places=8), min_size=1, max_size=2), holdings)
def test_the_parts_add_up_to_what_was_moved(amounts: list[Decimal], rows: list[Holding]) -> None:
    for amount, parts in zip(amounts, funding_shares(amounts, rows), strict=True):
        with localcontext(EXACT):
            assert sum(parts.values(), Decimal(0)) == amount
