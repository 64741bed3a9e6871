"""Trailing stops on the simulated venue: when they follow, where they stand, when they go off."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.domain.matching import engine, trailing
from cts.domain.matching.events import OrderUpdated, Refusal
from cts.domain.matching.state import BookStatus
from cts.domain.types import Side
from tests.domain.test_matching import D, Desk

CENT = D("0.01")


def test_a_sell_follows_the_highest_price_and_goes_off_a_hundredth_below_it() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    stop = desk.place("sell", "0.1", trail_ratio=CENT, is_reduce_only=True)
    assert (stop.status, stop.best_price, stop.is_conditional) == (BookStatus.UNTRIGGERED, D(60000), True)
    desk.price("61000")
    desk.price("60500")
    assert (stop.best_price, trailing.stop_price(stop)) == (D(61000), D(60390))
    desk.price("60390.1")
    assert stop.status is BookStatus.UNTRIGGERED
    desk.price("60390")
    (entry, exit_) = desk.account.fills
    assert (exit_.price, exit_.quantity, desk.held()) == (D(60390), entry.quantity, D(0))
    assert (stop.status, stop.triggered_ms > 0) == (BookStatus.FILLED, True)


def test_a_buy_follows_the_lowest_price() -> None:
    desk = Desk()
    stop = desk.place("buy", "0.1", trail_ratio=CENT)
    for price in ("59000", "58000", "58579.9"):
        desk.price(price)
    assert (stop.status, stop.best_price) == (BookStatus.UNTRIGGERED, D(58000))
    desk.price("58580")
    assert desk.held() == D("0.1")


def test_before_its_activation_price_it_neither_follows_nor_goes_off() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    stop = desk.place("sell", "0.1", trail_ratio=CENT, trigger_price="62000")
    for price in ("61999.9", "50000"):
        desk.price(price)
    assert (stop.status, stop.best_price, trailing.stop_price(stop)) == (BookStatus.UNTRIGGERED, None, None)
    desk.price("62000")
    assert (stop.status, stop.best_price) == (BookStatus.UNTRIGGERED, D(62000))
    desk.price("61380")
    assert desk.held() == 0


@pytest.mark.parametrize(
    ("side", "terms", "reason"),
    [
        ("sell", {"trail_ratio": D(0)}, Refusal.TRAIL),
        ("sell", {"trail_ratio": D(1)}, Refusal.TRAIL),
        ("sell", {"trail_ratio": CENT, "trigger_price": "60000"}, Refusal.TRIGGER_SIDE),
        ("buy", {"trail_ratio": CENT, "trigger_price": "60000"}, Refusal.TRIGGER_SIDE),
        ("sell", {"trail_ratio": CENT, "trigger_price": "61000.05"}, Refusal.PRICE_TICK),
    ],
)
def test_what_makes_no_sense_is_refused(side: str, terms: dict[str, Any], reason: Refusal) -> None:
    assert Desk().refusal(side, "0.1", **terms) is reason


def test_a_better_price_is_kept_by_an_event_that_tells_nobody() -> None:
    desk = Desk()
    desk.place("sell", "0.1", trail_ratio=CENT)
    (event,) = desk.price("61000")
    assert isinstance(event, OrderUpdated)
    assert (event.is_trail, event.order.best_price) == (True, D(61000))
    assert desk.price("60900") == []


def test_it_is_canceled_and_amended_like_any_other() -> None:
    desk = Desk()
    stop = desk.place("sell", "0.1", trail_ratio=CENT)
    desk.price("61000")
    engine.amend(desk.account, venue=desk.venue, order_id=stop.id, now_ms=9, quantity=D("0.2"))
    assert (stop.quantity, stop.best_price) == (D("0.2"), D(61000))
    engine.cancel(desk.account, order_id=stop.id, now_ms=10)
    assert stop.status is BookStatus.CANCELED


@settings(max_examples=200, deadline=None)
@given(
    side=st.sampled_from(Side),
    ratio=st.integers(1, 200).map(lambda n: D(n) / 1000),
    start=st.none() | st.integers(1, 100),
    prices=st.lists(st.integers(40_000, 80_000), max_size=40),
)
def test_it_goes_off_exactly_when_the_best_price_since_activation_is_given_back(
    side: Side, ratio: Decimal, start: int | None, prices: list[int]
) -> None:
    """Against the definition, reckoned anew from all prices at every step."""
    desk = Desk(balance="1000000")
    first = None if start is None else 60_000 - side.sign * start * 100
    terms: dict[str, Any] = {"trail_ratio": ratio} | ({} if first is None else {"trigger_price": str(first)})
    stop = desk.place(side, "0.01", **terms)
    seen = [60_000]
    for price in prices:
        desk.price(str(price))
        seen.append(price)
        active = next((i for i, p in enumerate(seen) if first is None or (first - p) * side.sign >= 0), len(seen))
        followed = seen[active:]
        is_off = False
        for index in range(1, len(followed)):
            best = (min if side is Side.BUY else max)(followed[:index])
            is_off = is_off or (followed[index] - best * (1 + side.sign * ratio)) * side.sign >= 0
        assert (stop.status is not BookStatus.UNTRIGGERED) == is_off
        if is_off:
            return
        assert stop.best_price == ((min if side is Side.BUY else max)(followed) if followed else None)
    assert desk.held() == 0
