"""Configurations (entry signal x exits), the grid of all of them, and samples that cover the whole of it."""

import hashlib
import json
import math
from collections.abc import Iterator

import msgspec

from cts.domain.indications import registry
from cts.domain.indications.base import tenths
from cts.domain.types import Line, PositionSide
from cts.domain.units import ratio_from_pct

Trail = tuple[float, float]
"""Arm and give-back, percent."""

TAKE_PROFITS = tuple(range(2, 23, 2))
STOP_LOSSES = tenths(2, 22)
TRAILS: tuple[Trail | None, ...] = (None, (0.3, 0.1), (0.6, 0.2), (1.0, 0.3))


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    indication: str
    parameters: dict[str, float]
    take_profit_steps: int
    stop_loss_ratio: float
    trail_arm_pct: float | None = None
    trail_give_back_pct: float | None = None

    @property
    def digest(self) -> str:
        """Equal configurations have equal digests, however their numbers were spelled."""
        exits = (self.take_profit_steps, self.stop_loss_ratio, self.trail_arm_pct, self.trail_give_back_pct)
        parameters = sorted((name, float(value)) for name, value in self.parameters.items())
        numbers = [None if value is None else float(value) for value in exits]
        return hashlib.sha256(json.dumps([self.indication, parameters, numbers]).encode()).hexdigest()

    def line(self, line_id: int, *, symbol: str, side: PositionSide, position_cost_ratio: float) -> Line:
        """This configuration on one symbol and side, in ratios."""
        arm, give_back = self.trail_arm_pct, self.trail_give_back_pct
        return Line(
            id=line_id,
            symbol=symbol,
            side=side,
            indication=self.indication,
            parameters=self.parameters,
            take_profit_steps=self.take_profit_steps,
            stop_loss_ratio=self.stop_loss_ratio,
            position_cost_ratio=position_cost_ratio,
            trail_arm_ratio=None if arm is None else ratio_from_pct(arm),
            trail_give_back_ratio=None if give_back is None else ratio_from_pct(give_back),
        )


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """All configurations of some indications and exits, numbered 0..size-1."""

    indications: tuple[str, ...] = ("move", "direction")
    take_profits: tuple[int, ...] = TAKE_PROFITS
    stop_losses: tuple[float, ...] = STOP_LOSSES
    trails: tuple[Trail | None, ...] = TRAILS

    @property
    def exits(self) -> int:
        return len(self.take_profits) * len(self.stop_losses) * len(self.trails)

    @property
    def size(self) -> int:
        return self.exits * sum(registry.get(name).size for name in self.indications)

    def at(self, index: int) -> Configuration:
        signal, exit_index = divmod(index, self.exits)
        for name in self.indications:
            indication = registry.get(name)
            if signal < indication.size:
                break
            signal -= indication.size
        exit_index, trail_index = divmod(exit_index, len(self.trails))
        take_index, stop_index = divmod(exit_index, len(self.stop_losses))
        trail = self.trails[trail_index]
        return Configuration(
            indication=name,
            parameters=indication.parameters_at(signal),
            take_profit_steps=self.take_profits[take_index],
            stop_loss_ratio=self.stop_losses[stop_index],
            trail_arm_pct=trail[0] if trail else None,
            trail_give_back_pct=trail[1] if trail else None,
        )

    def sample(self, count: int) -> Iterator[Configuration]:
        """`count` different configurations spread over the whole grid; all of it when it has no more.

        Strides of the golden section fill the long axis evenly; being coprime to the size, they also run through every
        value of the fast axes before repeating one.
        """
        size = self.size
        stride = max(1, round(size * (math.sqrt(5) - 1) / 2))
        while math.gcd(stride, size) != 1:
            stride += 1
        return (self.at(number * stride % size) for number in range(min(count, size)))
