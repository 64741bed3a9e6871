"""Which line events become the wish to trade, and that the wish says all of why."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engine.cycle import EngineContext, numbers_take_in, on_line_event
from cts.domain.levels import DEFAULT_RULES, Standing, Standings
from cts.domain.types import Line, LineEvent, LineStatistics, PositionSide

BTC = "BTC/USDT:USDT"
GOOD = LineStatistics(
    count=60,
    wins=40,
    win_rate=0.66,
    profit_factor=2.0,
    profit_factor_25=1.9,
    profit_factor_50=1.8,
    expectancy=0.002,
    payoff=1.5,
    drawdown_time_h=2.0,
    recent_24h_of_last_20=18,
    has_loss=True,
)
POOR = msgspec.structs.replace(GOOD, profit_factor_25=0.7, profit_factor_50=0.8)
LINE = Line(
    id=9,
    symbol=BTC,
    side=PositionSide.LONG,
    indication="move",
    parameters={"n": 8.0},
    take_profit_steps=4,
    stop_loss_ratio=0.5,
    position_cost_ratio=0.001,
    trail_arm_ratio=0.003,
    trail_give_back_ratio=0.001,
)
OPENED = LineEvent(
    kind="opened", study_id=1, line_id=9, symbol=BTC, side=PositionSide.LONG, price=100.0, at_ms=1_700_000_000_000
)


def _context(statistics: LineStatistics = GOOD, *, base_state: str = "active") -> EngineContext:
    standing = Standing(line_id=9, symbol=BTC, side=PositionSide.LONG, base_state=base_state, statistics=statistics)
    return EngineContext(
        connection_id=5,
        standings=Standings(DEFAULT_RULES, [standing]),
        lines={9: LINE},
        symbols=frozenset({BTC}),
        is_armed=True,
        is_gate_open=True,
        timeout_s=7200.0,
    )


def test_a_real_line_that_opens_on_an_armed_connection_is_an_intent_with_its_exits() -> None:
    intent = on_line_event(_context(), OPENED)
    assert intent is not None
    assert (intent.symbol, intent.position_side, intent.purpose, intent.origin) == (BTC, "long", "entry", "main")
    assert intent.target_ratio == pytest.approx(0.004)
    assert intent.stop_ratio == pytest.approx(0.002)
    assert (intent.trail_arm_ratio, intent.trail_give_back_ratio) == (0.003, 0.001)
    assert (intent.timeout_s, intent.line_id, intent.price) == (7200.0, 9, 100.0)
    assert intent.explanation["indication"] == "move"
    assert msgspec.json.encode(intent)


@pytest.mark.parametrize(
    "state",
    [
        {"is_armed": False},
        {"is_paused": True},
        {"is_gate_open": False},
        {"symbols": frozenset({"ETH/USDT:USDT"})},
        {"lines": {}},
    ],
)
def test_nothing_is_wished_for_while_the_connection_may_not_trade_it(state: dict[str, Any]) -> None:
    assert on_line_event(_context(), OPENED) is not None
    assert on_line_event(replace(_context(), **state), OPENED) is None


@pytest.mark.parametrize("kind", ["closed", "statistics"])
def test_only_an_opening_is_a_signal(kind: str) -> None:
    assert on_line_event(_context(), msgspec.structs.replace(OPENED, kind=kind)) is None


def test_a_line_that_is_not_real_gives_no_intent() -> None:
    assert on_line_event(_context(POOR), OPENED) is None
    assert on_line_event(_context(base_state="paused"), OPENED) is None
    assert on_line_event(_context(), msgspec.structs.replace(OPENED, side=PositionSide.SHORT)) is None


def test_new_numbers_raise_and_lower_the_line_from_the_next_opening_on() -> None:
    ctx = _context(POOR)
    news = msgspec.structs.replace(OPENED, kind="statistics", statistics=GOOD, base_state="active")
    numbers_take_in(ctx.standings, ctx.statistics, news)
    intent = on_line_event(ctx, OPENED)
    assert intent is not None
    assert intent.explanation["statistics"] == msgspec.structs.asdict(GOOD)
    numbers_take_in(ctx.standings, ctx.statistics, msgspec.structs.replace(news, statistics=POOR))
    assert on_line_event(ctx, OPENED) is None


def test_the_same_signal_heard_twice_has_one_key_and_another_has_another() -> None:
    ctx = _context()
    first, again = on_line_event(ctx, OPENED), on_line_event(ctx, msgspec.structs.replace(OPENED, price=101.0))
    later = on_line_event(ctx, msgspec.structs.replace(OPENED, at_ms=OPENED.at_ms + 1))
    assert first is not None
    assert again is not None
    assert later is not None
    assert first.key == again.key != later.key


@given(st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["opened", "closed", "statistics"]), st.booleans())
def test_an_intent_means_every_condition_held(
    is_armed: bool, is_paused: bool, is_gate_open: bool, kind: str, is_good: bool
) -> None:
    ctx = replace(
        _context(GOOD if is_good else POOR), is_armed=is_armed, is_paused=is_paused, is_gate_open=is_gate_open
    )
    wished = on_line_event(ctx, msgspec.structs.replace(OPENED, kind=kind)) is not None
    assert wished == (is_armed and not is_paused and is_gate_open and kind == "opened" and is_good)
