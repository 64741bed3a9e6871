"""The simulated position told plainly: one at a time, bar by bar, nothing shared with the kernels it judges."""

from dataclasses import dataclass

from cts.domain.lattice import Costs
from cts.domain.types import Line

Row = tuple[int, float, float, float, float]


@dataclass
class Trade:
    opened_ms: int
    entry: float
    best: float
    closed_ms: int = 0
    exit: float = 0.0
    reason: str = ""


def slow_exit(line: Line, trade: Trade, row: Row, *, timeout_ms: int) -> bool:
    """Let one bar go by. True when the position ended in it."""
    at_ms, opened, high, low, _ = row
    long = line.side == "long"
    sign = 1 if long else -1
    target = trade.entry * (1 + sign * line.target_ratio)
    floor, why = trade.entry * (1 - sign * line.stop_ratio), "stop"
    arm = None if line.trail_arm_ratio is None else trade.entry * (1 + sign * line.trail_arm_ratio)
    if arm is not None and (trade.best >= arm if long else trade.best <= arm):
        trail = trade.best * (1 - sign * (line.trail_give_back_ratio or 0))
        if (trail > floor) if long else (trail < floor):
            floor, why = trail, "trail"
    leave = _leave(long, opened, high, low, target, floor, why, is_due=at_ms >= trade.opened_ms + timeout_ms)
    if leave is not None:
        trade.closed_ms, (trade.reason, trade.exit) = at_ms, leave
        return True
    reached = high if long else low
    if arm is not None and (reached >= arm if long else reached <= arm):
        trade.best = max(trade.best, reached) if long else min(trade.best, reached)
    return False


def _leave(
    long: bool, opened: float, high: float, low: float, target: float, floor: float, why: str, *, is_due: bool
) -> tuple[str, float] | None:
    if opened <= floor if long else opened >= floor:
        return why, opened
    if opened >= target if long else opened <= target:
        return "target", opened
    if is_due:
        return "timeout", opened
    if low <= floor if long else high >= floor:
        return why, floor
    if high >= target if long else low <= target:
        return "target", target
    return None


def slow_gain(line: Line, trade: Trade, costs: Costs) -> float:
    sign = line.side.sign
    paid = trade.entry * (1 + sign * costs.slippage_ratio)
    got = trade.exit * (1 - sign * costs.slippage_ratio)
    return sign * (got / paid - 1) - costs.fee_ratio - costs.fee_ratio * got / paid


def slow_trades(
    line: Line, says: dict[int, int], rows: list[Row], costs: Costs
) -> tuple[list[Trade], Trade | None, int]:
    """All trades of one line. `says`: bar -> side of the signal that may enter at its open."""
    done: list[Trade] = []
    held: Trade | None = None
    quiet_until = 0
    for place, row in enumerate(rows):
        if held is None and says.get(place) == line.side.sign and row[0] >= quiet_until:
            held = Trade(opened_ms=row[0], entry=row[1], best=row[1])
            quiet_until = row[0] + 1000 * costs.validation_timeout_s
        if held is not None and slow_exit(line, held, row, timeout_ms=1000 * costs.position_timeout_s):
            quiet_until = max(quiet_until, row[0] + 1000 * costs.cooldown_s)
            done.append(held)
            held = None
    return done, held, quiet_until
