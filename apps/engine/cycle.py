"""From a line's event to the wish to trade. No I/O, no clock: everything it decides by is in the context."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cts.domain.levels import Level, Standing, Standings
from cts.domain.types import Line, LineEvent, LineStatistics, OrderIntent, OrderPurpose, Origin

OPENED = "opened"


@dataclass
class EngineContext:
    """What an engine knows of its connection, and of the lines it follows (shared with others: read only)."""

    connection_id: int
    standings: Standings
    lines: dict[int, Line]
    symbols: frozenset[str]
    is_armed: bool = False
    is_paused: bool = False
    # Closed from a lost private stream until orders, fills and positions are in step with the venue again.
    is_gate_open: bool = False
    timeout_s: float | None = None
    statistics: dict[int, LineStatistics] = field(default_factory=dict)


def on_line_event(ctx: EngineContext, event: LineEvent) -> OrderIntent | None:
    """An intent when a real line has opened and this connection may trade it."""
    if event.kind != OPENED or not ctx.standings.is_real(event.line_id, symbol=event.symbol, side=event.side):
        return None
    if not ctx.is_armed or ctx.is_paused or not ctx.is_gate_open:
        return None
    line = ctx.lines.get(event.line_id)
    if line is None or event.symbol not in ctx.symbols:
        return None
    return _intent(ctx, line, event)


def numbers_take_in(standings: Standings, statistics: dict[int, LineStatistics], event: LineEvent) -> None:
    """A line's new numbers, which may raise or lower it from its next opening on."""
    if event.statistics is None:
        return
    statistics[event.line_id] = event.statistics
    standings.update(
        Standing(
            line_id=event.line_id,
            symbol=event.symbol,
            side=event.side,
            base_state=event.base_state,
            statistics=event.statistics,
        )
    )


def _intent(ctx: EngineContext, line: Line, event: LineEvent) -> OrderIntent:
    return OrderIntent(
        # The signal's own time, not ours: hearing of it twice, or after a restart, is the same order.
        key=f"{ctx.connection_id}:{event.line_id}:{event.at_ms}:entry",
        connection_id=ctx.connection_id,
        symbol=event.symbol,
        position_side=event.side,
        purpose=OrderPurpose.ENTRY,
        origin=Origin.MAIN,
        price=event.price,
        at=datetime.fromtimestamp(event.at_ms / 1000, UTC),
        target_ratio=line.target_ratio,
        stop_ratio=line.stop_ratio,
        trail_arm_ratio=line.trail_arm_ratio,
        trail_give_back_ratio=line.trail_give_back_ratio,
        timeout_s=ctx.timeout_s,
        line_id=event.line_id,
        explanation=_explanation(ctx, line, event),
    )


def _explanation(ctx: EngineContext, line: Line, event: LineEvent) -> dict[str, object]:
    """What a trader is told of this trade: the configuration, the signal, and the numbers that made the line real."""
    numbers = ctx.statistics.get(event.line_id)
    return {
        "level": Level.REAL,
        "indication": line.indication,
        "parameters": line.parameters,
        "take_profit_steps": line.take_profit_steps,
        "stop_loss_ratio": line.stop_loss_ratio,
        "trail_arm_ratio": line.trail_arm_ratio,
        "trail_give_back_ratio": line.trail_give_back_ratio,
        "signal": event.signal,
        "signal_price": event.price,
        "signal_at_ms": event.at_ms,
        "statistics": {name: getattr(numbers, name) for name in numbers.__struct_fields__} if numbers else {},
    }
