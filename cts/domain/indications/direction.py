"""direction: price went one way and its newest part runs faster the other way. It has turned."""

import numpy as np

from cts.domain.indications.base import MOVE_GRID, Indication, moves_lookback
from cts.domain.kernel import Floats, Sides, kernel
from cts.domain.window import Samples

_SLACK = 1e-9  # a move of exactly the threshold fires, whatever the last bit of its division
_NET_FIRST, _NET_LAST, _GIVE_BACK, _SPEED = 0, 1, 2, 3


@kernel
def _measure(prices: Floats, at: int, moves: int, cost: float, out: Floats) -> None:
    """Net of the first and of the last part in steps, share given back since the turn, speed of last over first."""
    first, turn = at - moves, at - max(1, (moves + 2) // 5)
    net_last = (prices[at] / prices[turn] - 1.0) / cost
    side = 1.0 if net_last > 0.0 else -1.0
    best, path, last_path = side * prices[turn], 0.0, 0.0
    for i in range(first + 1, at + 1):
        step = abs(prices[i] / prices[i - 1] - 1.0) / cost
        if i > turn:
            last_path += step
            best = max(best, side * prices[i])
        else:
            path += step
    way = best - side * prices[turn]
    out[0] = (prices[turn] / prices[first] - 1.0) / cost
    out[1] = net_last
    out[2] = (best - side * prices[at]) / way if way > 0.0 else 0.0
    out[3] = (last_path / (at - turn)) / (path / (turn - first)) if path > 0.0 else 0.0


@kernel
def _fill(prices: Floats, table: Floats, first: int, cost: float, out: Sides) -> None:
    measured = np.zeros(4)
    for at in range(max(first, 0), len(prices)):
        known = -1
        for row in range(len(table)):
            moves = int(table[row, 0])
            if moves > at:
                continue
            if moves != known:  # rows are sorted, so a length is measured once
                _measure(prices, at, moves, cost, measured)
                known = moves
            if (
                abs(measured[0]) + _SLACK >= table[row, 2]
                and measured[0] * measured[1] < 0.0
                and measured[2] <= table[row, 1] + _SLACK
                and measured[3] + _SLACK >= table[row, 3]
            ):
                out[row, at - first] = 1 if measured[1] > 0.0 else -1


def sides(samples: Samples, table: Floats, first: int) -> Sides:
    out = np.zeros((len(table), len(samples) - first), dtype=np.int8)
    _fill(samples.prices, table, first, samples.position_cost_ratio, out)
    return out


def explain(samples: Samples, row: Floats) -> dict[str, float]:
    measured = np.zeros(4)
    _measure(samples.prices, len(samples) - 1, int(row[0]), samples.position_cost_ratio, measured)
    return {
        "strength": abs(float(measured[_NET_FIRST])) / float(row[2]),
        "net_first_steps": float(measured[_NET_FIRST]),
        "net_last_steps": float(measured[_NET_LAST]),
        "give_back_ratio": float(measured[_GIVE_BACK]),
        "speed_ratio": float(measured[_SPEED]),
    }


INDICATION = Indication(
    name="direction",
    label="Direction (reversal)",
    grid=MOVE_GRID,
    lookback=moves_lookback,
    sides=sides,
    explain=explain,
)
