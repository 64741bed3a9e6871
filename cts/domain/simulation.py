"""Kernels of the simulated position: how one ends, a tick over many open ones, and whole lines over history.

All three stand in this file because they share `exit_of`: the disk cache of a kernel does not notice an edit elsewhere.

Prices of a position are held *signed*: multiplied by the side, so that for long and short alike higher is better, the
target lies above and the stop below.
"""

import numpy as np

from cts.domain.kernel import Flags, Floats, Integers, Sides, kernel

OPEN, TARGET, STOP, TRAIL, TIMEOUT = 0, 1, 2, 3, 4
REASONS = ("", "target", "stop", "trail", "timeout")
NEVER_MS = np.iinfo(np.int64).max


@kernel
def floor_of(side: float, stop: float, arm: float, give_back: float, best: float) -> tuple[float, int]:
    """(signed price, reason) at which a position leaves on the losing side: its stop, or its trail once that is armed."""
    if best >= arm:
        trail = best * (1.0 - side * give_back)
        if trail > stop:
            return trail, TRAIL
    return stop, STOP


@kernel
def exit_of(
    side: float,
    target: float,
    stop: float,
    arm: float,
    give_back: float,
    best: float,
    deadline_ms: int,
    at_ms: int,
    opened: float,
    high: float,
    low: float,
) -> tuple[int, float, float]:
    """(reason, signed exit price, signed best price) of an open position after one bar; a tick is a bar of one price.

    The order inside a bar is not known, so the worse one is assumed: floor before target, and the best price of this
    bar protects only from the next. A bar that opens beyond a level leaves at its open.
    """
    floor, reason = floor_of(side, stop, arm, give_back, best)
    first = side * opened
    worst, highest = (low, high) if side > 0.0 else (-high, -low)
    if first <= floor:
        return reason, first, best
    if first >= target:
        return TARGET, first, best
    if at_ms >= deadline_ms:
        return TIMEOUT, first, best
    if worst <= floor:
        return reason, floor, best
    if highest >= target:
        return TARGET, target, best
    if highest >= arm and highest > best:
        best = highest
    return OPEN, 0.0, best


@kernel
def net_gain(side: float, entry: float, leave: float, fee: float, slippage: float) -> float:
    """Gain as a ratio of the entry: slippage worsens both prices, the taker fee is paid on both notionals."""
    paid = entry * (1.0 + side * slippage)
    got = leave * (1.0 - side * slippage)
    return side * (got / paid - 1.0) - fee * (1.0 + got / paid)


@kernel
def sweep(
    lines: Integers,
    count: int,
    side: Floats,
    target: Floats,
    stop: Floats,
    arm: Floats,
    give_back: Floats,
    best: Floats,
    deadline_ms: Integers,
    at_ms: int,
    opened: float,
    high: float,
    low: float,
    closed: Integers,
    prices: Floats,
    reasons: Integers,
    guards: Floats,
) -> tuple[int, int, int]:
    """One bar over the `count` open `lines`: (still open, closed, earliest deadline); `guards` gets (ceiling, floor).

    Until a price reaches the ceiling or the floor, or the deadline comes, no position changes and no sweep is needed.
    """
    kept, gone, earliest = 0, 0, NEVER_MS
    ceiling, floor = np.inf, 0.0
    for place in range(count):
        line = lines[place]
        reason, price, now_best = exit_of(
            side[line], target[line], stop[line], arm[line], give_back[line], best[line], deadline_ms[line],
            at_ms, opened, high, low,
        )  # fmt: skip
        if reason != OPEN:
            closed[gone], prices[gone], reasons[gone] = line, side[line] * price, reason
            gone += 1
            continue
        best[line] = now_best
        lines[kept] = line
        kept += 1
        earliest = min(earliest, deadline_ms[line])
        above = min(target[line], max(arm[line], now_best))
        below, _ = floor_of(side[line], stop[line], arm[line], give_back[line], now_best)
        if side[line] > 0.0:
            ceiling, floor = min(ceiling, above), max(floor, below)
        else:
            ceiling, floor = min(ceiling, -below), max(floor, -above)
    guards[0], guards[1] = ceiling, floor
    return kept, gone, earliest


