"""From intent to order: one of each, sent once, its outcome recorded whatever the venue does."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from apps.exchanges.leases import lease_take
from apps.orders import submission
from apps.orders.creation import order_create_claimed
from apps.orders.models import Order, OrderEvent
from apps.orders.preparation import venue_prepare
from apps.orders.requests import order_request
from apps.orders.services import order_apply_venue, order_place, order_resolve, order_submit
from apps.positions.models import Position
from cts.domain.errors import (
    AmbiguousResult,
    AuthFailed,
    DomainError,
    PayloadError,
    RateLimited,
    Rejected,
    Unavailable,
)
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderStatus, PositionSide, Side
from tests.orders.conftest import BTC, Desk, no_sleep

pytestmark = pytest.mark.django_db
TENTH = OrderTerms(quantity=Decimal("0.01"))


def kinds(order: Order) -> list[str]:
    return list(OrderEvent.objects.filter(order=order).order_by("sequence").values_list("kind", flat=True))


def test_an_intent_is_sized_checked_and_stored_before_anything_is_sent(desk: Desk) -> None:
    order = desk.create()
    assert order.status == OrderStatus.NEW
    # 10,000 x 1 x 1 / 50 = 200 USDT; / 60,000 = 0.00333.. -> 0.003
    assert order.quantity == Decimal("0.003")
    assert order.side == "buy"
    assert order.position_key == order.client_order_id
    assert order.exits["stop_ratio"] == 0.005
    assert order.sizing["steps"][0]["name"] == "equity"
    assert all(check["is_passed"] for check in order.checks)
    assert desk.venue.placed == []


def test_the_same_intent_is_the_same_order_for_ever(desk: Desk) -> None:
    first, second = desk.create("k"), desk.create("k")
    assert first.pk == second.pk
    desk.submit(first)
    assert desk.submit(desk.create("k")).pk == first.pk
    assert len(desk.venue.placed) == 1


def test_a_denied_intent_is_stored_with_reason_and_all_checks(desk: Desk) -> None:
    desk.connection.is_live_armed = False
    desk.connection.save()
    order = desk.create()
    assert (order.status, order.reason_code) == ("denied", "armed")
    assert {check["code"] for check in order.checks} >= {"armed", "positions", "free_margin", "price_age"}
    assert desk.submit(order).status == "denied"
    assert desk.venue.placed == []


def test_an_ack_makes_it_accepted_and_only_fills_make_it_filled(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=TENTH))
    assert order.status == "accepted"
    told = order_apply_venue(desk.connection, desk.venue.orders[order.client_order_id])
    assert told is not None
    assert (told.status, told.reported_quantity) == ("accepted", Decimal("0.01"))
    desk.hear()
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", Decimal(60000))
    assert order.finished_at is not None


def test_events_have_no_gaps_and_end_in_the_state_of_the_row(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=TENTH))
    desk.hear()
    order.refresh_from_db()
    events = list(order.events.order_by("sequence"))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert kinds(order) == ["intent", "claim", "ack", "fill"]
    assert events[-1].after == order.status


def test_accepted_then_timed_out_resolves_to_exactly_one_order(desk: Desk) -> None:
    desk.venue.after = [AmbiguousResult("timed out")]
    order = desk.submit(desk.create(terms=TENTH))
    assert order.status == "unknown"
    resolved = order_resolve(order, connector=desk.venue)
    assert resolved.status == "accepted"
    assert resolved.venue_order_id == desk.venue.orders[order.client_order_id].venue_order_id
    assert len(desk.venue.placed) == 1
    assert len(desk.venue.orders) == 1


def test_timed_out_before_acceptance_ends_on_evidence_not_before(desk: Desk) -> None:
    desk.venue.before = [AmbiguousResult("timed out")]
    order = desk.submit(desk.create(terms=TENTH))
    desk.venue.reads = [Unavailable("down")]
    assert order_resolve(order, connector=desk.venue).status == "unknown"
    ended = order_resolve(order, connector=desk.venue)
    assert (ended.status, ended.reason_code) == ("expired", "never_arrived")
    assert len(desk.venue.placed) == 1


class HeldUp:
    """A clock of which more than a time-out passes at a moment one chooses."""

    def __init__(self, *, after_looks: int) -> None:
        self._left = after_looks

    def monotonic(self) -> float:
        self._left -= 1
        return 100.0 if self._left >= 0 else 100.0 + settings.VENUE_TIMEOUT_S + 0.1


@pytest.mark.parametrize(("after_looks", "sent"), [(1, 0), (2, 1)])
def test_a_process_held_up_for_long_does_not_send_what_others_take_for_never_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after_looks: int, sent: int
) -> None:
    """Stopped between claim and sending, or waiting to try again, while somebody else looks for the order in vain."""
    order = desk.create(terms=TENTH)
    desk.venue.before = [Unavailable("down"), Unavailable("down")]
    monkeypatch.setattr(submission, "time", HeldUp(after_looks=after_looks))
    ended = order_submit(order, connector=desk.venue, sleep=no_sleep)
    assert (ended.status, ended.reason_code) == ("expired", "venue_unavailable")
    assert len(desk.venue.before) == 2 - sent
    assert desk.venue.orders == {}


def test_not_found_is_no_evidence_within_the_visibility_delay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = type(desk.venue.spec)(**{**_fields(desk), "visibility_delay_s": 60.0})
    monkeypatch.setattr(desk.venue, "spec", slow, raising=False)
    desk.venue.before = [AmbiguousResult("timed out")]
    order = desk.submit(desk.create(terms=TENTH))
    assert order_resolve(order, connector=desk.venue).status == "unknown"
    Order.objects.filter(pk=order.pk).update(submitted_at=timezone.now() - timedelta(seconds=61))
    assert order_resolve(order, connector=desk.venue).status == "expired"


def _fields(desk: Desk) -> dict[str, Any]:
    return {name: getattr(desk.venue.spec, name) for name in desk.venue.spec.__struct_fields__}


def test_a_position_that_moved_keeps_an_unknown_order_unknown(desk: Desk) -> None:
    desk.venue.before = [AmbiguousResult("timed out")]
    order = desk.submit(desk.create(terms=TENTH))
    desk.venue.by_hand(Side.BUY, "0.01", leg=PositionSide.LONG)
    assert order_resolve(order, connector=desk.venue).status == "unknown"


def test_an_order_only_its_execution_tells_of_is_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.venue.after = [AmbiguousResult("timed out")]
    order = desk.submit(desk.create(terms=TENTH))
    del desk.venue.orders[order.client_order_id]
    assert order_resolve(order, connector=desk.venue).status == "accepted"
    desk.hear()
    order.refresh_from_db()
    assert order.status == "filled"


def test_an_unreadable_answer_to_a_placement_is_unknown(desk: Desk) -> None:
    desk.venue.after = [PayloadError("orderId", exchange="bybit")]
    assert desk.submit(desk.create(terms=TENTH)).status == "unknown"


def test_while_an_order_is_unknown_new_exposure_waits_and_closing_does_not(desk: Desk) -> None:
    position = desk.open("held")
    desk.venue.after = [AmbiguousResult("timed out")]
    assert desk.submit(desk.create("lost", terms=TENTH)).status == "unknown"
    denied = desk.create("next", terms=TENTH)
    assert (denied.status, denied.reason_code) == ("denied", "unknown_order")
    reduce = OrderTerms(quantity=position.quantity, is_reduce_only=True, position_key=position.key)
    assert desk.create("out", terms=reduce, purpose="exit").status == "new"


def test_what_was_surely_not_sent_is_tried_again_under_the_same_id(desk: Desk) -> None:
    desk.venue.before = [Unavailable("refused"), RateLimited("slow down")]
    order = desk.submit(desk.create(terms=TENTH))
    assert order.status == "accepted"
    assert {request.client_order_id for request in desk.venue.placed} == {order.client_order_id}
    assert len(desk.venue.placed) == 3
    assert kinds(order).count("retry") == 2


def test_after_three_attempts_an_entry_expires_and_an_exit_is_rejected(desk: Desk) -> None:
    position = desk.open("held")
    desk.venue.before = [Unavailable("refused")] * 3
    entry = desk.submit(desk.create("in", terms=TENTH))
    assert (entry.status, entry.reason_code) == ("expired", "venue_unavailable")
    reduce = OrderTerms(quantity=position.quantity, is_reduce_only=True, position_key=position.key)
    desk.venue.before = [RateLimited("slow")] * 3
    leaving = desk.submit(desk.create("out", terms=reduce, purpose="exit"))
    assert (leaving.status, leaving.reason_code) == ("rejected", "rate_limited")


def test_a_ban_of_a_minute_is_not_waited_for(desk: Desk) -> None:
    desk.venue.before = [RateLimited("banned", retry_at=timezone.now() + timedelta(minutes=1), is_ban=True)]
    assert desk.submit(desk.create(terms=TENTH)).status == "expired"
    assert len(desk.venue.placed) == 1


def test_a_refusal_is_final_and_keeps_the_venues_reason(desk: Desk) -> None:
    desk.venue.before = [Rejected("insufficient balance", venue_code="110007")]
    order = desk.submit(desk.create(terms=TENTH))
    assert (order.status, order.reason_code, order.reason) == ("rejected", "110007", "insufficient balance")


def test_a_refused_key_disarms_the_connection(desk: Desk) -> None:
    desk.venue.before = [AuthFailed("invalid api key")]
    assert desk.submit(desk.create(terms=TENTH)).status == "rejected"
    desk.connection.refresh_from_db()
    assert desk.connection.is_live_armed is False


def test_a_crash_between_commit_and_send_is_taken_up_once(desk: Desk) -> None:
    order = desk.create(terms=TENTH)  # the process dies here
    assert desk.sync().orders["send"] == 1
    desk.sync()
    order.refresh_from_db()
    assert order.status == "filled"
    assert [request.client_order_id for request in desk.venue.entries] == [order.client_order_id]


def test_an_old_entry_is_not_sent_after_a_crash(desk: Desk) -> None:
    order = desk.create(terms=TENTH)
    Order.objects.filter(pk=order.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    desk.sync()
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("expired", "too_late")
    assert desk.venue.placed == []


def test_a_crash_while_sending_is_resolved_from_the_venue(desk: Desk) -> None:
    order = desk.create(terms=TENTH)
    old = timezone.now() - timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(status="submitting", claimed_at=old)
    desk.venue.place(order_request(order))  # it went out, and the process died
    desk.sync()
    order.refresh_from_db()
    assert order.status == "filled"
    assert Position.objects.get(key=order.position_key).quantity == Decimal("0.01")
    assert [request.client_order_id for request in desk.venue.entries] == [order.client_order_id]


def test_a_crash_after_an_order_was_made_and_claimed_is_resolved_from_the_venue(desk: Desk) -> None:
    made = order_create_claimed(desk.connection, intent=desk.intent(), tick=desk.tick())
    assert (made.is_ours, made.order.status, kinds(made.order)) == (True, "submitting", ["intent", "claim"])
    desk.sync()  # whoever looks now may meet one that is being sent: it is left alone
    assert Order.objects.get().status == "submitting"
    Order.objects.update(claimed_at=timezone.now() - timedelta(minutes=1))
    desk.sync()
    order = Order.objects.get()
    assert (order.status, order.reason_code) == ("expired", "never_arrived")
    assert desk.venue.placed == []


def test_an_order_made_and_claimed_that_went_out_before_the_crash_is_found(desk: Desk) -> None:
    made = order_create_claimed(desk.connection, intent=desk.intent(), tick=desk.tick())
    desk.venue.place(order_request(made.order))
    Order.objects.update(claimed_at=timezone.now() - timedelta(minutes=1))
    desk.sync()
    assert Order.objects.get(purpose="entry").status == "filled"
    assert len(desk.venue.entries) == 1


def test_the_same_signal_placed_again_is_not_sent_again(desk: Desk) -> None:
    def place() -> Order:
        return order_place(desk.connection, intent=desk.intent(), connector=desk.venue, tick=desk.tick())

    venue_prepare(desk.connection, connector=desk.venue, symbol=BTC)
    claimed = order_create_claimed(desk.connection, intent=desk.intent(), tick=desk.tick()).order
    assert (place().pk, place().status) == (claimed.pk, "submitting")
    assert order_create_claimed(desk.connection, intent=desk.intent(), tick=desk.tick()).is_ours is False
    assert desk.venue.placed == []


def test_a_fill_heard_before_the_answer_is_not_undone_by_it(desk: Desk) -> None:
    venue_prepare(desk.connection, connector=desk.venue, symbol=BTC)
    desk.venue.after = [desk.hear]
    order = order_place(desk.connection, intent=desk.intent(), connector=desk.venue, tick=desk.tick())
    assert (order.status, kinds(order)) == ("filled", ["intent", "claim", "fill", "ack"])
    assert order.venue_order_id


def test_a_denied_signal_is_stored_and_not_sent(desk: Desk) -> None:
    venue_prepare(desk.connection, connector=desk.venue, symbol=BTC)
    desk.connection.is_live_armed = False
    desk.connection.save()
    order = order_place(desk.connection, intent=desk.intent(), connector=desk.venue, tick=desk.tick())
    assert (order.status, order.claimed_at, kinds(order)) == ("denied", None, ["intent", "deny"])
    assert desk.venue.placed == []


def test_two_senders_send_once(desk: Desk) -> None:
    order = desk.create(terms=TENTH)
    desk.submit(order)
    again = order_submit(order, connector=desk.venue, sleep=no_sleep)
    assert again.status == "accepted"
    assert len(desk.venue.placed) == 1


def test_a_replaced_engine_can_neither_make_nor_send_orders(desk: Desk) -> None:
    lease = lease_take(f"engine:{desk.connection.pk}", owner="first")
    assert lease is not None
    order = desk.create("a", terms=TENTH, epoch=lease.epoch)
    lease.owner, lease.epoch = "second", lease.epoch + 1
    lease.save()
    assert desk.submit(order).reason_code == "engine_replaced"
    with pytest.raises(DomainError) as refused:
        desk.create("b", terms=TENTH, epoch=lease.epoch - 1)
    assert refused.value.code == "engine_replaced"
    assert desk.venue.placed == []


def test_halt_stops_entries_already_made_and_lets_exits_out(desk: Desk) -> None:
    position = desk.open("held")
    waiting = desk.create("waiting", terms=TENTH)
    halt: Path = settings.DATA_DIR / "HALT"
    halt.parent.mkdir(parents=True, exist_ok=True)
    halt.write_text("stop")
    try:
        assert desk.submit(waiting).reason_code == "halted"
        assert desk.create("later", terms=TENTH).reason_code == "halted"
        outcome = desk.manager.close(position, reason="manual", connector=desk.venue)
        assert outcome.is_ok
    finally:
        halt.unlink()
