"""The sum from equity to quantity, every step of it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.sizing import SizingInput, minimum_quantity, size, size_given
from cts.domain.types import Instrument, Market


def instrument(**fields: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "venue_symbol": "BTCUSDT",
        "market": Market.LINEAR,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "tick_size": Decimal("0.1"),
        "lot_step": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "min_notional": Decimal(5),
    }
    return Instrument(**{**values, **fields})


def given_(**fields: Any) -> SizingInput:
    values: dict[str, Any] = {"equity": Decimal(10_000), "price": Decimal(60_000), "leverage": 10}
    return SizingInput(**{**values, **fields})


@pytest.mark.parametrize(
    ("fields", "quantity"),
    [
        ({}, "0.003"),  # 10,000 / 50 = 200; / 60,000 = 0.00333
        ({"volume_factor": Decimal(2)}, "0.006"),
        ({"adjust_ratio": 1.5}, "0.005"),
        ({"target_positions": 20}, "0.008"),
        ({"mode": "cost", "position_cost_ratio": 0.01}, "0.001"),  # 10,000 x 0.01 = 100; 0.00166
        ({"equity": Decimal(100)}, "0.001"),  # raised to the minimum
        ({"equity": Decimal(100), "enforce_minimum": False}, "0"),
    ],
)
def test_quantity_by_example(fields: dict[str, Any], quantity: str) -> None:
    assert size(given_(**fields), instrument=instrument()).quantity == Decimal(quantity)


def test_every_step_of_the_sum_is_kept_in_order() -> None:
    sized = size(given_(), instrument=instrument())
    assert [step.name for step in sized.steps] == [
        *("equity", "volume_factor", "adjust_ratio", "target_positions", "wanted_notional", "price", "raw_quantity"),
        *("floored_quantity", "minimum_quantity", "quantity", "notional", "leverage", "margin"),
    ]
    assert (sized.notional, sized.margin) == (Decimal(180), Decimal(18))


def test_what_is_below_the_minimum_says_so_or_is_raised() -> None:
    small = given_(equity=Decimal(100))
    raised = size(small, instrument=instrument())
    assert (raised.is_raised, raised.refusal) == (True, "")
    refused = size(given_(equity=Decimal(100), enforce_minimum=False), instrument=instrument())
    assert refused.refusal == "0.000033333333 BTC asked for; the venue takes at least 0.001 BTC"


def test_the_minimum_meets_the_notional_on_the_lot_step() -> None:
    assert minimum_quantity(instrument(min_notional=Decimal(100)), price=Decimal(60_000)) == Decimal("0.002")


def test_a_chosen_quantity_is_floored_and_never_raised() -> None:
    sized = size_given(Decimal("0.0129"), price=Decimal(60_000), leverage=10, instrument=instrument())
    assert sized.quantity == Decimal("0.012")
    assert size_given(Decimal("0.0001"), price=Decimal(60_000), leverage=10, instrument=instrument()).refusal


def test_a_chosen_quantity_below_the_minimum_names_both() -> None:
    sized = size_given(Decimal("0.0004"), price=Decimal(60_000), leverage=10, instrument=instrument())
    assert sized.refusal == "0.0004 BTC asked for; the venue takes at least 0.001 BTC"
    assert sized.steps[0].value == Decimal("0.0004")


def test_a_value_below_the_minimum_is_told_in_money() -> None:
    coin = instrument(base="XRP", lot_step=Decimal("0.1"), min_quantity=Decimal("0.1"))
    sized = size_given(Decimal("2.25"), price=Decimal("1.3"), leverage=10, instrument=coin)
    assert sized.refusal == "2.2 XRP is worth 2.86 USDT, at least 5 USDT is needed: 3.9 XRP at this price"


def test_no_more_is_reduced_than_is_held() -> None:
    sums: dict[str, Any] = {"price": Decimal(60_000), "leverage": 10, "is_minimum_waived": True}
    sized = size_given(Decimal("0.5"), instrument=instrument(), held=Decimal("0.04"), **sums)
    assert sized.quantity == Decimal("0.040")
    assert {step.name: step.value for step in sized.steps}["held_quantity"] == Decimal("0.04")
    assert size_given(Decimal("0.01"), instrument=instrument(), held=Decimal("0.04"), **sums).quantity == Decimal(
        "0.01"
    )


def test_what_only_reduces_may_be_below_the_venues_notional() -> None:
    dust = size_given(Decimal("0.001"), price=Decimal(10), leverage=1, instrument=instrument(), is_minimum_waived=True)
    assert (dust.quantity, dust.refusal) == (Decimal("0.001"), "")


def test_the_venues_maximum_caps_it() -> None:
    capped = size(given_(volume_factor=Decimal(10)), instrument=instrument(max_quantity=Decimal("0.0205")))
    assert capped.quantity == Decimal("0.020")


def test_the_venues_maximum_at_market_caps_what_fills_at_market_and_says_so() -> None:
    rules = instrument(max_quantity=Decimal(1), max_market_quantity=Decimal("0.0205"))
    at_market = size(given_(volume_factor=Decimal(10)), instrument=rules)
    (step,) = [step for step in at_market.steps if step.name == "quantity"]
    assert (at_market.quantity, step.label) == (
        Decimal("0.020"),
        "Cut to the most the venue takes in one such order",
    )
    assert size(given_(volume_factor=Decimal(10)), instrument=rules, is_market=False).quantity > Decimal("0.020")
    asked: dict[str, Any] = {"price": Decimal(60000), "leverage": 1, "instrument": rules}
    assert size_given(Decimal("0.5"), **asked).quantity == Decimal("0.020")
    assert size_given(Decimal("0.5"), **asked, is_market=False).quantity == Decimal("0.5")


@given(
    equity=st.decimals("1", "10000000", places=2),
    price=st.decimals("0.0001", "200000", places=4),
    step=st.sampled_from([Decimal("0.001"), Decimal("0.1"), Decimal(1), Decimal(10)]),
    factor=st.decimals("0.1", "10", places=1),
)
def test_a_quantity_is_on_the_lot_and_never_above_what_was_wanted_unless_raised(
    equity: Decimal, price: Decimal, step: Decimal, factor: Decimal
) -> None:
    rules = instrument(lot_step=step, min_quantity=step)
    sized = size(given_(equity=equity, price=price, volume_factor=factor), instrument=rules)
    assert sized.quantity % step == 0
    wanted = equity * factor / 50
    if not sized.is_raised:
        assert sized.notional <= wanted
    assert sized.quantity >= minimum_quantity(rules, price=price)
