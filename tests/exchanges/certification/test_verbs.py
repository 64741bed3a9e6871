"""Every venue × every verb: done, and seen to be done at the venue; or shown unable."""

import pytest

from tests.exchanges.certification.conftest import Note
from tests.exchanges.certification.stage import Stage
from tests.exchanges.certification.verbs import VERBS

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("name", VERBS)
def test_verb(stage: Stage, cell: Note, name: str) -> None:
    verb = VERBS[name]
    is_offered = verb.is_offered_by(stage.spec)
    cell("verb", name, is_absent=not is_offered)
    if is_offered:
        verb.work(stage)
    else:
        verb.refused(stage)
