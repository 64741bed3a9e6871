"""Funding reaches the positions it was for, once, and what cannot be given out is kept all the same."""

import time
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.exchanges.connectors.spec import Capability
from apps.positions.funding import funding_fold
from apps.positions.models import FundingEntry, Position, SyncState
from cts.domain.errors import Unavailable
from cts.domain.types import PositionSide
from cts.domain.venue import FundingPayment
from tests.orders.conftest import BTC, Desk

pytestmark = pytest.mark.django_db
NOW = timezone.now


@pytest.fixture(autouse=True)
def _funded_each_second(settings: Settings) -> None:
    settings.FUNDING_INTERVAL_S = 1.0


def paid(desk: Desk, amount: str, *, payment_id: str = "p1", ago_s: float = 0.0) -> FundingPayment:
    payment = FundingPayment(
        payment_id=payment_id,
        symbol=BTC,
        amount=Decimal(amount),
        asset="USDT",
        at_ms=int((NOW() - timedelta(seconds=ago_s)).timestamp() * 1000),
    )
    desk.venue.fundings.append(payment)
    return payment


def again(desk: Desk) -> None:
    """As a second later: what was asked for is due once more."""
    SyncState.objects.update(funding_until=NOW() - timedelta(minutes=1))
    desk.sync()


def test_it_is_given_to_the_position_once(desk: Desk) -> None:
    position = desk.open()
    paid(desk, "-0.25")
    assert desk.sync().funding == 1
    again(desk)
    position.refresh_from_db()
    assert (position.funding, funding_fold(position)) == (Decimal("-0.25"), Decimal("-0.25"))
    assert [event.kind for event in position.events.all()].count("funding") == 1
    assert FundingEntry.objects.get().given == Decimal("-0.25")


def test_two_positions_of_a_leg_share_by_what_they_held(desk: Desk) -> None:
    large, small = desk.open("k1", quantity="0.030"), desk.open("k2", quantity="0.010")
    paid(desk, "0.4")
    desk.sync()
    assert {row.pk: row.funding for row in Position.objects.all()} == {
        large.pk: Decimal("0.3"),
        small.pk: Decimal("0.1"),
    }


def test_what_was_paid_before_a_position_was_opened_is_not_its_own(desk: Desk) -> None:
    desk.open()
    paid(desk, "-0.25", ago_s=60)
    assert desk.sync().funding == 1
    assert Position.objects.get().funding == 0
    assert FundingEntry.objects.get().given == 0


def test_a_closed_position_gets_what_it_held_at_the_time(desk: Desk) -> None:
    position = desk.open()
    paid(desk, "-0.25")
    time.sleep(0.01)
    desk.manager.close(position, reason="target", connector=desk.venue)
    desk.hear()
    mark = Position.objects.get().connection.facts_mark
    desk.sync()
    row = Position.objects.select_related("connection").get()
    assert (row.status, row.funding) == ("closed", Decimal("-0.25"))
    assert row.connection.facts_mark != mark  # the day's result has changed


def test_a_venue_that_cannot_be_asked_is_asked_again(desk: Desk) -> None:
    position = desk.open()
    paid(desk, "-0.25")
    desk.venue.funding_error = Unavailable("down")
    assert "down" in desk.sync().problems[0]
    assert SyncState.objects.get().funding_until is None
    desk.venue.funding_error = None
    desk.sync()
    position.refresh_from_db()
    assert position.funding == Decimal("-0.25")


def test_it_is_asked_for_once_an_hour(desk: Desk, settings: Settings) -> None:
    settings.FUNDING_INTERVAL_S = 3600.0
    desk.sync()
    desk.sync()
    assert desk.venue.fundings_asked == 1


def test_a_venue_without_funding_is_not_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    able = desk.venue.spec.capabilities - {Capability.FUNDING_PAYMENTS}
    monkeypatch.setattr(desk.venue, "spec", msgspec.structs.replace(desk.venue.spec, capabilities=able))
    desk.sync()
    assert desk.venue.fundings_asked == 0


def test_both_legs_get_their_own(desk: Desk) -> None:
    long, short = desk.open("k1", quantity="0.030"), desk.open("k2", quantity="0.010", position_side=PositionSide.SHORT)
    first = paid(desk, "0.1", payment_id="p1")
    desk.venue.fundings.append(msgspec.structs.replace(first, payment_id="p2", amount=Decimal("-0.3")))
    desk.sync()
    assert {row.pk: row.funding for row in Position.objects.all()} == {
        long.pk: Decimal("-0.3"),
        short.pk: Decimal("0.1"),
    }
