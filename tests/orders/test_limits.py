"""The facts behind the checks, from real rows, and limits that hold when many ask at once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.exchanges.leases import lease_take
from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.services import balances_record, facts_changed
from apps.orders.history import history_for
from apps.orders.holdings import Result, Results
from apps.orders.models import EntryLock, Order, RiskLimits
from apps.orders.services import (
    entry_lock_create,
    entry_lock_lift,
    equity_peak_note,
    equity_peak_set,
    order_create,
    order_place,
    order_submit,
    risk_limits_update,
)
from apps.positions.models import Position
from cts import bus
from cts.domain.errors import DomainError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderType, PositionSide, Ticker
from tests.orders.conftest import BTC, Desk, no_sleep

SMALL = OrderTerms(quantity=Decimal("0.001"))


def check_of(order: Order, code: str) -> dict[str, str]:
    found: dict[str, str] = next(check for check in order.checks if check["code"] == code)
    return found


@pytest.mark.django_db
def test_entries_on_their_way_count_like_positions(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    for number in range(3):
        assert desk.submit(desk.create(f"k{number}", terms=SMALL)).status == "accepted"
    denied = desk.create("k3", terms=SMALL)
    assert denied.reason_code == "positions_per_side"
    assert check_of(denied, "total_notional")["value"] == "0.0240"
    assert desk.create("other", terms=SMALL, position_side=PositionSide.SHORT).status == "new"


@pytest.mark.django_db
def test_a_position_and_its_own_entry_count_once(desk: Desk) -> None:
    desk.venue.is_market_filled = False
    order = desk.submit(desk.create("a", terms=OrderTerms(quantity=Decimal("0.02"))))
    desk.venue.fill(order.client_order_id, "0.01")
    desk.hear()
    following = desk.create("b", terms=SMALL)
    assert check_of(following, "positions")["value"] == "1"
    # 0.01 held, 0.01 to come, 0.001 asked for, at 60,000, of 10,000.
    assert check_of(following, "total_notional")["value"] == "0.1260"


@pytest.mark.django_db
def test_a_margin_the_balance_cannot_know_of_is_reserved(desk: Desk) -> None:
    AccountBalance.objects.update(available=Decimal(1_100), at=timezone.now())
    facts_changed(desk.connection.pk)
    # 60 USDT of margin leave 1,040 of which 1,000 must stay free: a second one doesn't fit.
    assert desk.create("a", terms=OrderTerms(quantity=Decimal("0.01"))).status == "new"
    assert desk.create("b", terms=OrderTerms(quantity=Decimal("0.01"))).reason_code == "free_margin"


@pytest.mark.django_db
def test_an_account_whose_money_is_unknown_does_not_trade(desk: Desk) -> None:
    AccountBalance.objects.all().delete()
    assert desk.create(terms=SMALL).reason_code == "equity"


@pytest.mark.django_db
def test_the_days_loss_closes_entries_until_midnight_even_if_prices_return(desk: Desk) -> None:
    position = desk.open(quantity="0.050")
    desk.venue.price = Decimal(49_000)
    denied = desk.create("a", terms=SMALL)
    assert denied.reason_code == "daily_loss"
    lock = EntryLock.objects.get()
    assert (lock.until.hour, lock.until.minute, lock.until > timezone.now()) == (0, 0, True)
    desk.venue.price = Decimal(60_000)
    assert desk.create("b", terms=SMALL).reason_code == "daily_loss"
    assert position.status == "open"


@pytest.mark.django_db
def test_a_loss_of_yesterday_is_not_of_today(desk: Desk) -> None:
    position = desk.open(quantity="0.050")
    desk.venue.price = Decimal(49_000)
    desk.manager.close(position, reason="timeout", connector=desk.venue)
    desk.hear()
    assert desk.create("a", terms=SMALL).reason_code == "daily_loss"
    EntryLock.objects.all().delete()
    Position.objects.update(closed_at=timezone.now() - timedelta(days=1))
    facts_changed(desk.connection.pk)
    assert desk.create("b", terms=SMALL).status == "new"


@pytest.mark.django_db
def test_a_lock_on_one_symbol_leaves_the_others_open(desk: Desk) -> None:
    until = timezone.now() + timedelta(hours=1)
    entry_lock_create(desk.connection, symbol="ETH/USDT:USDT", reason_code="stop_guard", reason="4 stops", until=until)
    assert desk.create("a", terms=SMALL).status == "new"
    entry_lock_create(desk.connection, reason_code="by_hand", reason="News at noon", until=until)
    denied = desk.create("b", terms=SMALL)
    assert (denied.reason_code, denied.reason) == ("by_hand", "News at noon")


@pytest.mark.django_db
def test_a_stale_or_distant_price_is_no_price_to_enter_at(desk: Desk) -> None:
    old = desk.tick()
    stale = type(old)(symbol=old.symbol, price=old.price, bid=old.bid, ask=old.ask, at_ms=old.at_ms - 4_000)
    order = order_create(desk.connection, intent=desk.intent("a"), terms=SMALL, tick=stale)
    assert order.reason_code == "price_age"
    assert desk.create("b", terms=SMALL, price=62_000.0).reason_code == "price_deviation"
    limit = OrderTerms(quantity=Decimal("0.001"), order_type=OrderType.LIMIT, price=Decimal(50_000))
    assert desk.create("c", terms=limit).reason_code == "price_deviation"


@pytest.mark.django_db
def test_a_price_heard_long_ago_gives_way_to_the_feeds_newer_one(desk: Desk) -> None:
    old = msgspec.structs.replace(desk.tick(), price=40_000.0, at_ms=desk.tick().at_ms - 60_000)
    told = Ticker(symbol=BTC, last=Decimal(60_000), at_ms=desk.tick().at_ms)
    key = bus.tickers_key(*desk.connection.venue)
    bus.client().hset(key, BTC, msgspec.json.encode(told))
    assert order_create(desk.connection, intent=desk.intent("a"), terms=SMALL, tick=old).status == "new"
    bus.client().hset(key, BTC, msgspec.json.encode(msgspec.structs.replace(told, at_ms=1)))
    assert (
        order_create(desk.connection, intent=desk.intent("b"), terms=SMALL, tick=old).reason_code == "price_deviation"
    )


@pytest.mark.django_db
def test_limits_of_the_connection_replace_the_defaults(desk: Desk) -> None:
    risk_limits_update(
        desk.connection, user=desk.connection.owner, changes={"max_positions_per_side": 1, "target_positions": 100}
    )
    first = desk.create("a")
    assert first.quantity == Decimal("0.001")
    assert desk.create("b").reason_code == "positions_per_side"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"colour": 3}, "unknown_field"),
        ({"max_positions": "many"}, "invalid"),
        ({"max_daily_loss_ratio": 1.5}, "invalid"),
        ({"max_daily_loss_ratio": float("nan")}, "invalid"),
        ({"target_positions": 10}, "invalid"),
        ({"sizing_mode": "all-in"}, "invalid"),
        ({"id": 5}, "unknown_field"),
    ],
)
@pytest.mark.django_db
def test_senseless_limits_are_refused_by_field(desk: Desk, changes: dict[str, object], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        risk_limits_update(desk.connection, user=desk.connection.owner, changes=changes)
    assert (refused.value.code, refused.value.field) == (code, next(iter(changes)))
    assert not RiskLimits.objects.filter(max_daily_loss_ratio__gt=1).exists()


def queries_of(make: Callable[[], object]) -> int:
    """Questions to the database, what only opens and closes transactions not counted."""
    with CaptureQueriesContext(database) as made:
        make()
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return sum(not query["sql"].startswith(frame) for query in made.captured_queries)


@pytest.mark.django_db
def test_an_order_costs_the_same_queries_whatever_is_held(desk: Desk) -> None:
    desk.create("first", terms=SMALL)  # reads what changes seldom
    counts = []
    for number in range(3):
        counts.append(queries_of(lambda key=f"k{number}": desk.create(key, terms=SMALL)))  # type: ignore[misc]
        desk.open(f"held{number}", "0.001", position_side=PositionSide.SHORT)
    # The connection, earlier orders, positions; the order and its events.
    assert counts == [5, 5, 5]


@pytest.mark.django_db
def test_an_engines_order_is_made_claimed_and_acknowledged_by_nine_queries(desk: Desk) -> None:
    lease = lease_take(f"engine:{desk.connection.pk}", owner="engine")
    assert lease is not None

    def place(key: str) -> Order:
        intent, tick = desk.intent(key), desk.tick()
        return order_place(
            desk.connection, intent=intent, connector=desk.venue, engine_epoch=lease.epoch, tick=tick, sleep=no_sleep
        )

    desk.venue.is_market_filled = False
    assert place("prepares the venue").status == "accepted"
    # Six until it goes out (the lease is the sixth), three to record the answer.
    assert queries_of(lambda: place("k")) == 9
    assert len(desk.venue.placed) == 2


@pytest.mark.django_db
def test_a_fact_changed_by_any_service_counts_for_the_next_order(desk: Desk) -> None:
    assert desk.create("a", terms=SMALL).status == "new"
    risk_limits_update(desk.connection, user=desk.connection.owner, changes={"max_leverage": 2})
    assert desk.create("b", terms=SMALL).reason_code == "leverage"
    risk_limits_update(desk.connection, user=desk.connection.owner, changes={"max_leverage": 20})
    lock = entry_lock_create(
        desk.connection, reason_code="by_hand", reason="News", until=timezone.now() + timedelta(hours=1)
    )
    assert desk.create("c", terms=SMALL).reason_code == "by_hand"
    entry_lock_lift(lock, user=desk.connection.owner)
    assert desk.create("d", terms=SMALL).status == "new"
    equity_peak_note(desk.connection, asset="USDT", equity=Decimal(20_000))
    assert desk.create("e", terms=SMALL).reason_code == "drawdown"
    equity_peak_set(desk.connection, asset="USDT", equity=Decimal(10_000))
    desk.venue.equity = Decimal(0)
    balances_record(desk.connection, balances=desk.venue.balances())
    assert desk.create("f", terms=SMALL).reason_code == "equity"


@pytest.mark.django_db
def test_facts_read_in_a_transaction_that_fails_are_not_believed_afterwards(desk: Desk) -> None:
    assert desk.create("a", terms=SMALL).status == "new"
    with transaction.atomic():
        risk_limits_update(desk.connection, user=desk.connection.owner, changes={"max_leverage": 2})
        assert desk.create("b", terms=SMALL).reason_code == "leverage"
        transaction.set_rollback(True)
    assert desk.create("c", terms=SMALL).status == "new"


@pytest.mark.django_db
def test_midnight_and_the_end_of_a_lock_come_without_anything_being_written(desk: Desk) -> None:
    now = timezone.now().replace(hour=12)
    entry_lock_create(desk.connection, reason_code="losing_streak", reason="8", until=now + timedelta(minutes=5))
    row = Connection.objects.get(pk=desk.connection.pk)
    results = Results(day=(Result(now, Decimal(-5)),), judged=(Result(now, Decimal(-5)),))
    history = replace(history_for(row, now=now), results=results)
    assert [lock.reason_code for lock in history.locks_active(now=now, symbol=BTC)] == ["losing_streak"]
    assert (history.losing_streak(now=now), history.day_pnl(now=now)) == (1, Decimal(-5))
    later = now + timedelta(minutes=6)
    assert history.locks_active(now=later, symbol=BTC) == ()
    assert history.losing_streak(now=later) == 0
    assert history.day_pnl(now=now + timedelta(days=1)) == 0


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_exactly_as_many_get_in_as_the_limit_allows(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    failures: list[BaseException] = []
    start = threading.Barrier(20)

    def ask(number: int) -> None:
        try:
            start.wait()
            desk.create(f"k{number}", terms=SMALL)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Order.objects.filter(status="new").count() == 3
    assert Order.objects.filter(reason_code="positions_per_side").count() == 17


@pytest.mark.django_db(transaction=True)
def test_of_twenty_with_the_same_intent_one_order_is_made_and_sent_once(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    desk.venue.is_market_filled = False
    found: list[int] = []
    failures: list[BaseException] = []
    start = threading.Barrier(20)

    def ask() -> None:
        try:
            start.wait()
            order = desk.create("same", terms=SMALL)
            found.append(order.pk)
            order_submit(order, connector=desk.venue, sleep=no_sleep)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(found)) == 1
    assert len(desk.venue.placed) == 1


@pytest.mark.django_db(transaction=True)
def test_a_fill_heard_by_many_at_once_is_booked_once(desk_factory: Callable[..., Desk]) -> None:
    desk = desk_factory()
    order = desk.submit(desk.create(terms=OrderTerms(quantity=Decimal("0.01"))))
    failures: list[BaseException] = []
    start = threading.Barrier(12)

    def hear() -> None:
        try:
            start.wait()
            desk.hear()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=hear) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    order.refresh_from_db()
    assert (order.status, order.fills.count(), Position.objects.get().quantity) == ("filled", 1, Decimal("0.01"))
