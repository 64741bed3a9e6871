"""What an entry signal is: a name, a grid of parameters, and one function over sampled prices."""

from collections.abc import Callable, Mapping
from itertools import product

import msgspec

from cts.domain.kernel import Floats, Sides
from cts.domain.window import Samples


class Indication(msgspec.Struct, frozen=True, kw_only=True):
    """`grid` lists each parameter's values, slowest first; rows of a parameter table have its order.

    `sides(samples, table, first)` answers +1, -1 or 0 for every row of the table at every sample from `first` on,
    looking at nothing newer than that sample. Live, `first` is the newest sample, so both forms are one function.
    `explain(samples, row)` tells the numbers behind the newest sample's answer, `strength` among them.
    """

    name: str
    label: str
    grid: dict[str, tuple[float, ...]]
    lookback: Callable[[Mapping[str, float], int], int]
    """Samples before the newest that one parameter set reads, given the interval in seconds."""
    sides: Callable[[Samples, Floats, int], Sides]
    explain: Callable[[Samples, Floats], dict[str, float]]

    @property
    def size(self) -> int:
        size = 1
        for values in self.grid.values():
            size *= len(values)
        return size

    def parameters_at(self, index: int) -> dict[str, float]:
        """The parameter set number `index` of the grid, by mixed radix."""
        chosen: dict[str, float] = {}
        for name, values in reversed(self.grid.items()):
            index, digit = divmod(index, len(values))
            chosen[name] = values[digit]
        return {name: chosen[name] for name in self.grid}

    def row(self, parameters: Mapping[str, float]) -> tuple[float, ...]:
        return tuple(float(parameters[name]) for name in self.grid)

    def rows(self) -> list[tuple[float, ...]]:
        """The whole grid as table rows."""
        return list(product(*self.grid.values()))


def tenths(first: int, last: int, step: int = 1) -> tuple[float, ...]:
    """first/10 ... last/10, each the nearest float to its decimal: never a running sum."""
    return tuple(tenth / 10 for tenth in range(first, last + 1, step))


MOVE_GRID: dict[str, tuple[float, ...]] = {
    "moves": tuple(float(n) for n in range(3, 31)),
    "drawdown_ratio": tenths(1, 5),
    "market_change_steps": (1.0, 3.0, 5.0, 7.0, 9.0),
    "last_part_ratio": (1.0, 1.5, 2.0, 2.5),
}
"""Of `move` and of `direction`: 2,800 sets."""


def moves_lookback(parameters: Mapping[str, float], timeframe_s: int) -> int:
    return int(parameters["moves"])