@kernel
def ready(sides: Sides, signal: Integers, side: Floats, is_open: Flags, quiet_until_ms: Integers, at_ms: int) -> Flags:
    """The lines whose signal points their way and that neither hold a position nor rest."""
    fires = np.zeros(len(side), dtype=np.bool_)
    for line in range(len(side)):
        said = sides[signal[line]]
        if said != 0 and said * side[line] > 0.0 and not is_open[line] and at_ms >= quiet_until_ms[line]:
            fires[line] = True
    return fires


@kernel
def hold(
    bar_ms: Integers,
    bar_open: Floats,
    bar_high: Floats,
    bar_low: Floats,
    bar: int,
    exits: Floats,
    timeout_ms: int,
) -> tuple[int, float, float, int]:
    """A position entered at the open of `bar`: (reason, signed exit price, signed best, bar of the exit)."""
    side, entry = exits[0], bar_open[bar]
    target, stop = side * entry * (1.0 + side * exits[1]), side * entry * (1.0 - side * exits[2])
    arm = side * entry * (1.0 + side * exits[3]) if exits[3] < np.inf else np.inf
    best, deadline_ms = side * entry, bar_ms[bar] + timeout_ms
    for at in range(bar, len(bar_ms)):
        reason, price, best = exit_of(
            side, target, stop, arm, exits[4], best, deadline_ms, bar_ms[at], bar_open[at], bar_high[at], bar_low[at]
        )
        if reason != OPEN:
            return reason, price, best, at
    return OPEN, 0.0, best, len(bar_ms)


@kernel
def simulate(
    bar_ms: Integers,
    bar_open: Floats,
    bar_high: Floats,
    bar_low: Floats,
    entry_bar: Integers,
    sides: Sides,
    signal: Integers,
    exits: Floats,
    costs: Floats,
    times_ms: Integers,
    times: Integers,
    values: Floats,
    reasons: Sides,
    counts: Integers,
    left: Floats,
    left_ms: Integers,
) -> None:
    """Every line over the whole run of bars, hopping from position to position; the newest results are kept in rings.

    Row of `exits`: side, target, stop, arm, give-back as ratios (arm infinite without trailing). `costs`: fee,
    slippage. `times_ms`: timeout, validation, cooldown. Out, per line: rings `times` (opened, closed), `values` (entry,
    exit, gain) and `reasons`; `counts` of all positions; the position `left` open (entry, best; entry 0: none) with
    `left_ms` (opened, quiet until).
    """
    for line in range(len(signal)):
        side, said = exits[line, 0], sides[signal[line]]
        free_from, quiet_until = -1, 0
        for sample in range(len(entry_bar)):
            bar = entry_bar[sample]
            if said[sample] * side <= 0.0 or bar <= free_from or bar_ms[bar] < quiet_until:
                continue
            reason, price, best, at = hold(bar_ms, bar_open, bar_high, bar_low, bar, exits[line], times_ms[0])
            quiet_until, entry = bar_ms[bar] + times_ms[1], bar_open[bar]
            if reason == OPEN:
                left[line, 0], left[line, 1], left_ms[line, 0] = entry, side * best, bar_ms[bar]
                break
            quiet_until, free_from = max(quiet_until, bar_ms[at] + times_ms[2]), at
            slot = counts[line] % times.shape[1]
            times[line, slot, 0], times[line, slot, 1] = bar_ms[bar], bar_ms[at]
            values[line, slot, 0], values[line, slot, 1] = entry, side * price
            values[line, slot, 2] = net_gain(side, entry, side * price, costs[0], costs[1])
            reasons[line, slot] = reason
            counts[line] += 1
        left_ms[line, 1] = quiet_until
