"""From fills to positions: whatever arrives, in whatever order, however often."""

import itertools
import random
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from apps.orders.models import EntryLock, Fill, Order
from apps.orders.services import order_apply_venue
from apps.positions.ledger import position_fold
from apps.positions.models import Position, PositionEvent
from apps.positions.rows import position_row
from apps.positions.selectors import leg_quantities
from apps.positions.services import fill_book, positions_best_store
from cts import bus
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderStatus, PositionMode, PositionSide, Side, Ticker
from tests.orders.conftest import BTC, Desk

pytestmark = pytest.mark.django_db
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def one() -> Position:
    return Position.objects.select_related("connection").get()


def test_the_first_fill_opens_with_levels_from_its_average_on_the_tick(desk: Desk) -> None:
    position = desk.open(target_ratio=0.0103, stop_ratio=0.00511, timeout_s=60.0)
    assert (position.status, position.quantity, position.average_entry_price) == ("open", Decimal("0.01"), 60000)
    assert position.target_price == Decimal("60618")
    assert position.stop_price == Decimal("59693.4")
    assert position.timeout_at is not None
    assert position.opened_at is not None
    assert (position.timeout_at - position.opened_at).total_seconds() == 60


def test_a_short_has_its_levels_mirrored(desk: Desk) -> None:
    position = desk.open(position_side=SHORT)
    assert (position.target_price, position.stop_price) == (Decimal(59400), Decimal(60300))
    assert Order.objects.get().side == "sell"


