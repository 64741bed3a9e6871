"""Every limit: at it, beyond it, in words, and none of them in the way out."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.risk import Facts, Limits, Lock, Request, check, day_loss_ratio, drawdown_ratio
from cts.domain.types import PositionSide

GOOD = Facts(
    equity=Decimal(10_000),
    available=Decimal(9_000),
    peak_equity=Decimal(10_000),
    last_price=Decimal(60_000),
    price_age_s=0.5,
)
ASKED = Request(
    symbol="BTC/USDT:USDT",
    side=PositionSide.LONG,
    price=Decimal(60_000),
    notional=Decimal(600),
    margin=Decimal(60),
    leverage=10,
    max_venue_leverage=100,
)


def refused(facts: dict[str, Any] | None = None, asked: dict[str, Any] | None = None) -> str:
    verdict = check(
        msgspec.structs.replace(GOOD, **(facts or {})),
        limits=Limits(),
        request=msgspec.structs.replace(ASKED, **(asked or {})),
    )
    return verdict.refusal.code if verdict.refusal else ""


@pytest.mark.parametrize(
    ("facts", "asked", "code"),
    [
        ({}, {}, ""),
        ({"is_halted": True}, {}, "halted"),
        ({"is_armed": False}, {}, "armed"),
        ({"is_trading": False}, {}, "trading"),
        ({"unknown_orders": 1}, {}, "unknown_order"),
        ({"is_one_way": True, "opposite_quantity": Decimal(1)}, {}, "opposite_side"),
        ({"is_one_way": False, "opposite_quantity": Decimal(1)}, {}, ""),
        ({"locks": (Lock("stop_guard", "4 stops"),)}, {}, "stop_guard"),
        ({"open_positions": 49}, {}, ""),
        ({"open_positions": 50}, {}, "positions"),
        ({"positions_per_side": 2}, {}, ""),
        ({"positions_per_side": 3}, {}, "positions_per_side"),
        ({"orders_last_minute": 60}, {}, "orders_per_minute"),
        ({}, {"notional": Decimal(5_000)}, ""),
        ({}, {"notional": Decimal(5_001)}, "position_notional"),
        ({}, {"worst_notional": Decimal(5_001)}, "position_notional"),
        ({"total_notional": Decimal(49_400)}, {}, ""),
        ({"total_notional": Decimal(49_401)}, {}, "total_notional"),
        ({}, {"leverage": 21}, "leverage"),
        ({}, {"max_venue_leverage": 5}, "leverage"),
        ({"available": Decimal(1_060)}, {}, ""),
        ({"available": Decimal(1_059)}, {}, "free_margin"),
        ({"day_pnl": Decimal(-499)}, {}, ""),
        ({"day_pnl": Decimal(-530)}, {}, "daily_loss"),
        ({"peak_equity": Decimal(12_400)}, {}, ""),
        ({"peak_equity": Decimal(12_500)}, {}, "drawdown"),
        ({}, {"price": Decimal(61_200)}, ""),
        ({}, {"price": Decimal(61_201)}, "price_deviation"),
        ({"price_age_s": 3.0}, {}, ""),
        ({"price_age_s": 3.1}, {}, "price_age"),
        ({"price_age_s": None}, {}, "price_age"),
        ({"last_price": None}, {}, "price"),
        ({"equity": None}, {}, "equity"),
        ({"equity": Decimal(0)}, {}, "equity"),
    ],
)
def test_each_limit_at_and_beyond_it(facts: dict[str, Any], asked: dict[str, Any], code: str) -> None:
    assert refused(facts, asked) == code


def test_what_only_reduces_passes_everything_but_price_sanity() -> None:
    worst = {
        "is_halted": True,
        "is_armed": False,
        "unknown_orders": 3,
        "open_positions": 500,
        "equity": None,
        "available": None,
        "locks": (Lock("losing_streak", "8 in a row"),),
        "day_pnl": Decimal(-9_999),
        "price_age_s": None,
    }
    assert refused(worst, {"is_reduce_only": True, "leverage": 100}) == ""
    assert refused({**worst, "last_price": None}, {"is_reduce_only": True}) == ""
    assert refused({}, {"is_reduce_only": True, "price": Decimal(70_000)}) == "price_deviation"


def test_all_checks_are_made_even_after_one_has_failed() -> None:
    passing = check(GOOD, limits=Limits(), request=ASKED)
    failing = check(msgspec.structs.replace(GOOD, is_halted=True, open_positions=99), limits=Limits(), request=ASKED)
    assert len(passing.checks) == len(failing.checks) == 20
    assert [one.code for one in failing.checks if not one.is_passed] == ["halted", "positions"]


def test_every_check_says_its_numbers_in_a_sentence() -> None:
    verdict = check(msgspec.structs.replace(GOOD, open_positions=50), limits=Limits(), request=ASKED)
    assert verdict.refusal is not None
    assert verdict.refusal.sentence == "50 open positions on this connection; the limit is 50"
    assert all(one.sentence and one.value and one.limit for one in verdict.checks)


@given(st.decimals("1", "1000000", places=2), st.decimals("-1000000", "1000000", places=2))
def test_ratios_of_loss_are_never_negative(equity: Decimal, day_pnl: Decimal) -> None:
    facts = msgspec.structs.replace(GOOD, equity=equity, day_pnl=day_pnl)
    assert day_loss_ratio(facts) >= 0
    assert drawdown_ratio(facts) >= 0


def test_the_days_loss_is_a_share_of_what_the_day_began_with() -> None:
    assert day_loss_ratio(msgspec.structs.replace(GOOD, equity=Decimal(9_500), day_pnl=Decimal(-500))) == 0.05
