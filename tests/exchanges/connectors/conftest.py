"""Every test that asks for `exchange` runs once per connector: a new one ships payloads, not tests."""

from collections.abc import Iterator

import pytest

from apps.exchanges.connectors.orangex.session import sessions_forget
from apps.exchanges.connectors.registry import CONNECTORS


@pytest.fixture(params=sorted(CONNECTORS))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _nobody_signed_in() -> Iterator[None]:
    """Sign-ins are a process's; tests are to begin without one."""
    sessions_forget()
    yield
    sessions_forget()
