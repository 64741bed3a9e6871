"""Run the benchmarks named in ONLY (all by default), print the table, write benchmarks/results.json."""

import os
import sys
from importlib import import_module

from benchmarks.harness import Result, save, table

MODULES = {"F1": "build_and_sign", "F2": "parse", "F3": "start_up", "F7": "tick_to_order", "G1": "grants"}


def main() -> int:
    wanted = [name.strip().upper() for name in os.environ.get("ONLY", "").split(",") if name.strip()] or list(MODULES)
    if unknown := [name for name in wanted if name not in MODULES]:
        print(f"ONLY names {', '.join(unknown)}; known are {', '.join(MODULES)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    for name in wanted:
        print(f"{name} …", flush=True)
        results += import_module(f"benchmarks.{MODULES[name]}").run()
        save(results)
    print(table(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
