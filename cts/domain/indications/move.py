"""move: price went one way, most moves agreed, little was given back and the newest part is fast. It goes on."""

import numpy as np

from cts.domain.indications.base import MOVE_GRID, Indication, moves_lookback
from cts.domain.kernel import Floats, Sides, kernel
from cts.domain.window import Samples

_SLACK = 1e-9  # a move of exactly the threshold fires, whatever the last bit of its division
_NET, _AGREEING, _GIVE_BACK, _SPEED = 0, 1, 2, 3


@kernel
def _measure(prices: Floats, at: int, moves: int, cost: float, out: Floats) -> None:
    """Net change in steps, share of agreeing moves, share given back from the best, speed of the last part over all."""
    first, last_first = at - moves, at - max(1, (moves + 2) // 5)
    start = prices[first]
    net = (prices[at] / start - 1.0) / cost
    side = 1.0 if net > 0.0 else -1.0
    best, agreeing, path, last_path = side * start, 0, 0.0, 0.0
    for i in range(first + 1, at + 1):
        step = (prices[i] / prices[i - 1] - 1.0) / cost
        if side * step > 0.0:
            agreeing += 1
        path += abs(step)
        if i > last_first:
            last_path += abs(step)
        best = max(best, side * prices[i])
    way = best - side * start
    out[0] = net
    out[1] = agreeing / moves
    out[2] = (best - side * prices[at]) / way if way > 0.0 else 0.0
    out[3] = (last_path / (at - last_first)) / (path / moves) if path > 0.0 else 0.0


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
                and measured[1] + _SLACK >= 0.6
                and measured[2] <= table[row, 1] + _SLACK
                and measured[3] + _SLACK >= table[row, 3]
            ):
                out[row, at - first] = 1 if measured[0] > 0.0 else -1


def sides(samples: Samples, table: Floats, first: int) -> Sides:
    out = np.zeros((len(table), len(samples) - first), dtype=np.int8)
    _fill(samples.prices, table, first, samples.position_cost_ratio, out)
    return out


def explain(samples: Samples, row: Floats) -> dict[str, float]:
    measured = np.zeros(4)
    _measure(samples.prices, len(samples) - 1, int(row[0]), samples.position_cost_ratio, measured)
    return {
        "strength": abs(float(measured[_NET])) / float(row[2]),
        "net_steps": float(measured[_NET]),
        "agreeing_ratio": float(measured[_AGREEING]),
        "give_back_ratio": float(measured[_GIVE_BACK]),
        "speed_ratio": float(measured[_SPEED]),
    }


INDICATION = Indication(
    name="move", label="Move (continuation)", grid=MOVE_GRID, lookback=moves_lookback, sides=sides, explain=explain
)
