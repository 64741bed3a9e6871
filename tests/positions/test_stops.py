"""Every open position has its stop on the venue, for its whole quantity, without a gap and without leftovers."""

from decimal import Decimal

import msgspec
import pytest

from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.positions.models import Position
from apps.positions.rows import stop_status
from apps.positions.selectors import exit_view
from cts.domain.errors import AmbiguousResult, Rejected, Unavailable
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderStatus, OrderType, PositionSide, Side
from tests.orders.conftest import BTC, Desk

pytestmark = pytest.mark.django_db
LONG = PositionSide.LONG


def fresh(position: Position) -> Position:
    return Position.objects.select_related("connection", "stop_order").get(pk=position.pk)


def stops(position: Position) -> list[Order]:
    return list(Order.objects.filter(purpose="stop", position_key=position.key).order_by("pk"))


def test_a_stop_is_placed_reduce_only_for_the_whole_position(desk: Desk) -> None:
    position = desk.open()
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "covered"
    request = desk.venue.placed[-1]
    assert (request.order_type, request.is_reduce_only, request.side) == (OrderType.STOP_MARKET, True, Side.SELL)
    assert (request.quantity, request.trigger_price) == (Decimal("0.01"), Decimal(59700))
    assert stop_status(fresh(position)) == "on_venue"


def test_ensuring_a_standing_stop_places_nothing(desk: Desk) -> None:
    position = desk.open()
    desk.manager.ensure_stop(position, connector=desk.venue)
    version, sent = fresh(position).version, len(desk.venue.placed)
    desk.manager.ensure_stop(position, connector=desk.venue)
    assert (fresh(position).version, len(desk.venue.placed)) == (version, sent)


def test_a_position_that_grows_gets_a_new_stop_before_the_old_one_goes(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.02"))))
    desk.venue.fill(order.client_order_id, "0.01")
    desk.hear()
    position = Position.objects.get()
    desk.manager.ensure_stop(position, connector=desk.venue)
    desk.venue.fill(order.client_order_id)
    desk.hear()
    first = stops(position)[0]
    desk.venue.after = [lambda: _still_rests(desk, first)]
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "covered"
    assert [stop.status for stop in stops(position)] == ["canceled", "accepted"]
    assert stops(position)[1].quantity == Decimal("0.02")


def _still_rests(desk: Desk, order: Order) -> None:
    assert desk.venue.rests(order.client_order_id), "the old stop went before the new one stood"


def test_a_stop_canceled_by_hand_is_placed_again(desk: Desk) -> None:
    position = desk.open()
    desk.sync()
    desk.venue.drop(stops(position)[0].client_order_id)
    desk.sync()
    assert [stop.status for stop in stops(position)] == ["canceled", "accepted"]
    assert desk.venue.rests(stops(position)[1].client_order_id)


def test_a_stop_the_venue_refuses_means_out_at_market(desk: Desk) -> None:
    position = desk.open()
    desk.venue.before = [Rejected("trigger on the wrong side", venue_code="110092")]
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "refused"
    desk.hear()
    closed = fresh(position)
    assert (closed.status, closed.exit_reason) == ("closed", "stop_refused")
    assert (BTC, LONG) not in desk.venue.legs


def test_a_stop_that_could_not_be_sent_is_missing_and_tried_again(desk: Desk) -> None:
    position = desk.open()
    desk.venue.before = [Unavailable("down")] * 3
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "missing"
    row = fresh(position)
    assert (row.status, stop_status(row), row.uncovered_since is not None) == ("open", "missing", True)
    assert desk.manager.ensure_stop(row, connector=desk.venue).state == "covered"
    assert fresh(position).uncovered_since is None


def test_a_stop_of_unknown_outcome_is_not_doubled(desk: Desk) -> None:
    position = desk.open()
    desk.venue.after = [AmbiguousResult("timed out")]
    desk.venue.reads = [Unavailable("down")] * 4
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "missing"
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "missing"
    assert desk.venue.reads == []
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "covered"
    assert len(stops(position)) == 1


def test_the_stop_goes_when_the_position_is_closed(desk: Desk) -> None:
    position = desk.open()
    desk.manager.ensure_stop(position, connector=desk.venue)
    desk.manager.close_now(position, reason="manual", connector=desk.venue)
    assert fresh(position).status == "closed"
    assert not desk.venue.rests(stops(position)[0].client_order_id)
    assert desk.venue.open_orders() == []


def test_after_part_was_closed_by_hand_the_stop_covers_the_rest(desk: Desk) -> None:
    position = desk.open()
    desk.sync()
    desk.venue.by_hand(Side.SELL, "0.004", leg=LONG)
    desk.sync()
    standing = [stop for stop in stops(position) if stop.status == "accepted"]
    assert [stop.quantity for stop in standing] == [Decimal("0.006")]


def test_a_position_without_a_stop_ratio_has_its_waiver_in_writing(desk: Desk) -> None:
    position = desk.open(stop_ratio=None)
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "waived"
    desk.manager.ensure_stop(position, connector=desk.venue)
    assert position.events.filter(kind="stop_waived").count() == 1
    assert stop_status(fresh(position)) == "waived"


def test_where_the_venue_has_no_stops_ours_is_watched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = desk.venue.spec
    plain = msgspec.structs.replace(spec, capabilities=spec.capabilities - {Capability.CONDITIONAL})
    monkeypatch.setattr(desk.venue, "spec", plain, raising=False)
    position = desk.open()
    assert desk.manager.ensure_stop(position, connector=desk.venue).state == "watched"
    view = exit_view(fresh(position))
    assert view is not None
    assert view.is_stop_on_venue is False


def test_a_triggered_stop_closes_the_position_as_a_stop(desk: Desk) -> None:
    position = desk.open()
    desk.manager.ensure_stop(position, connector=desk.venue)
    desk.venue.fill(stops(position)[0].client_order_id, price="59690")
    desk.hear()
    row = fresh(position)
    assert (row.status, row.exit_reason, row.realized_pnl) == ("closed", "stop", Decimal("-3.1"))
    assert stops(position)[0].status == OrderStatus.FILLED


def test_where_the_venue_takes_no_stops_the_position_says_that_it_is_watched(desk: Desk) -> None:
    position = desk.open()
    assert stop_status(fresh(position)) == "missing"
    Connection.objects.update(exchange="pionex")
    assert stop_status(fresh(position)) == "watched"
