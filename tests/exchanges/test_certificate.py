"""The table in README says what the venues' capabilities say; whether they hold is what the other tests here show."""

from apps.exchanges.connectors.registry import connector_kind
from tests.certify import README, table_of
from tests.exchanges.certification.faults import ROWS as FAULTS
from tests.exchanges.certification.matrix import ABSENT, MARKS, PASS
from tests.exchanges.certification.stage import PLACES
from tests.exchanges.certification.streams import PUBLIC
from tests.exchanges.certification.streams import ROWS as STREAMS
from tests.exchanges.certification.verbs import VERBS


def cells() -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    venues: list[str] = []
    for line in table_of(README.read_text()).splitlines():
        first, *said = [part.strip() for part in line.strip("|").split("|")] if line.startswith("| ") else [""]
        if first in ("verb", "stream", "fault"):
            venues = said
        elif first:
            rows[first] = dict(zip(venues, said, strict=True))
    return rows


def test_certificate_names_every_venue_verb_channel_and_fault() -> None:
    told = cells()
    assert set(told) == {*VERBS, *STREAMS, *FAULTS}
    assert all(set(row) == set(PLACES) for row in told.values())
    assert {said for row in told.values() for said in row.values()} <= {MARKS[PASS], MARKS[ABSENT]}


def test_certificate_agrees_with_the_capabilities() -> None:
    told = cells()
    for name, (exchange, market) in PLACES.items():
        spec = connector_kind(exchange, market).spec
        for row, verb in VERBS.items():
            wanted = PASS if verb.is_offered_by(spec) else ABSENT
            assert told[row][name] == MARKS[wanted], (name, row)
        for channel, row in PUBLIC.items():
            assert told[row][name] == MARKS[PASS if channel in spec.channels else ABSENT], (name, row)
