"""Closing: driven by what is held; one failure keeps no other from going through."""

from decimal import Decimal

import msgspec
import pytest
import redis

from apps.orders.models import Order
from apps.orders.services import order_apply_venue
from apps.positions.models import Position, PositionStatus
from apps.positions.services import position_closing_begin
from apps.positions.sync import connection_sync
from cts import bus
from cts.domain.errors import AmbiguousResult, Rejected, Unavailable
from cts.domain.orders import OrderTerms
from cts.domain.types import PositionSide, Ticker
from tests.orders.conftest import BTC, Desk

pytestmark = pytest.mark.django_db
LONG = PositionSide.LONG


def exits(position: Position) -> list[Order]:
    return list(Order.objects.filter(purpose="exit", position_key=position.key).order_by("pk"))


def told_price(desk: Desk, price: int) -> None:
    desk.venue.price = Decimal(price)
    ticker = Ticker(symbol=BTC, last=desk.venue.price, at_ms=desk.tick().at_ms)
    bus.client().hset(bus.tickers_key(*desk.connection.venue), BTC, msgspec.json.encode(ticker))


def test_closing_one_twice_sends_one_order(desk: Desk) -> None:
    position = desk.open()
    first = desk.manager.close(position, reason="target", connector=desk.venue)
    second = desk.manager.close(position, reason="timeout", connector=desk.venue)
    assert (first.is_ok, second.is_ok, second.code) == (True, True, "closing")
    desk.hear()
    position.refresh_from_db()
    assert (len(exits(position)), position.exit_reason) == (1, "target")


def test_a_refused_exit_leaves_it_open_to_be_tried_again(desk: Desk) -> None:
    position = desk.open()
    desk.venue.before = [Rejected("price band")]
    outcome = desk.manager.close(position, reason="target", connector=desk.venue)
    position.refresh_from_db()
    assert (outcome.is_ok, outcome.detail, position.status, position.exit_reason) == (False, "price band", "open", "")
    assert desk.manager.close(position, reason="timeout", connector=desk.venue).is_ok
    assert [order.status for order in exits(position)] == ["rejected", "accepted"]


def test_an_exit_of_unknown_outcome_is_asked_for_before_another_is_made(desk: Desk) -> None:
    position = desk.open()
    desk.venue.after = [AmbiguousResult("timed out")]
    desk.venue.reads = [Unavailable("down")] * 3
    desk.manager.close(position, reason="target", connector=desk.venue)
    assert exits(position)[0].status == "unknown"
    assert desk.manager.close(position, reason="target", connector=desk.venue).code == "closing"
    assert len(exits(position)) == 1


def test_a_process_that_died_while_closing_is_taken_up_by_the_sync(desk: Desk) -> None:
    position = desk.open()
    position_closing_begin(position, reason="target")  # and then nothing
    desk.sync()
    desk.sync()
    position.refresh_from_db()
    assert (position.status, position.exit_reason, len(exits(position))) == ("closed", "target", 1)


