"""A venue that refuses one call while everything starts delays the demo, and doesn't end it."""

import pytest

from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_create
from apps.monitoring.demo import demo_connection_check
from cts.domain.errors import DomainError

from .stage import BTC, Stage

pytestmark = [pytest.mark.wire]


@pytest.fixture
def untested(stage: Stage, alice: User) -> Connection:
    return connection_create(owner=alice, name="Demo", exchange="bybit", environment="paper", symbols=[BTC])


def test_a_failed_check_is_tried_again(stage: Stage, untested: Connection, alice: User) -> None:
    stage.venue.faults("bybit", "/v5/market/time", "rate_limit_429", retry_after_s=1, count=1)
    demo_connection_check(untested, user=alice, pauses_s=[1.5])
    assert untested.is_test_passed
    assert untested.tests.count() == 2


def test_one_that_never_passes_names_what_is_wrong(stage: Stage, untested: Connection, alice: User) -> None:
    stage.venue.faults("bybit", "/v5/market/time", "rate_limit_429", retry_after_s=1, count=None)
    with pytest.raises(DomainError, match="The demo's Demo did not pass its test"):
        demo_connection_check(untested, user=alice, pauses_s=[1.5])
    assert untested.tests.count() == 2