def test_partial_fills_grow_one_position_and_move_its_levels(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.02"))))
    desk.venue.fill(order.client_order_id, "0.01", price="60000")
    desk.hear()
    assert (one().status, one().stop_price) == ("opening", Decimal(59700))
    desk.venue.fill(order.client_order_id, "0.01", price="60200")
    desk.hear()
    position = one()
    assert (position.status, position.quantity) == ("open", Decimal("0.02"))
    assert position.average_entry_price == Decimal(60100)
    assert position.stop_price == Decimal("59799.5")


def test_a_duplicate_fill_changes_nothing(desk: Desk) -> None:
    position = desk.open()
    before = position_row(position)
    assert desk.hear() == 0
    assert position_row(one()) == before
    assert Fill.objects.count() == 1


def test_closing_realizes_the_difference_and_the_fees(desk: Desk) -> None:
    position = desk.open()
    desk.venue.price = Decimal(61000)
    assert desk.manager.close(position, reason="target", connector=desk.venue).is_ok
    desk.hear()
    position = one()
    assert (position.status, position.exit_reason) == ("closed", "target")
    assert position.realized_pnl == Decimal(10)
    assert position.fees == Decimal("0.605")
    assert position_row(position)["net_pnl"] == "9.395"
    assert position.closed_at is not None


def test_positions_of_one_leg_are_kept_apart_and_add_up_to_it(desk: Desk) -> None:
    first, second = desk.open("a", "0.010"), desk.open("b", "0.020")
    assert first.pk != second.pk
    assert leg_quantities(desk.connection) == {(BTC, LONG): Decimal("0.03")}
    desk.manager.close(first, reason="manual", connector=desk.venue)
    desk.hear()
    second.refresh_from_db()
    assert second.quantity == Decimal("0.02")
    assert desk.venue.legs[BTC, LONG].quantity == Decimal("0.02")


def test_a_stop_that_outlives_its_position_takes_from_the_oldest_of_the_leg(desk: Desk) -> None:
    gone, oldest = desk.open("a"), desk.open("b")
    desk.open("c")
    desk.manager.ensure_stop(gone, connector=desk.venue)
    stop = Order.objects.get(purpose="stop")
    desk.manager.close(gone, reason="target", connector=desk.venue)
    desk.hear()
    desk.venue.fill(stop.client_order_id, price="59700")
    desk.hear()
    oldest.refresh_from_db()
    assert (oldest.status, oldest.exit_reason) == ("closed", "stop")
    assert leg_quantities(desk.connection) == {(BTC, LONG): Decimal("0.01")}
    assert desk.venue.legs[BTC, LONG].quantity == Decimal("0.01")


def test_an_exit_heard_before_its_entry_comes_out_the_same(desk: Desk) -> None:
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    reduce = OrderTerms(quantity=Decimal("0.01"), is_reduce_only=True, position_key=order.position_key)
    desk.venue.price = Decimal(60500)
    desk.submit(desk.create("out", terms=reduce, purpose="exit"))
    entry, leaving = desk.venue.executions
    leaving = msgspec.structs.replace(leaving, executed_ms=entry.executed_ms + 5)
    fill_book(desk.connection, fill=leaving, source="stream")
    assert one().quantity == 0
    fill_book(desk.connection, fill=entry, source="stream")
    position = one()
    assert (position.status, position.realized_pnl) == ("closed", Decimal(5))


def test_an_exit_heard_before_its_entry_takes_nothing_from_others_of_the_leg(desk: Desk) -> None:
    sibling = desk.open("sibling")
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    reduce = OrderTerms(quantity=Decimal("0.01"), is_reduce_only=True, position_key=order.position_key)
    desk.submit(desk.create("out", terms=reduce, purpose="exit"))
    fill_book(desk.connection, fill=desk.venue.executions[-1], source="stream")
    sibling.refresh_from_db()
    assert sibling.quantity == Decimal("0.01")
    desk.hear()
    assert leg_quantities(desk.connection) == {(BTC, LONG): desk.venue.legs[BTC, LONG].quantity}


def test_levels_follow_the_average_of_an_entry_that_fills_on_after_part_was_closed(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.02"))))
    desk.venue.fill(order.client_order_id, "0.01", price="60000")
    desk.venue.by_hand(Side.SELL, "0.005", leg=LONG)
    desk.hear()
    assert one().stop_price == Decimal(59700)
    desk.venue.fill(order.client_order_id, "0.01", price="60300")
    desk.hear()
    assert (one().average_entry_price, one().stop_price) == (Decimal(60200), Decimal(59899))


def test_any_order_and_any_repetition_of_fills_gives_the_same_rows(desk_factory: Callable[..., Desk]) -> None:
    results = []
    for seed in range(6):
        desk = desk_factory()
        desk.venue.is_market_filled = False
        order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.05"))))
        for step, price in enumerate(("60000", "60100.5", "59999.9", "60010", "60003.3")):
            desk.venue.fill(order.client_order_id, "0.01", price=price)
            _later(desk, step)
        fills = list(itertools.chain(desk.venue.executions, desk.venue.executions))
        random.Random(seed).shuffle(fills)
        for fill in fills:
            fill_book(desk.connection, fill=fill, source="stream")
        row = position_row(Position.objects.get(connection=desk.connection))
        results.append({name: row[name] for name in ("quantity", "average_entry_price", "fees", "stop_price")})
        order.refresh_from_db()
        assert (order.status, order.filled_quantity) == ("filled", Decimal("0.05"))
    assert all(result == results[0] for result in results)


def _later(desk: Desk, step: int) -> None:
    last = desk.venue.executions[-1]
    desk.venue.executions[-1] = msgspec.structs.replace(last, executed_ms=last.executed_ms + step)


def test_the_row_equals_the_fold_of_its_events(desk: Desk) -> None:
    position = desk.open()
    desk.venue.price = Decimal(60123)
    desk.manager.close(position, reason="trail", connector=desk.venue)
    desk.hear()
    position = one()
    state = position_fold(position)
    assert (state.quantity, state.realized_pnl, state.fees) == (
        position.quantity,
        position.realized_pnl,
        position.fees,
    )
    events = list(PositionEvent.objects.filter(position=position).values_list("sequence", flat=True))
    assert sorted(events) == list(range(1, len(events) + 1))


def test_a_fill_before_its_ack_is_ours_by_its_name(desk: Desk) -> None:
    order = desk.create(terms=OrderTerms(quantity=Decimal("0.01")))
    desk.venue.after = [desk.hear]
    order = desk.submit(order)
    order.refresh_from_db()
    assert order.status == "filled"
    assert [event.kind for event in order.events.order_by("sequence")] == ["intent", "claim", "fill", "ack"]


def test_a_nameless_fill_waits_while_one_of_ours_may_be_meant(desk: Desk) -> None:
    order = desk.create(terms=OrderTerms(quantity=Decimal("0.01")))
    Order.objects.filter(pk=order.pk).update(status="submitting")
    fill = desk.venue.by_hand(Side.BUY, "0.01", leg=LONG)
    assert fill_book(desk.connection, fill=fill, source="stream") is None
    Order.objects.filter(pk=order.pk).update(status="accepted", venue_order_id=fill.venue_order_id)
    booked = fill_book(desk.connection, fill=fill, source="poll")
    assert booked is not None
    assert booked.order_id == order.pk


def test_a_trade_by_hand_that_opens_is_a_position_of_its_own(desk: Desk) -> None:
    desk.open()
    desk.venue.by_hand(Side.BUY, "0.5", leg=LONG)
    desk.hear()
    external = Position.objects.get(origin="external")
    assert (external.quantity, external.status, position_row(external)["stop_status"]) == (
        Decimal("0.5"),
        "open",
        "waived",
    )


def test_a_trade_by_hand_that_closes_takes_the_oldest_first(desk: Desk) -> None:
    first, second = desk.open("a", "0.010"), desk.open("b", "0.010")
    desk.venue.by_hand(Side.SELL, "0.015", leg=LONG)
    desk.hear()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.exit_reason, second.quantity) == ("closed", "external", Decimal("0.005"))
    assert sum((first.fees, second.fees)) == Decimal("0.01") * 60000 * Decimal("0.0005") * 2 + Decimal(
        "0.015"
    ) * 60000 * Decimal("0.0005")


def test_in_one_way_mode_a_larger_trade_by_hand_closes_and_opens_the_other_side(
    desk_factory: Callable[..., Desk],
) -> None:
    desk = desk_factory(position_mode="one_way")
    desk.venue.mode = PositionMode.ONE_WAY
    first = desk.open(quantity="0.010")
    desk.venue.by_hand(Side.SELL, "0.030", leg=LONG)
    desk.hear()
    first.refresh_from_db()
    assert first.status == "closed"
    assert leg_quantities(desk.connection) == {(BTC, SHORT): Decimal("0.02")}


def test_a_canceled_rest_of_an_entry_leaves_the_position_open(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.02"))))
    desk.venue.fill(order.client_order_id, "0.01")
    desk.hear()
    order_apply_venue(desk.connection, desk.venue.drop(order.client_order_id, OrderStatus.CANCELED))
    desk.sync()
    assert (one().status, one().quantity) == ("open", Decimal("0.01"))


def test_a_fee_in_another_asset_is_counted_at_its_price(desk: Desk) -> None:
    ticker = Ticker(symbol="BNB/USDT:USDT", last=Decimal(800), at_ms=1)
    bus.client().hset(bus.tickers_key(*desk.connection.venue), ticker.symbol, msgspec.json.encode(ticker))
    desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    paid = msgspec.structs.replace(desk.venue.executions[-1], fee=Decimal("0.0005"), fee_asset="BNB")
    booked = fill_book(desk.connection, fill=paid, source="stream")
    assert booked is not None
    assert (booked.fee, booked.fee_asset) == (Decimal("0.0005"), "BNB")
    assert one().fees == Decimal("0.4")


def test_the_fourth_stop_within_an_hour_locks_the_symbol(desk: Desk) -> None:
    for number in range(4):
        position = desk.open(f"k{number}")
        desk.manager.ensure_stop(position, connector=desk.venue)
        stop = Order.objects.get(purpose="stop", position_key=position.key)
        desk.venue.fill(stop.client_order_id, price="59700")
        desk.hear()
    lock = EntryLock.objects.get()
    assert (lock.reason_code, lock.symbol) == ("stop_guard", BTC)
    assert desk.create("after").reason_code == "stop_guard"


def test_eight_losses_in_a_row_pause_the_connection(desk: Desk) -> None:
    for number in range(8):
        position = desk.open(f"k{number}")
        desk.venue.price -= 10
        desk.manager.close(position, reason="timeout", connector=desk.venue)
        desk.hear()
    assert EntryLock.objects.get().reason_code == "losing_streak"
    assert desk.create("after").reason_code == "losing_streak"


def test_a_trail_is_stored_and_never_moves_back(desk: Desk) -> None:
    position = desk.open()
    assert positions_best_store(desk.connection, best_prices={position.pk: 60500.0}) == 1
    assert positions_best_store(desk.connection, best_prices={position.pk: 60400.0}) == 0
    assert one().best_price == Decimal(60500)
