"""Orders a person words: closing by hand, quantities the venue would not take, terms that contradict themselves."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.models import Instrument
from apps.orders.manual import Ticket, manual_order_place
from apps.orders.models import Order
from cts import bus
from cts.domain.errors import DomainError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderPurpose, OrderType, PositionSide, Ticker, TimeInForce
from tests.conftest import InstrumentFactory
from tests.orders.conftest import BTC, Desk
from tests.orders.venue import now_ms

pytestmark = pytest.mark.django_db


def reduce(quantity: str, **fields: Any) -> OrderTerms:
    return OrderTerms(quantity=Decimal(quantity), is_reduce_only=True, **fields)


def by_hand(desk: Desk, terms: OrderTerms, *, key: str = "out", **fields: Any) -> Order:
    return desk.create(key, terms=terms, purpose=OrderPurpose.MANUAL, origin="manual", **fields)


def steps(order: Order) -> dict[str, str]:
    return {step["name"]: step["value"] for step in order.sizing["steps"]}


def place(desk: Desk, terms: OrderTerms, *, symbol: str = BTC) -> Order:
    ticket = Ticket(key="k", symbol=symbol, position_side=PositionSide.LONG, terms=terms)
    return manual_order_place(desk.connection, user=desk.connection.owner, ticket=ticket)


def refused(desk: Desk, terms: OrderTerms, *, symbol: str = BTC) -> DomainError:
    with pytest.raises(DomainError) as caught:
        place(desk, terms, symbol=symbol)
    assert not Order.objects.exists()
    return caught.value


@pytest.mark.parametrize(
    ("fields", "terms", "code", "field"),
    [
        ({"stop": "none"}, {}, "required", "stop_waiver"),
        ({"stop": "none", "stop_waiver": ""}, {}, "required", "stop_waiver"),
        ({"stop_waiver": "because"}, {}, "not_wanted", "stop_waiver"),
        ({"stop": "none", "stop_waiver": "because", "stop_ratio": 0.01}, {}, "not_wanted", "stop_ratio"),
        ({"stop": "none", "stop_waiver": "because"}, {"is_reduce_only": True}, "not_wanted", "stop"),
    ],
)
def test_half_a_waiver_of_the_stop_or_one_beside_a_stop_is_refused(
    desk: Desk, fields: dict[str, Any], terms: dict[str, Any], code: str, field: str
) -> None:
    terms = {"quantity": Decimal("0.01"), **terms}
    ticket = Ticket(key="k", symbol=BTC, position_side=PositionSide.LONG, terms=OrderTerms(**terms), **fields)
    with pytest.raises(DomainError) as caught:
        manual_order_place(desk.connection, user=desk.connection.owner, ticket=ticket)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert not Order.objects.exists()


def test_a_reduction_by_hand_closes_of_the_oldest_position_that_holds_something(desk: Desk) -> None:
    first, second = desk.open("a", "0.010"), desk.open("b", "0.030")
    order = desk.submit(by_hand(desk, reduce("0.004")))
    assert (order.position_key, order.side, order.quantity) == (first.key, "sell", Decimal("0.004"))
    desk.hear()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.quantity, second.quantity) == (Decimal("0.006"), Decimal("0.030"))
    desk.manager.close(first, reason="manual", connector=desk.venue)
    desk.hear()
    assert by_hand(desk, reduce("0.004"), key="again").position_key == second.key


def test_what_the_oldest_cannot_give_comes_from_the_next(desk: Desk) -> None:
    first, second = desk.open("a", "0.010"), desk.open("b", "0.030")
    desk.submit(by_hand(desk, reduce("0.025")))
    desk.hear()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.quantity) == ("closed", Decimal("0.015"))


def test_a_reduction_is_capped_to_what_the_leg_holds(desk: Desk) -> None:
    desk.open("a", "0.010")
    desk.open("b", "0.030")
    desk.open("c", "0.050", position_side=PositionSide.SHORT)
    order = by_hand(desk, reduce("0.5"))
    assert (order.status, order.quantity) == ("new", Decimal("0.040"))
    assert (steps(order)["asked_quantity"], steps(order)["held_quantity"]) == ("0.5", "0.04")


def test_where_nothing_is_held_a_reduction_is_denied_in_words(desk: Desk) -> None:
    desk.open("a", "0.010", position_side=PositionSide.SHORT)
    order = by_hand(desk, reduce("0.004"))
    assert (order.status, order.reason_code) == ("denied", "nothing_to_reduce")
    assert order.reason == f"No long position of {BTC} is held, so there is nothing to reduce"
    assert steps(order)["asked_quantity"] == "0.004"


def test_a_position_named_by_the_caller_stays_the_one_reduced(desk: Desk) -> None:
    desk.open("a", "0.010")
    second = desk.open("b", "0.030")
    order = desk.create("out", terms=reduce("0.030", position_key=second.key), purpose="exit")
    assert (order.position_key, order.quantity) == (second.key, Decimal("0.030"))


@pytest.mark.parametrize("symbol", ["NOPE/USDT:USDT", "BTCUSDT"])
def test_an_unknown_symbol_is_named_before_any_price_is_missed(desk: Desk, symbol: str) -> None:
    error = refused(desk, OrderTerms(quantity=Decimal(1), order_type=OrderType.LIMIT), symbol=symbol)
    assert (error.code, error.field) == ("unknown_symbol", "symbol")
    assert symbol in error.detail


MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_MARKET
PRICE = Decimal(60_000)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"order_type": MARKET, "time_in_force": "post_only"}, "time_in_force"),
        ({"order_type": MARKET, "time_in_force": "post_only", "price": PRICE}, "time_in_force"),
        ({"order_type": MARKET, "time_in_force": "fok"}, "time_in_force"),
        ({"order_type": STOP, "time_in_force": "ioc", "trigger_price": PRICE}, "time_in_force"),
        ({"order_type": STOP, "time_in_force": "post_only", "trigger_price": PRICE}, "time_in_force"),
        ({"order_type": LIMIT, "time_in_force": "post_only"}, "price"),
        ({"order_type": MARKET, "price": PRICE}, "price"),
        ({"order_type": STOP}, "trigger_price"),
        ({"order_type": LIMIT, "price": PRICE, "trigger_price": PRICE}, "trigger_price"),
        ({"order_type": MARKET, "trigger_price": PRICE}, "trigger_price"),
    ],
)
def test_terms_that_contradict_themselves_are_refused_by_field(desk: Desk, fields: dict[str, Any], field: str) -> None:
    terms = {**fields, "time_in_force": TimeInForce(fields.get("time_in_force", "gtc"))}
    assert refused(desk, OrderTerms(quantity=Decimal("0.01"), **terms)).field == field


@pytest.mark.parametrize(
    ("side", "is_reduce_only", "order_type", "trigger", "where"),
    [
        ("long", False, STOP, 59_999, "above"),
        ("long", False, OrderType.TAKE_PROFIT_MARKET, 60_001, "below"),
        ("short", False, STOP, 60_001, "below"),
        ("short", False, OrderType.TAKE_PROFIT_MARKET, 59_999, "above"),
        ("long", True, STOP, 60_001, "below"),
        ("short", True, STOP, 60_000, "above"),
    ],
)
def test_a_trigger_the_price_has_passed_is_refused_by_name(
    desk: Desk, side: str, is_reduce_only: bool, order_type: OrderType, trigger: int, where: str
) -> None:
    terms = OrderTerms(
        quantity=Decimal("0.01"), order_type=order_type, trigger_price=Decimal(trigger), is_reduce_only=is_reduce_only
    )
    ticker = Ticker(symbol=BTC, last=PRICE, at_ms=now_ms())
    bus.client().hset(bus.tickers_key(*desk.connection.venue), BTC, msgspec.json.encode(ticker))
    ticket = Ticket(key="k", symbol=BTC, position_side=PositionSide(side), terms=terms)
    with pytest.raises(DomainError) as caught:
        manual_order_place(desk.connection, user=desk.connection.owner, ticket=ticket)
    assert (caught.value.code, caught.value.field) == ("wrong_side", "trigger_price")
    assert f"waits {where} the last price, which is 60000" in caught.value.detail
    assert not Order.objects.exists()


def test_a_symbol_nobody_follows_is_said_to_be_so(desk: Desk, instrument_factory: InstrumentFactory) -> None:
    instrument_factory("DOGE/USDT:USDT")
    error = refused(desk, OrderTerms(quantity=Decimal(1)), symbol="DOGE/USDT:USDT")
    assert (error.code, error.field) == ("no_price", "symbol")
    assert error.detail.startswith("No connection follows DOGE/USDT:USDT")


def test_post_only_says_what_it_needs(desk: Desk) -> None:
    error = refused(desk, OrderTerms(quantity=Decimal("0.01"), time_in_force=TimeInForce.POST_ONLY))
    assert error.detail == "post_only needs a limit order with a price"


def test_a_quantity_above_the_venues_maximum_is_refused_not_cut(desk: Desk) -> None:
    Instrument.objects.filter(symbol=BTC).update(max_quantity=Decimal(100))
    error = refused(desk, OrderTerms(quantity=Decimal(101), order_type=LIMIT, price=PRICE))
    assert (error.code, error.field) == ("quantity_too_large", "quantity")
    assert error.detail == "101 BTC asked for; the venue takes at most 100 BTC in one order"


def test_a_market_order_has_a_maximum_of_its_own(desk: Desk) -> None:
    Instrument.objects.filter(symbol=BTC).update(max_quantity=Decimal(100), max_market_quantity=Decimal(50))
    at_market: list[dict[str, Any]] = [{"order_type": MARKET}, {"order_type": STOP, "trigger_price": PRICE}]
    for terms in at_market:
        error = refused(desk, OrderTerms(quantity=Decimal(51), **terms))
        assert (error.code, error.field) == ("quantity_too_large", "quantity")
        assert error.detail == "51 BTC asked for; the venue takes at most 50 BTC in one market order"
    error = refused(desk, OrderTerms(quantity=Decimal(101), order_type=LIMIT, price=PRICE))
    assert error.detail == "101 BTC asked for; the venue takes at most 100 BTC in one order"


def test_a_quantity_below_the_minimum_is_denied_and_kept(desk: Desk) -> None:
    order = by_hand(desk, OrderTerms(quantity=Decimal("0.0004")), key="in")
    assert (order.status, order.reason_code) == ("denied", "quantity_too_small")
    assert order.reason == "0.0004 BTC asked for; the venue takes at least 0.001 BTC"
    assert steps(order)["asked_quantity"] == "0.0004"


def test_a_conditional_order_is_valued_at_its_own_trigger(desk: Desk) -> None:
    position = desk.open("a", "0.010")
    terms = reduce("0.010", order_type=STOP, trigger_price=Decimal(59_000), position_key=position.key)
    order = desk.create("stop", terms=terms, purpose="stop", price=1.0)
    assert (order.reference_price, steps(order)["notional"]) == (Decimal(59_000), "590")
