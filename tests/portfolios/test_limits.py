"""Limits of a portfolio: over several connections, exact when many ask at once, and never in the way of getting out."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.accounts.models import User
from apps.exchanges.models import AccountBalance
from apps.orders.limits import risk_limits_update
from apps.orders.models import Order
from apps.portfolios.models import Portfolio
from apps.portfolios.services import portfolio_create, portfolio_delete, portfolio_peaks_note, portfolio_update
from apps.portfolios.standing import standing
from apps.positions.models import Position
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderPurpose, PositionSide
from tests.orders.conftest import Desk

SMALL = OrderTerms(quantity=Decimal("0.001"))
Desks = Callable[..., Desk]


def two(desk_factory: Desks) -> tuple[Desk, Desk]:
    return desk_factory(name="One"), desk_factory(name="Two")


def both(alice: User, *desks: Desk, **limits: Any) -> Portfolio:
    return portfolio_create(user=alice, name="All", connections=[desk.connection.pk for desk in desks], **limits)


@pytest.mark.django_db
def test_positions_of_all_of_them_count(alice: User, desk_factory: Desks) -> None:
    one, other = two(desk_factory)
    both(alice, one, other, max_positions=2)
    one.open("k1", quantity="0.001")
    assert other.create("k2", terms=SMALL).status == "new"
    denied = one.create("k3", terms=SMALL)
    assert (denied.status, denied.reason_code) == ("denied", "portfolio_positions")
    assert "portfolio All" in denied.reason


@pytest.mark.django_db
def test_entries_on_their_way_and_what_they_open_count_once(alice: User, desk_factory: Desks) -> None:
    one, other = two(desk_factory)
    portfolio = both(alice, one, other, max_positions=9)
    one.venue.is_market_filled = False
    order = one.submit(one.create("k1", terms=OrderTerms(quantity=Decimal("0.010"))))
    one.venue.fill(order.client_order_id, "0.004")
    one.hear()
    now = standing(portfolio, now=timezone.now())
    assert now.count == 1
    assert now.facts(portfolio).total_notional == Decimal(600)  # 0.01 at 60,000: held and still to fill


@pytest.mark.django_db
def test_one_symbol_and_side_counts_on_all_exchanges(alice: User, desk_factory: Desks) -> None:
    one, other = two(desk_factory)  # 20,000 together
    both(alice, one, other, max_symbol_notional_ratio=0.05)
    one.open("k1", quantity="0.010")
    assert other.create("k2", terms=OrderTerms(quantity=Decimal("0.010"))).reason_code == "portfolio_symbol"
    short = other.create("k3", terms=OrderTerms(quantity=Decimal("0.010")), position_side=PositionSide.SHORT)
    assert short.status == "new"


@pytest.mark.django_db
def test_the_tighter_of_both_wins(alice: User, desk_factory: Desks) -> None:
    desk = desk_factory()
    both(alice, desk, max_total_notional_ratio=100.0)
    denied = desk.create(terms=OrderTerms(quantity=Decimal("0.1")))  # six tenths of equity; its own limit is a half
    assert denied.reason_code == "position_notional"


@pytest.mark.django_db
def test_a_loss_of_one_closes_the_day_for_all(alice: User, desk_factory: Desks) -> None:
    one, other = two(desk_factory)
    both(alice, one, other, max_daily_loss_ratio=0.01)
    lost = {"realized_pnl": Decimal(-190), "fees": Decimal(20), "status": "closed", "closed_at": timezone.now()}
    Position.objects.create(connection=one.connection, key="k", symbol="X", side="long", origin="main", **lost)
    assert other.create(terms=SMALL).reason_code == "portfolio_daily_loss"


@pytest.mark.django_db
def test_getting_out_asks_no_portfolio(alice: User, desk_factory: Desks) -> None:
    desk = desk_factory()
    position = desk.open(quantity="0.010")
    both(alice, desk, max_positions=0)
    terms = OrderTerms(quantity=Decimal("0.010"), is_reduce_only=True, position_key=position.key)
    assert desk.create("out", terms=terms, purpose=OrderPurpose.EXIT).status == "new"


@pytest.mark.django_db
def test_an_account_whose_equity_is_unknown_lets_nobody_in(alice: User, desk_factory: Desks) -> None:
    one, other = two(desk_factory)
    both(alice, one, other, max_positions=9)
    AccountBalance.objects.filter(connection=other.connection).delete()
    assert one.create(terms=SMALL).reason_code == "portfolio_equity"


@pytest.mark.django_db
def test_a_change_holds_from_the_next_order_on(alice: User, desk_factory: Desks) -> None:
    desk = desk_factory()
    portfolio = both(alice, desk)
    assert desk.create("k1", terms=SMALL).status == "new"
    portfolio = portfolio_update(portfolio, user=alice, changes={"max_positions": 1})
    assert desk.create("k2", terms=SMALL).reason_code == "portfolio_positions"
    portfolio_update(portfolio, user=alice, changes={"connections": []})
    assert desk.create("k3", terms=SMALL).status == "new"
    portfolio = portfolio_update(portfolio, user=alice, changes={"connections": [desk.connection.pk]})
    assert desk.create("k4", terms=SMALL).reason_code == "portfolio_positions"
    portfolio_delete(portfolio, user=alice)
    assert desk.create("k5", terms=SMALL).status == "new"


@pytest.mark.django_db
def test_the_peak_rises_and_begins_anew_with_other_members(alice: User, desk_factory: Desks) -> None:
    one, other = two(desk_factory)
    portfolio = both(alice, one, other, max_drawdown_ratio=0.2)
    now = timezone.now()
    portfolio_peaks_note(now=now)
    AccountBalance.objects.filter(connection=one.connection).update(equity=Decimal(5_000))
    portfolio_peaks_note(now=now + timedelta(minutes=1))
    portfolio.refresh_from_db()
    assert (portfolio.peak_equity, portfolio.peak_at) == (20_000, now)
    assert other.create(terms=SMALL).reason_code == "portfolio_drawdown"  # a quarter below
    portfolio_update(portfolio, user=alice, changes={"connections": [other.connection.pk]})
    portfolio_peaks_note(now=now)
    portfolio.refresh_from_db()
    assert portfolio.peak_equity == 10_000
    assert other.create("k2", terms=SMALL).status == "new"


@pytest.mark.django_db(transaction=True)
def test_of_fifty_at_once_on_two_accounts_as_many_get_in_as_the_limit_allows(alice: User, desk_factory: Desks) -> None:
    desks = two(desk_factory)
    both(alice, *desks, max_positions=5)
    for desk in desks:  # fifty take their time
        risk_limits_update(desk.connection, user=alice, changes={"max_price_age_s": 600.0})
    failures: list[BaseException] = []
    start = threading.Barrier(50)

    def ask(number: int) -> None:
        try:
            start.wait()
            side = PositionSide.LONG if number % 4 < 2 else PositionSide.SHORT
            desks[number % 2].create(f"k{number}", terms=SMALL, position_side=side)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Order.objects.filter(status="new").count() == 5
    assert set(Order.objects.exclude(status="new").values_list("reason_code", flat=True)) <= {
        "portfolio_positions",
        "positions_per_side",
    }
