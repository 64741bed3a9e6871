"""When a position is to be closed, tick by tick, as a trader would read it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cts.domain.exits import ExitView, followed, levels, position_on_tick
from cts.domain.types import PositionSide

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def view(side: PositionSide = LONG, **fields: Any) -> ExitView:
    return ExitView(side=side, entry_price=100.0, **fields)


TRAIL: dict[str, Any] = {"trail_arm_ratio": 0.01, "trail_give_back_ratio": 0.005}


@pytest.mark.parametrize(
    ("looking", "ticks", "reason", "at"),
    [
        (view(target_price=101.0), [100.5, 100.9, 101.0], "target", 2),
        (view(SHORT, target_price=99.0), [99.5, 99.01, 98.9], "target", 2),
        (view(stop_price=99.0, is_stop_on_venue=False), [99.5, 99.0], "stop", 1),
        (view(stop_price=99.0), [99.5, 98.0, 90.0], None, -1),
        (view(SHORT, stop_price=101.0, is_stop_on_venue=False), [100.5, 101.5], "stop", 1),
        (view(**TRAIL), [100.9, 100.1, 100.9], None, -1),
        (view(**TRAIL), [101.0, 102.0, 101.6, 101.4], "trail", 3),
        (view(SHORT, **TRAIL), [99.0, 98.0, 98.4, 98.5], "trail", 3),
        (view(best_price=102.0, **TRAIL), [101.4], "trail", 0),
        (view(target_price=101.0, **TRAIL), [101.0], "target", 0),
    ],
)
def test_the_tick_that_closes(looking: ExitView, ticks: list[float], reason: str | None, at: int) -> None:
    found = None
    for number, price in enumerate(ticks):
        found = position_on_tick(looking, price, NOON)
        looking = followed(looking, price)
        if found:
            assert (found, number) == (reason, at)
            return
    assert (found, at) == (reason, -1)


def test_time_is_up_at_the_minute_not_before() -> None:
    late = view(timeout_at=NOON)
    assert position_on_tick(late, 100.0, NOON - timedelta(seconds=1)) is None
    assert position_on_tick(late, 100.0, NOON) == "timeout"


def test_the_same_view_comes_back_when_nothing_moved() -> None:
    looking = view(**TRAIL)
    assert followed(looking, 100.2) is looking


def test_levels_lie_on_the_tick_and_mirror_for_shorts() -> None:
    tick = Decimal("0.5")
    long = levels(LONG, entry_price=Decimal(100), tick_size=tick, target_ratio=0.0123, stop_ratio=0.0049)
    short = levels(SHORT, entry_price=Decimal(100), tick_size=tick, target_ratio=0.0123, stop_ratio=0.0049)
    assert (long.target_price, long.stop_price) == (Decimal(101), Decimal("99.5"))
    assert (short.target_price, short.stop_price) == (Decimal(99), Decimal("100.5"))


def test_no_ratio_no_level_and_never_below_one_tick() -> None:
    found = levels(LONG, entry_price=Decimal(1), tick_size=Decimal("0.1"), target_ratio=None, stop_ratio=1.5)
    assert (found.target_price, found.stop_price) == (None, Decimal("0.1"))
