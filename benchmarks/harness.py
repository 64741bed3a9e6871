"""Timing, the result row and the table. A benchmark first proves that both sides compute the same."""

import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

RESULTS = Path(__file__).parent / "results.json"


class Result(msgspec.Struct, kw_only=True):
    """One measured row. `ratio` is how many times better ours is; `checked` says what was proven equal first."""

    id: str
    what: str
    ours: float
    theirs: float | None
    ratio: float | None
    unit: str
    checked: str


def per_second(work: Callable[[], object], *, calls: int, rounds: int = 5) -> float:
    """Calls of `work` a second: the median of `rounds` rounds, garbage collection off as in timeit."""
    rates = []
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        started = time.perf_counter()
        for _ in range(calls):
            work()
        rates.append(calls / (time.perf_counter() - started))
        gc.enable()
    return statistics.median(rates)


def compare(
    ident: str, what: str, *, ours: Callable[[], object], theirs: Callable[[], object], calls: int, checked: str
) -> Result:
    """Both sides in one run, taking turns, so that a busy moment of the machine hits both."""
    our_rates, their_rates = [], []
    for _ in range(5):
        our_rates.append(per_second(ours, calls=calls, rounds=1))
        their_rates.append(per_second(theirs, calls=max(1, calls // 10), rounds=1))
    mine, other = statistics.median(our_rates), statistics.median(their_rates)
    return Result(
        id=ident,
        what=what,
        ours=round(mine),
        theirs=round(other),
        ratio=round(mine / other, 2),
        unit="per second",
        checked=checked,
    )


def table(results: list[Result]) -> str:
    """Plain columns, widest cell wins."""
    rows = [("id", "what", "ours", "theirs", "ratio", "unit", "checked")]
    for r in results:
        rows.append(
            (
                r.id,
                r.what,
                f"{r.ours:,.6g}",
                "" if r.theirs is None else f"{r.theirs:,.6g}",
                "" if r.ratio is None else f"{r.ratio:g}x",
                r.unit,
                r.checked,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def save(results: list[Result]) -> None:
    """Replace the rows measured now and keep the others."""
    measured = {(r.id, r.what) for r in results}
    kept = [row for row in _stored() if (row["id"], row["what"]) not in measured]
    rows = sorted([*kept, *(msgspec.to_builtins(r) for r in results)], key=lambda row: (row["id"], row["what"]))
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


def _stored() -> list[dict[str, object]]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []
