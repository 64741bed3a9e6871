"""Connections on the paper venue, made through the service that pages use."""

from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.exchanges import factory
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_create

VENUE = ("bybit", "paper", "linear")


@pytest.fixture
def venue(paper_venue: Any, settings: Settings) -> Any:
    """The paper venue, where the settings say it is."""
    settings.PAPER_URL = paper_venue.url
    factory.public_connector.cache_clear()
    paper_venue.clear_faults()
    yield paper_venue
    paper_venue.clear_faults()
    factory.public_connector.cache_clear()


@pytest.fixture
def connection(venue: Any, alice: User) -> Connection:
    return connection_create(
        owner=alice, name="Paper", exchange="bybit", environment="paper", symbols=["BTC/USDT:USDT", "ETH/USDT:USDT"]
    )
