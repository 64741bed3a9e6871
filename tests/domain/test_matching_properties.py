"""What must hold whatever anybody does: money is conserved, nothing goes negative, a stored account goes on as before."""

import copy
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.domain.matching import engine, liquidation, margin
from cts.domain.matching.events import LegChanged, MoneyMoved, OrderUpdated, Refused
from cts.domain.matching.state import Account, EntryKind, Request
from cts.domain.types import MarginMode, OrderType, PositionMode, PositionSide, Side, TimeInForce
from tests.domain.test_matching import BTC, Desk

Step = tuple[Any, ...]
PRICES = st.integers(40_000, 80_000).map(str)
QUANTITIES = st.integers(1, 400).map(lambda n: Decimal(n) / 1000)
ORDERS = st.tuples(
    st.just("order"),
    st.sampled_from(Side),
    QUANTITIES,
    st.none() | st.integers(-40, 40),
    st.sampled_from(TimeInForce),
    st.booleans(),
    st.sampled_from(PositionSide),
    st.none() | st.integers(-40, 40).filter(bool),
    st.none() | st.integers(1, 50).map(lambda n: Decimal(n) / 1000),
)
STEPS = st.lists(
    ORDERS
    | st.tuples(st.just("price"), PRICES)
    | st.tuples(st.just("fund"), st.integers(-30, 30))
    | st.tuples(st.just("cancel"), st.integers(0, 5))
    | st.tuples(st.just("leverage"), st.integers(1, 100)),
    max_size=40,
)
MODES = st.tuples(st.sampled_from(PositionMode), st.sampled_from(MarginMode))


def _order(desk: Desk, number: int, step: Step) -> None:
    _, side, quantity, offset, tif, is_reduce_only, leg, trigger, trail = step
    last = desk.venue.quotes[BTC].last
    request = Request(
        symbol=BTC,
        side=side,
        order_type=OrderType.MARKET if offset is None else OrderType.LIMIT,
        quantity=quantity,
        price=None if offset is None else last + offset * 50,
        time_in_force=TimeInForce.IOC if offset is None else tif,
        trigger_price=None if trigger is None else last + trigger * 100,
        trail_ratio=trail,
        is_rising=bool(trigger and trigger > 0),
        is_reduce_only=is_reduce_only,
        leg=leg if desk.account.position_mode is PositionMode.HEDGE else None,
        client_id=f"c{number}",
    )
    desk.events += engine.place(desk.account, venue=desk.venue, request=request, now_ms=number)


def act(desk: Desk, number: int, step: Step) -> None:
    """One step; a refusal is a fine outcome."""
    desk.now_ms = number
    account, venue = desk.account, desk.venue
    try:
        if step[0] == "order":
            _order(desk, number, step)
        elif step[0] == "price":
            desk.price(step[1])
        elif step[0] == "fund":
            rate = Decimal(step[1]) / 10_000
            desk.events += engine.fund(account, venue=venue, symbol=BTC, rate=rate, now_ms=number)
        elif step[0] == "cancel":
            open_ids = list(account.open_orders)
            chosen = open_ids[step[1] % len(open_ids)] if open_ids else 1
            desk.events += engine.cancel(account, order_id=chosen, now_ms=number)
        else:
            desk.events += liquidation.set_leverage(account, venue=venue, symbol=BTC, leverage=step[1], now_ms=number)
    except Refused:
        pass


def desk_in(modes: tuple[PositionMode, MarginMode]) -> Desk:
    desk = Desk()
    desk.account.position_mode, desk.account.margin_mode = modes
    return desk


@settings(max_examples=80, deadline=None)
@given(modes=MODES, steps=STEPS)
def test_money_is_conserved_and_nothing_goes_negative(
    modes: tuple[PositionMode, MarginMode],
    steps: list[Step],
) -> None:
    desk = desk_in(modes)
    account = desk.account
    for number, step in enumerate(steps):
        act(desk, number, step)
        by_kind = {kind: sum((e.amount for e in account.ledger if e.kind is kind), Decimal(0)) for kind in EntryKind}
        realized = sum((fill.realized_pnl for fill in account.fills), Decimal(0))
        fees = sum((fill.fee for fill in account.fills), Decimal(0))
        assert account.balance == sum(by_kind.values())
        assert (by_kind[EntryKind.REALIZED], by_kind[EntryKind.FEE]) == (realized, -fees)
        assert margin.available(account, venue=desk.venue) >= 0
        for leg in account.legs.values():
            assert leg.quantity >= 0
            assert (leg.quantity == 0) == (leg.cost == 0)
            assert leg.isolated_margin >= 0
        for order in [*account.open_orders.values(), *account.closed_orders.values()]:
            assert 0 <= order.filled_quantity <= order.quantity or order.request.is_close_position
        if account.position_mode is PositionMode.ONE_WAY:
            assert sum(1 for _ in account.open_legs()) <= 1


@settings(max_examples=50, deadline=None)
@given(modes=MODES, steps=STEPS)
def test_equity_moves_only_by_price_fees_funding_and_insurance(
    modes: tuple[PositionMode, MarginMode],
    steps: list[Step],
) -> None:
    """Every fill at price p changes signed cost by exactly p x q, so equity at any mark equals cash flow plus holdings."""
    desk = desk_in(modes)
    account = desk.account
    for number, step in enumerate(steps):
        act(desk, number, step)
    cash = -sum((fill.side.sign * fill.price * fill.quantity for fill in account.fills), Decimal(0))
    held = sum((fill.side.sign * fill.quantity for fill in account.fills), Decimal(0))
    other = sum((e.amount for e in account.ledger if e.kind is not EntryKind.REALIZED), Decimal(0))
    mark = desk.venue.quotes[BTC].mark
    equity = account.balance + margin.unrealized(account, venue=desk.venue)
    assert equity == other + cash + held * mark


@settings(max_examples=50, deadline=None)
@given(modes=MODES, steps=STEPS, cut=st.integers(0, 40))
def test_a_stored_account_goes_on_exactly_as_the_living_one(
    modes: tuple[PositionMode, MarginMode],
    steps: list[Step],
    cut: int,
) -> None:
    living, revived = desk_in(modes), desk_in(modes)
    for number, step in enumerate(steps):
        if number == cut:
            revived.account = msgspec.json.decode(msgspec.json.encode(revived.account), type=Account)
        act(living, number, step)
        act(revived, number, step)
    assert revived.account == living.account


@settings(max_examples=50, deadline=None)
@given(modes=MODES, steps=STEPS)
def test_events_alone_rebuild_orders_legs_and_balance(
    modes: tuple[PositionMode, MarginMode],
    steps: list[Step],
) -> None:
    desk = desk_in(modes)
    for number, step in enumerate(steps):
        act(desk, number, step)
    orders, legs, balance = {}, {}, Decimal(0)
    for event in copy.deepcopy(desk.events):
        if isinstance(event, OrderUpdated):
            orders[event.order.id] = event.order
        elif isinstance(event, LegChanged):
            legs[event.leg.side] = event.leg
        elif isinstance(event, MoneyMoved):
            balance += event.entry.amount
    account = desk.account
    assert orders == {**account.closed_orders, **account.open_orders}
    assert [leg for leg in legs.values() if leg.quantity] == [legs[leg.side] for leg in legs.values() if leg.quantity]
    assert {leg.side: leg for leg in account.legs.values() if leg.quantity} == {
        side: leg for side, leg in legs.items() if leg.quantity
    }
    assert balance == account.balance
