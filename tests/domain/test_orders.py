"""The order's table of transitions, and its name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cts.domain.orders import LIVE_STATUSES, TRANSITIONS, IllegalTransition, OrderEvent, advance, client_order_id
from cts.domain.types import FINAL_STATUSES, OrderStatus

S, E = OrderStatus, OrderEvent
EVERY = [(status, event) for status in OrderStatus for event in OrderEvent]


@pytest.mark.parametrize(("status", "event"), [pair for pair in EVERY if pair not in TRANSITIONS])
def test_what_is_not_in_the_table_raises(status: OrderStatus, event: OrderEvent) -> None:
    with pytest.raises(IllegalTransition):
        advance(status, event)


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ([E.CLAIM, E.ACK, E.PARTIAL_FILL, E.FILL], S.FILLED),
        ([E.CLAIM, E.FILL, E.ACK], S.FILLED),
        ([E.CLAIM, E.PARTIAL_FILL, E.ACK, E.CANCEL], S.CANCELED),
        ([E.CLAIM, E.ACK, E.CANCEL, E.PARTIAL_FILL], S.CANCELED),
        ([E.CLAIM, E.ACK, E.CANCEL, E.FILL], S.FILLED),
        ([E.CLAIM, E.LOSE, E.FILL], S.FILLED),
        ([E.CLAIM, E.LOSE, E.LOSE, E.ACK], S.ACCEPTED),
        ([E.CLAIM, E.LOSE, E.CLAIM, E.ACK], S.ACCEPTED),
        ([E.CLAIM, E.LOSE, E.EXPIRE, E.REOPEN, E.FILL], S.FILLED),
        ([E.CLAIM, E.ACK, E.PARTIAL_FILL, E.REJECT], S.CANCELED),
        ([E.CLAIM, E.REJECT, E.ACK], S.REJECTED),
        ([E.DENY], S.DENIED),
        ([E.EXPIRE], S.EXPIRED),
    ],
)
def test_the_lives_an_order_can_have(path: list[OrderEvent], end: OrderStatus) -> None:
    status = S.NEW
    for event in path:
        status = advance(status, event)
    assert status is end


def test_only_fills_and_what_a_filled_order_hears_afterwards_lead_to_filled() -> None:
    into = {(status, event) for (status, event), after in TRANSITIONS.items() if after is S.FILLED}
    assert all(event is E.FILL or status is S.FILLED for status, event in into)


def test_every_state_on_the_venue_takes_a_full_fill() -> None:
    sent = set(OrderStatus) - {S.NEW, S.DENIED}
    assert all(advance(status, E.FILL) is S.FILLED for status in sent)


def test_denied_is_for_ever() -> None:
    assert not [event for status, event in TRANSITIONS if status is S.DENIED]


def test_live_and_final_are_the_two_halves() -> None:
    assert set(OrderStatus) == LIVE_STATUSES | FINAL_STATUSES
    assert not LIVE_STATUSES & FINAL_STATUSES


@given(st.text(max_size=200))
def test_a_name_is_legal_on_every_venue_and_always_the_same(key: str) -> None:
    name = client_order_id(key)
    assert re.fullmatch(r"[a-z][a-z0-9]{0,31}", name)
    assert name == client_order_id(key)


@given(st.lists(st.text(max_size=40), unique=True, min_size=2, max_size=50))
def test_different_wishes_have_different_names(keys: list[str]) -> None:
    assert len({client_order_id(key) for key in keys}) == len(keys)


def test_a_name_never_changes_between_versions_of_the_code() -> None:
    assert client_order_id("5:line9@1700000000000") == "ce47kedrpqakadcf3bdwq4pjdeqq6uy5"
