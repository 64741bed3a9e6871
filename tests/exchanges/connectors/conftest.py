"""Every test that asks for `exchange` runs once per connector: a new one ships payloads, not tests."""

import pytest

from apps.exchanges.connectors.registry import CONNECTORS


@pytest.fixture(params=sorted(CONNECTORS))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)
