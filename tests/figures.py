"""The figures of long runs, kept in the repository: a row by id, each renewed by the run that measures it."""

import json
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).resolve().parents[1] / "benchmarks" / "reliability.json"


def figure_write(name: str, row: dict[str, Any]) -> None:
    rows = {each["id"]: each for each in json.loads(FIGURES.read_text())} if FIGURES.exists() else {}
    rows[name] = {"id": name, **row}
    FIGURES.write_text(json.dumps([rows[key] for key in sorted(rows)], indent=1) + "\n")