def test_closing_while_the_entry_still_fills_cancels_the_rest_first(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.02"))))
    desk.venue.fill(order.client_order_id, "0.01")
    desk.hear()
    desk.venue.is_market_filled = True
    outcome = desk.manager.close_now(Position.objects.get(), reason="manual", connector=desk.venue)
    assert outcome.position.status == PositionStatus.CLOSED
    assert desk.venue.legs == {}
    assert desk.venue.open_orders() == []


def test_close_all_reports_each_and_one_failure_stops_no_other(desk: Desk) -> None:
    for key in ("a", "b", "c"):
        desk.open(key)
    desk.venue.before = [Rejected("not this one")]
    outcomes = desk.manager.close_all(desk.connection, connector=desk.venue)
    assert [outcome.is_ok for outcome in outcomes] == [False, True, True]
    assert [outcome.position.status for outcome in outcomes] == ["open", "closed", "closed"]


def test_close_profitable_closes_what_is_in_profit_after_fees(desk: Desk) -> None:
    cheap = desk.open("cheap")
    told_price(desk, 60020)
    even = desk.open("even")
    told_price(desk, 60040)
    outcomes = desk.manager.close_profitable(desk.connection, connector=desk.venue)
    # 0.01 x 40 = 0.40 against 0.30 of fees; 0.01 x 20 = 0.20 against 0.3001.
    assert [outcome.position.pk for outcome in outcomes] == [cheap.pk]
    even.refresh_from_db()
    assert even.status == "open"


def test_flatten_and_a_sync_leave_nothing_on_the_venue(desk: Desk) -> None:
    for key in ("a", "b"):
        desk.open(key)
    desk.open("short", position_side=PositionSide.SHORT)
    desk.manager.protect(desk.connection, connector=desk.venue)
    assert desk.venue.open_orders()
    outcomes = desk.manager.flatten(desk.connection, connector=desk.venue)
    assert [(outcome.is_ok, outcome.position.exit_reason) for outcome in outcomes] == [(True, "emergency")] * 3
    assert desk.venue.legs == {}
    connection_sync(desk.connection, connector=desk.venue)
    assert desk.venue.open_orders() == []
    assert not Position.objects.exclude(status="closed").exists()


def test_open_for_is_denied_with_a_sentence_and_nothing_is_sent(desk: Desk) -> None:
    desk.connection.leverage = 50
    desk.connection.save()
    order = desk.manager.open_for(desk.connection, intent=desk.intent(), connector=desk.venue, tick=desk.tick())
    assert (order.reason_code, order.reason) == ("leverage", "Leverage 50 of at most 20")
    assert desk.venue.placed == []


def test_in_one_way_mode_the_other_side_is_denied_clearly(desk: Desk) -> None:
    desk.connection.position_mode = "one_way"
    desk.connection.save()
    desk.open()
    denied = desk.create("short", position_side=PositionSide.SHORT)
    assert denied.reason_code == "opposite_side"
    assert denied.reason == "The account is in one-way mode and holds 0.01 long; close that first"


def test_protect_survives_a_venue_that_is_down(desk: Desk) -> None:
    desk.open()
    desk.venue.before = [Unavailable("down")] * 3
    outcomes = desk.manager.protect(desk.connection, connector=desk.venue)
    assert [outcome.state for outcome in outcomes] == ["missing"]


def test_a_position_far_from_its_entry_price_can_be_closed(desk: Desk) -> None:
    position = desk.open()
    told_price(desk, 50000)
    outcome = desk.manager.close_now(position, reason="manual", connector=desk.venue)
    assert (outcome.is_ok, outcome.position.status) == (True, "closed")


def test_closing_needs_neither_a_feed_nor_redis(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    position = desk.open()

    def down(*_: object) -> object:
        raise redis.ConnectionError("redis is down")

    monkeypatch.setattr("apps.orders.facts.tickers_of", down)
    assert desk.manager.close(position, reason="manual", connector=desk.venue).is_ok
    assert desk.create("entry", purpose="entry").status == "new"  # the engine's own tick is enough


def test_a_second_exit_closes_only_what_the_first_one_left(desk: Desk) -> None:
    position, other = desk.open("a"), desk.open("b")
    desk.venue.is_market_filled = False
    desk.manager.close(position, reason="target", connector=desk.venue)
    first = exits(position)[0]
    desk.venue.fill(first.client_order_id, "0.006")
    order_apply_venue(desk.connection, desk.venue.drop(first.client_order_id))  # its fill is still to be heard
    desk.venue.is_market_filled = True
    desk.manager.close_now(position, reason="target", connector=desk.venue)
    other.refresh_from_db()
    assert [order.quantity for order in exits(position)] == [Decimal("0.01"), Decimal("0.004")]
    assert (other.quantity, desk.venue.legs[BTC, LONG].quantity) == (Decimal("0.01"), Decimal("0.01"))
