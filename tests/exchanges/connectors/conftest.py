"""Every test that asks for `exchange` runs once per connector, a spot market by the name `<slug>-spot`: a new one ships
payloads, not tests.
"""

import pytest

from tests.exchanges.connectors.scripted import PLACES


@pytest.fixture(params=sorted(PLACES))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)
