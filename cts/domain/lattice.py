"""The simulated positions of one symbol's lines: opened by signals, closed by price and time. Ratios, never volume."""

from collections.abc import Sequence

import msgspec
import numpy as np

from cts.domain import simulation
from cts.domain.kernel import Floats, Integers, Sides
from cts.domain.types import Line

VALIDATION_TIMEOUT_S = 15
COOLDOWN_S = 20


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated position pays, and how long it and its line wait."""

    fee_ratio: float
    slippage_ratio: float
    position_timeout_s: int
    validation_timeout_s: int = VALIDATION_TIMEOUT_S
    cooldown_s: int = COOLDOWN_S

    @property
    def rates(self) -> Floats:
        return np.array([self.fee_ratio, self.slippage_ratio])

    @property
    def times_ms(self) -> Integers:
        seconds = (self.position_timeout_s, self.validation_timeout_s, self.cooldown_s)
        return np.array([1000 * each for each in seconds], dtype=np.int64)


class Closed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finished simulated position; `index` is the line's place in its lattice. `gain_ratio` is net of costs."""

    index: int
    opened_ms: int
    closed_ms: int
    entry_price: float
    exit_price: float
    gain_ratio: float
    reason: str


class LineState(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart needs of one line. `entry_price` None: no position; `best_price` counts once trailing is armed."""

    quiet_until_ms: int = 0
    entry_price: float | None = None
    best_price: float | None = None
    opened_ms: int | None = None


def exit_table(lines: Sequence[Line]) -> Floats:
    """Per line: side, target, stop, arm and give-back as ratios. No trailing: an arm never reached."""
    rows = [
        (line.side.sign, line.target_ratio, line.stop_ratio)
        + ((np.inf, 0.0) if line.trail_arm_ratio is None else (line.trail_arm_ratio, line.trail_give_back_ratio or 0.0))
        for line in lines
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


class Lattice:
    """Lines by place 0..n-1; `signals` says which signal each listens to. Costs per tick: what closes, not what is open."""

    def __init__(self, lines: Sequence[Line], *, signals: Integers, costs: Costs) -> None:
        count = len(lines)
        self.costs = costs
        self._signals = signals
        self._exits = exit_table(lines)
        self._side = np.ascontiguousarray(self._exits[:, 0])
        self._give_back = np.ascontiguousarray(self._exits[:, 4])
        self._is_open = np.zeros(count, dtype=np.bool_)
        self._entry, self._target, self._stop, self._arm, self._best = (np.zeros(count) for _ in range(5))
        self._opened_ms, self._deadline_ms, self._quiet_until_ms = (np.zeros(count, dtype=np.int64) for _ in range(3))
        self._open_lines = np.zeros(count, dtype=np.int64)
        self._open_count = 0
        self._ceiling, self._floor, self._earliest_ms = np.inf, 0.0, int(simulation.NEVER_MS)
        self._closed, self._reasons = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self._prices, self._guards = np.zeros(count), np.zeros(2)

    def __len__(self) -> int:
        return len(self._side)

    @property
    def open_count(self) -> int:
        return self._open_count

    def fire(self, sides: Sides, *, at_ms: int, price: float) -> list[int]:
        """Open, at the first price after the sample, every free line whose signal points its way; returns their places."""
        if not sides.any():
            return []
        fires = simulation.ready(sides, self._signals, self._side, self._is_open, self._quiet_until_ms, at_ms)
        opened = np.flatnonzero(fires)
        if len(opened):
            self._open(opened, entry=np.full(len(opened), price), opened_ms=np.full(len(opened), at_ms))
            rest_ms = int(self.costs.validation_timeout_s) * 1000
            self._quiet_until_ms[opened] = np.maximum(self._quiet_until_ms[opened], at_ms + rest_ms)
        return [int(place) for place in opened]

    def step(self, *, at_ms: int, first: float, high: float, low: float) -> list[Closed]:
        """One bar, or a tick as a bar of one price. The closed ones, by place."""
        if low > self._floor and high < self._ceiling and at_ms < self._earliest_ms:
            return []
        self._open_count, gone, self._earliest_ms = simulation.sweep(
            self._open_lines, self._open_count, self._side, self._target, self._stop, self._arm, self._give_back,
            self._best, self._deadline_ms, at_ms, first, high, low, self._closed, self._prices, self._reasons,
            self._guards,
        )  # fmt: skip
        self._ceiling, self._floor = float(self._guards[0]), float(self._guards[1])
        return [self._close(place, at_ms=at_ms) for place in np.argsort(self._closed[:gone], kind="stable")]

    def state(self, index: int) -> LineState:
        quiet = int(self._quiet_until_ms[index])
        if not self._is_open[index]:
            return LineState(quiet_until_ms=quiet)
        return LineState(
            quiet_until_ms=quiet,
            entry_price=float(self._entry[index]),
            best_price=float(self._side[index] * self._best[index]),
            opened_ms=int(self._opened_ms[index]),
        )

    def restore(self, states: dict[int, LineState]) -> None:
        """Take up where an earlier lattice was: the same numbers follow as if it had gone on."""
        for index, state in states.items():
            self._quiet_until_ms[index] = state.quiet_until_ms
        held = {
            index: (state.entry_price, state.best_price, state.opened_ms)
            for index, state in states.items()
            if state.entry_price is not None and not self._is_open[index]
        }
        if not held:
            return
        places = np.array(list(held), dtype=np.int64)
        entries, bests, opened = (np.array(column) for column in zip(*held.values(), strict=True))
        self._open(places, entry=entries.astype(np.float64), opened_ms=opened.astype(np.int64))
        self._best[places] = self._side[places] * bests.astype(np.float64)
        # The guards of `_open` know nothing of an armed trail: let the next step look at every position.
        self._ceiling, self._floor = 0.0, np.inf

    def retire(self, index: int) -> None:
        """Let a line open nothing any more."""
        self._quiet_until_ms[index] = simulation.NEVER_MS

    def trailing_bests(self) -> dict[int, float]:
        """Best price of every open position whose trail is armed: what changes between opening and closing."""
        places = self._open_lines[: self._open_count]
        armed = places[self._best[places] >= self._arm[places]]
        return {int(place): float(self._side[place] * self._best[place]) for place in armed}

    def _open(self, places: Integers, *, entry: Floats, opened_ms: Integers) -> None:
        side = self._side[places]
        _, target, stop, arm, _ = self._exits[places].T
        self._is_open[places] = True
        self._entry[places], self._best[places] = entry, side * entry
        self._target[places] = side * entry * (1.0 + side * target)
        self._stop[places] = side * entry * (1.0 - side * stop)
        has_trail = np.isfinite(arm)
        self._arm[places] = np.where(has_trail, side * entry * (1.0 + side * np.where(has_trail, arm, 0.0)), np.inf)
        self._opened_ms[places] = opened_ms
        self._deadline_ms[places] = opened_ms + 1000 * self.costs.position_timeout_s
        self._open_lines[self._open_count : self._open_count + len(places)] = places
        self._open_count += len(places)
        self._narrow(places)

    def _narrow(self, places: Integers) -> None:
        """Draw the guards in around newly opened positions."""
        above, below = np.minimum(self._target[places], self._arm[places]), self._stop[places]
        is_long = self._side[places] > 0
        self._ceiling = min(self._ceiling, float(np.where(is_long, above, -below).min()))
        self._floor = max(self._floor, float(np.where(is_long, below, -above).max()))
        self._earliest_ms = min(self._earliest_ms, int(self._deadline_ms[places].min()))

    def _close(self, place: int, *, at_ms: int) -> Closed:
        index, price = int(self._closed[place]), float(self._prices[place])
        self._is_open[index] = False
        rest_ms = 1000 * self.costs.cooldown_s
        self._quiet_until_ms[index] = max(int(self._quiet_until_ms[index]), at_ms + rest_ms)
        entry, side = float(self._entry[index]), float(self._side[index])
        return Closed(
            index=index,
            opened_ms=int(self._opened_ms[index]),
            closed_ms=at_ms,
            entry_price=entry,
            exit_price=price,
            gain_ratio=simulation.net_gain(side, entry, price, self.costs.fee_ratio, self.costs.slippage_ratio),
            reason=simulation.REASONS[int(self._reasons[place])],
        )
