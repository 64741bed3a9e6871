"""The table of cells: what every venue did with every verb and fault, gathered from the tests' reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field

PASS, ABSENT, FAIL = "pass", "absent", "FAIL"
MARKS = {PASS: "yes", ABSENT: "–", FAIL: "FAIL"}
_WORST_LAST = [ABSENT, PASS, FAIL]


@dataclass
class Matrix:
    """Rows are verbs or faults, columns venues. A cell of several tests is as good as its worst."""

    cells: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def note(self, table: str, row: str, venue: str, outcome: str) -> None:
        known = self.cells.get((table, row, venue), outcome)
        self.cells[table, row, venue] = max(known, outcome, key=_WORST_LAST.index)

    def markdown(self, table: str, rows: Sequence[str]) -> str:
        venues = sorted({venue for _, _, venue in self.cells})
        lines = [f"| {table} | {' | '.join(venues)} |", "|---" * (len(venues) + 1) + "|"]
        for row in rows:
            said = [MARKS.get(self.cells.get((table, row, venue), ""), "not run") for venue in venues]
            lines.append(f"| {row} | {' | '.join(said)} |")
        return "\n".join(lines)
