"""Clocks that differ, and processes that were held up: what a venue's own moment means, and what must not leave late."""

import time
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from apps.exchanges.connectors.base import Target
from apps.exchanges.connectors.errors import HELD_UP
from apps.exchanges.connectors.registry import EXCHANGES, connector_create
from apps.exchanges.connectors.throttle import LocalLimiter
from apps.exchanges.connectors.transport import Response
from cts.domain.errors import RateLimited, Unavailable
from cts.domain.types import Environment, Market, OrderType
from tests.exchanges.connectors.scripted import scripted
from tests.exchanges.connectors.test_paper import order
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire


def connected(exchange: str, venue: PaperVenueControl) -> Any:
    target = Target(environment=Environment.PAPER, market=Market.LINEAR, paper_url=venue.url, timeout_s=5.0)
    return connector_create(exchange, credentials=venue.account(exchange), target=target, limiter=LocalLimiter())


def test_a_moment_named_by_the_venue_is_one_of_its_clock() -> None:
    """BingX: "will be unblocked after" so many milliseconds; its clock is years behind ours here."""
    connector = scripted("bingx")
    message = f"in the disabled period and will be unblocked after {connector.now_ms() + 5000}"
    before = timezone.now()
    told = connector._refusal(connector.time_call, Response(429, {}, b""), code="100410", message=message)
    assert isinstance(told, RateLimited)
    assert told.retry_at is not None
    assert before + timedelta(seconds=5) <= told.retry_at <= timezone.now() + timedelta(seconds=5)


@pytest.mark.parametrize("exchange", [name for name, spec in EXCHANGES.items() if spec.has_paper])
def test_an_order_whose_time_is_over_does_not_leave(paper_venue: PaperVenueControl, exchange: str) -> None:
    connector = connected(exchange, paper_venue)
    wanted = msgspec.structs.replace(order("late1", OrderType.MARKET), send_by=time.monotonic() - 0.001)
    with pytest.raises(Unavailable, match=HELD_UP):
        connector.place(wanted)
    assert connector.positions() == []
    in_time = msgspec.structs.replace(order("intime1", OrderType.MARKET), send_by=time.monotonic() + 60)
    assert connector.place(in_time).venue_order_id
    connector.close()
