"""Venues to certify, and the table their tests fill."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.exchanges.certification.faults import ROWS as FAULTS
from tests.exchanges.certification.matrix import ABSENT, FAIL, PASS, Matrix
from tests.exchanges.certification.stage import PLACES, Stage
from tests.exchanges.certification.streams import ROWS as STREAMS
from tests.exchanges.certification.verbs import VERBS
from tests.paper_fixtures import PaperVenueControl

Note = Callable[..., None]


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(place: str, paper_venue: PaperVenueControl) -> Iterator[Stage]:
    made = Stage(place, paper_venue)
    yield made
    made.close()


@pytest.fixture
def hasty(place: str, paper_venue: PaperVenueControl) -> Iterator[Stage]:
    """One that doesn't wait long for an answer."""
    made = Stage(place, paper_venue, timeout_s=1.0)
    yield made
    made.close()


@pytest.fixture
def cell(request: pytest.FixtureRequest, place: str) -> Note:
    """Say which cell of the table this test fills, and where the venue was shown unable."""

    def note(table: str, row: str, *, is_absent: bool = False) -> None:
        request.node.user_properties.append(("cell", (table, row, place, is_absent)))

    return note


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--certificate", type=Path, help="write the table of venues, verbs and faults here")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    target: Path | None = config.getoption("--certificate")
    if target is None:
        return
    matrix = Matrix()
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "cell" and outcome in ("passed", "failed", "error"):
                    table, row, venue, is_absent = value
                    said = FAIL if outcome != "passed" else ABSENT if is_absent else PASS
                    matrix.note(table, row, venue, said)
    tables = {"verb": list(VERBS), "stream": STREAMS, "fault": FAULTS}
    text = "\n\n".join(matrix.markdown(table, rows) for table, rows in tables.items())
    target.write_text(text + "\n")
    terminalreporter.write_line(text)
