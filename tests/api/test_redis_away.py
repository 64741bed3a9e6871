"""Redis gone or hanging: the API says so in plain words, at once, and goes on with what needs no Redis."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.exchanges import factory, limiter
from apps.exchanges.models import Connection, Instrument
from cts import bus, rates
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
# A wait without an end, on a machine however busy.
ENDLESS_S = 60.0
TICKERS = "/api/v1/tickers/?exchange=bybit&environment=paper"


@pytest.fixture
def _away(settings: Settings, request: pytest.FixtureRequest) -> Iterator[None]:
    """Redis where nobody listens, or where somebody takes the connection and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            server.listen(64)
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}
        bus.client.cache_clear()
        limiter.client.cache_clear()
        yield
    bus.client.cache_clear()
    limiter.client.cache_clear()
    caches["default"].close()
    rates.outage.end()


gone_or_hanging = pytest.mark.parametrize("_away", ["gone", "hangs"], indirect=True)


@gone_or_hanging
@pytest.mark.usefixtures("_away")
def test_prices_are_a_503_in_plain_words(as_alice: APIClient) -> None:
    started_at = time.monotonic()
    answer = as_alice.get(TICKERS)
    assert time.monotonic() - started_at < ENDLESS_S
    assert (answer.status_code, answer.json()["code"]) == (503, "redis_unavailable")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("Redis does not answer; live prices and engine commands wait for it")


@gone_or_hanging
@pytest.mark.usefixtures("_away")
def test_candles_need_the_venue_only(
    as_alice: APIClient, connection: Connection, instrument: Instrument, paper_venue: PaperVenueControl, settings: Any
) -> None:
    settings.PAPER_URL = paper_venue.url
    factory.public_connector.cache_clear()
    started_at = time.monotonic()
    answer = as_alice.get(f"/api/v1/candles/?connection={connection.pk}&symbol={instrument.symbol}&limit=5")
    factory.public_connector.cache_clear()
    assert answer.status_code == 200, answer.content
    assert len(answer.data["results"]) == 5
    assert time.monotonic() - started_at < ENDLESS_S


@gone_or_hanging
@pytest.mark.usefixtures("_away")
def test_nobody_is_held_up_by_counters_that_can_not_be_asked(
    as_alice: APIClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.API_RATES = {"user": 1, "token": 1, "address": 1}
    assert [as_alice.get("/api/v1/users/me/").status_code for _ in range(3)] == [200, 200, 200]
    # Asked once, by the first of them; then left alone.
    assert [record.message for record in caplog.records if record.name == "cts.rates"] == ["rate_unknown"]
