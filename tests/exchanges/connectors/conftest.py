"""Every test that asks for `exchange` runs once per connector, a spot market by the name `<slug>-spot`: a new one ships
payloads, not tests.
"""

from collections.abc import Iterator

import pytest

from apps.exchanges.connectors.orangex.session import sessions_forget
from tests.exchanges.connectors.scripted import PLACES


@pytest.fixture(params=sorted(PLACES))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _nobody_signed_in() -> Iterator[None]:
    """Sign-ins are a process's; tests are to begin without one."""
    sessions_forget()
    yield
    sessions_forget()
