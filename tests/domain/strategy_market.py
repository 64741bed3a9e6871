"""Markets for the strategy's tests: candle tables a trader can read, and random walks for Hypothesis."""

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import strategies as st

from cts.domain.bars import Bars
from cts.domain.configurations import Configuration
from cts.domain.types import Line, PositionSide

START_MS = 1_800_000_000_000
COST = 0.001


def bars_of(rows: Iterable[Sequence[float]], *, timeframe_s: int = 1, start_ms: int = START_MS) -> Bars:
    """Rows of (open, high, low, close), one interval after the other; an empty row is an interval without a bar."""
    kept = [(start_ms + 1000 * timeframe_s * place, *row) for place, row in enumerate(rows) if row]
    table = np.array(kept, dtype=np.float64).reshape(len(kept), 5)
    columns = [np.ascontiguousarray(table[:, place]) for place in range(1, 5)]
    return Bars(timeframe_s, table[:, 0].astype(np.int64), *columns)


def line(
    side: str = "long",
    *,
    target: int = 10,
    stop: float = 0.5,
    trail: tuple[float, float] | None = None,
    line_id: int = 1,
    indication: str = "move",
    parameters: dict[str, float] | None = None,
) -> Line:
    """T = 10 steps of 0.1 %: target 1 % away; S = 0.5: stop 0.5 % away. `trail` in ratios."""
    return Line(
        id=line_id,
        symbol="BTC/USDT:USDT",
        side=PositionSide(side),
        indication=indication,
        parameters=parameters or MOVE,
        take_profit_steps=target,
        stop_loss_ratio=stop,
        position_cost_ratio=COST,
        trail_arm_ratio=trail[0] if trail else None,
        trail_give_back_ratio=trail[1] if trail else None,
    )


MOVE = {"moves": 5.0, "drawdown_ratio": 0.3, "market_change_steps": 3.0, "last_part_ratio": 1.0}


def configuration(
    indication: str = "move", *, target: int = 4, stop: float = 0.8, **parameters: float
) -> Configuration:
    return Configuration(
        indication=indication,
        parameters={**MOVE, **parameters},
        take_profit_steps=target,
        stop_loss_ratio=stop,
    )


@st.composite
def candle_rows(draw: st.DrawFn, *, most: int = 120, gaps: bool = False) -> list[tuple[float, ...]]:
    """A rough walk of moves up to 0.4 %, wicks up to 0.2 %, some intervals without a bar."""
    moves = draw(st.lists(st.integers(-40, 40), min_size=2, max_size=most))
    wicks = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=len(moves), max_size=len(moves)))
    missing = draw(st.sets(st.integers(0, len(moves) - 1), max_size=len(moves) // 2)) if gaps else set()
    rows: list[tuple[float, ...]] = []
    price = 100.0
    for place, (move, (up, down)) in enumerate(zip(moves, wicks, strict=True)):
        if place in missing:
            rows.append(())
            continue
        opened, price = price, round(price * (1 + move / 10_000), 4)
        high, low = max(opened, price) * (1 + up / 10_000), min(opened, price) * (1 - down / 10_000)
        rows.append((opened, round(high, 4), round(low, 4), price))
    return rows
