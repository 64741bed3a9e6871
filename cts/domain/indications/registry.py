"""Which indications there are. A new one is a file here and a line in `_BUILT_IN`, or a package's entry point."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cts.domain.errors import DomainError
from cts.domain.indications import direction, move
from cts.domain.indications.base import Indication
from cts.domain.kernel import Floats, Integers, Sides
from cts.domain.window import Samples

ENTRY_POINT_GROUP = "cts.indications"

_BUILT_IN = (move.INDICATION, direction.INDICATION)
_known: dict[str, Indication] = {indication.name: indication for indication in _BUILT_IN}


def register(indication: Indication) -> None:
    """Make an indication of a package known. A name is given once; the same object again changes nothing."""
    if _known.setdefault(indication.name, indication) is not indication:
        raise DomainError("indication_name_taken", f"There is already an indication called {indication.name}")


def names() -> tuple[str, ...]:
    return tuple(_known)


def get(name: str) -> Indication:
    try:
        return _known[name]
    except KeyError:
        raise DomainError(
            "indication_unknown", f"No indication is called {name}; there are {', '.join(_known)}", field="indication"
        ) from None


class SignalTable:
    """The distinct signals of some lines, evaluated together. `index` says which signal each of them listens to."""

    def __init__(self, wanted: Sequence[tuple[str, Mapping[str, float]]]) -> None:
        rows = [(name, get(name).row(parameters)) for name, parameters in wanted]
        # Sorted, so that kernels meet equal window lengths one after another.
        distinct = sorted(set(rows))
        place = {row: number for number, row in enumerate(distinct)}
        self.index: Integers = np.array([place[row] for row in rows], dtype=np.int64)
        self._rows = distinct
        self._groups = [(get(name), self._table(name)) for name in dict.fromkeys(name for name, _ in distinct)]

    def __len__(self) -> int:
        return len(self._rows)

    def lookback(self, timeframe_s: int) -> int:
        """Samples before the newest that the furthest-looking signal reads."""
        reach = (
            get(name).lookback(dict(zip(get(name).grid, row, strict=True)), timeframe_s) for name, row in self._rows
        )
        return max(reach, default=1)

    def sides(self, samples: Samples, *, first: int) -> Sides:
        """One row per signal, one column per sample from `first` on."""
        if not self._groups:
            return np.zeros((0, len(samples) - first), dtype=np.int8)
        return np.concatenate([indication.sides(samples, table, first) for indication, table in self._groups])

    def newest(self, samples: Samples) -> Sides:
        """What every signal says on the newest sample."""
        if not len(samples):
            return np.zeros(len(self), dtype=np.int8)
        return self.sides(samples, first=len(samples) - 1)[:, 0]

    def explain(self, signal: int, samples: Samples) -> dict[str, float]:
        """The numbers behind one signal on the newest sample."""
        name, row = self._rows[signal]
        return get(name).explain(samples, np.array(row))

    def _table(self, name: str) -> Floats:
        return np.array([row for indication, row in self._rows if indication == name])


def load_packages(loaded: Iterable[object]) -> None:
    """Register what entry points of the group `cts.indications` gave: each an `Indication`."""
    for candidate in loaded:
        if not isinstance(candidate, Indication):
            raise DomainError(
                "indication_invalid", f"An entry point of {ENTRY_POINT_GROUP} gave {candidate!r}, not an Indication"
            )
        register(candidate)
