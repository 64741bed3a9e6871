"""`make chaos`: many runs by seed, several at once. `SEED=` plays one and tells all of it; `RUNS=` says how many."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chaos.plan import is_on_postgres, plan_make
from tests.chaos.world import World
from tests.figures import figure_write

if TYPE_CHECKING:
    from tests.chaos.run import Outcome

ENTER = "--worker"
# As many runs as make a figure worth keeping.
WHOLE = 1000


def main() -> int:
    if ENTER in sys.argv:
        return worker([int(seed) for seed in sys.argv[sys.argv.index(ENTER) + 1 :]])
    if plan := os.environ.get("PLAN"):
        return worker([0], plan=plan)
    if seed := os.environ.get("SEED"):
        return worker([int(seed)])
    runs, jobs = int(os.environ.get("RUNS", "1000")), int(os.environ.get("JOBS", str(2 * (os.cpu_count() or 2))))
    first = int(os.environ.get("FIRST", "1"))
    return campaign(range(first, first + runs), jobs=jobs)


def shares(seeds: range, *, jobs: int) -> list[list[int]]:
    """Each worker has one database all along: those of PostgreSQL get as many workers as they are runs."""
    kept_apart: dict[bool, list[int]] = {False: [], True: []}
    for seed in seeds:
        kept_apart[is_on_postgres(seed)].append(seed)
    on_postgres = max(1, round(jobs * len(kept_apart[True]) / len(seeds)))
    dealt = [kept_apart[True][n::on_postgres] for n in range(on_postgres)]
    others = max(1, jobs - on_postgres)
    return [share for share in (*dealt, *(kept_apart[False][n::others] for n in range(others))) if share]


def campaign(seeds: range, *, jobs: int) -> int:
    """Workers play their share of the seeds each; a failing seed tells its whole timeline."""
    started_at = time.monotonic()
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.chaos", ENTER, *map(str, share)], stdout=subprocess.PIPE, text=True
        )
        for share in shares(seeds, jobs=jobs)
    ]
    results = []
    for process in workers:
        out, _ = process.communicate()
        results += [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    failed = sorted(row["seed"] for row in results if row["violations"])
    missing = sorted(set(seeds) - {row["seed"] for row in results})
    orders, kills = (sum(row[name] for row in results) for name in ("orders", "kills"))
    print(
        f"chaos: {len(results)} runs, {len(failed)} failed{f' {failed}' if failed else ''}"
        f"{f', {missing} never ended' if missing else ''}; {orders} orders, {kills} processes killed,"
        f" in {time.monotonic() - started_at:.0f} s"
    )
    if len(seeds) >= WHOLE:
        _figures_write(results, failed=failed, seeds=seeds)
    return 1 if failed or missing else 0


def _figures_write(results: list[dict[str, Any]], *, failed: list[int], seeds: range) -> None:
    row = {
        "what": "two of six venues a run, or all six; faults of requests, streams and clocks; web, worker, engines and venue"
        " killed at kill points and at any moment, frozen past their lease; Redis restarted, the database crashed or"
        " locked, the wall clock set forth and back; then both sides compared one to one",
        "runs": len(results),
        "failures": len(failed),
        "seeds": f"{seeds.start}-{seeds.stop - 1}",
        "failed": failed,
        "orders": sum(result["orders"] for result in results),
        "kills": sum(result["kills"] for result in results),
    }
    figure_write("R1-R5", row)


def worker(seeds: list[int], *, plan: str = "") -> int:
    on_postgres = not plan and is_on_postgres(seeds[0])
    world = World(Path(tempfile.mkdtemp(prefix="cts-chaos-")), on_postgres=on_postgres)
    is_ok = True
    try:
        world.enter()
        from tests.chaos.planted import BUGS
        from tests.chaos.run import Run

        if plan and os.environ.get("PLANT"):
            BUGS[plan][0]()
        for seed in seeds:
            outcome = Run(world, BUGS[plan][1] if plan else plan_make(seed)).play()
            is_ok &= not outcome.violations
            _tell(outcome, is_whole=bool(os.environ.get("SEED")))
    finally:
        world.leave()
    return 0 if is_ok else 1


def _tell(outcome: "Outcome", *, is_whole: bool) -> None:
    verdict = "FAILED" if outcome.violations else "ok"
    line = f"seed {outcome.seed}: {verdict}, {outcome.orders} orders, {outcome.kills} kills, {outcome.took_s:.1f} s"
    print(line, file=sys.stderr, flush=True)
    if outcome.violations or is_whole:
        # At once, whoever collects the rows: a campaign takes an hour.
        told = [f"--- seed {outcome.seed}\n{outcome.timeline}", *(f"!! {each}" for each in outcome.violations)]
        print(*told, sep="\n", file=sys.stderr, flush=True)
    row = {"seed": outcome.seed, "violations": outcome.violations, "orders": outcome.orders, "kills": outcome.kills}
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
