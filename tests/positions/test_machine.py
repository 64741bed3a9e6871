"""Venue, executor, reconciliation and limits against a model a child could keep: any steps, in any order.

The model knows what the venue has executed, and nothing of orders' states, folds or remedies. Whatever was done, and
whatever was lost or told twice on the way, our ledger must never say more than the venue, and once everything has been
told it must say exactly the same.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from apps.exchanges.models import Connection
from apps.orders import cancellation, resolution, submission
from apps.orders.ages import Ages
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.services import fill_record, order_apply_venue
from apps.positions import booking, sync
from apps.positions.ledger import position_fold
from apps.positions.models import Discrepancy, Position, PositionStatus
from apps.positions.selectors import leg_quantities
from cts.domain.errors import AmbiguousResult, ExchangeError, Rejected, Unavailable
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderStatus, PositionSide, VenueFill
from tests.chaos.planted import Impatient
from tests.orders.conftest import BTC, Desk

MAX_PER_SIDE = 3
SIDES = st.sampled_from(PositionSide)
QUANTITIES = st.sampled_from([Decimal("0.001"), Decimal("0.002"), Decimal("0.005")])
# What becomes of a request: what the sender is told, and whether the venue took it all the same.
NOT_TAKEN = (AmbiguousResult("timed out"), Unavailable("refused"), Rejected("not like this", venue_code="110007"))
TAKEN = (AmbiguousResult("timed out"), AmbiguousResult("the line broke"))
OUTCOMES = st.sampled_from([None, None, None, *(("before", e) for e in NOT_TAKEN), *(("after", e) for e in TAKEN)])


class Clock:
    """Stands still but for what a step takes, so that how busy the machine is decides nothing."""

    def __init__(self) -> None:
        self.mono, self.wall = 0.0, timezone.now()

    def passes(self, seconds: float = 0.1) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)

    def ages(self) -> Ages:
        return Ages(monotonic=lambda: self.mono, wall=lambda: self.wall)


class Ledger(RuleBasedStateMachine):
    """One connection in hedge mode, one symbol."""

    make_desk: Callable[[], Desk]

    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self.desk = type(self).make_desk()
        self.venue = self.desk.venue
        self.number = 0
        self.intents: dict[str, str] = {}

    # --- what people and engines do -----------------------------------------------------------------------------------
    @rule(side=SIDES, quantity=QUANTITIES, outcome=OUTCOMES, is_filled=st.booleans())
    def enter(
        self, side: PositionSide, quantity: Decimal, outcome: tuple[str, ExchangeError] | None, is_filled: bool
    ) -> None:
        self.number += 1
        with self._told(outcome, is_filled=is_filled):
            self._enter(f"k{self.number}", side, quantity)

    @rule(side=SIDES, count=st.integers(2, 5), is_filled=st.booleans())
    def enter_many(self, side: PositionSide, count: int, is_filled: bool) -> None:
        for _ in range(count):
            self.enter(side=side, quantity=Decimal("0.001"), outcome=None, is_filled=is_filled)

    @rule(side=SIDES)
    def enter_and_hear_nothing(self, side: PositionSide) -> None:
        """Taken, resting, and the answer lost."""
        self.enter(side=side, quantity=Decimal("0.002"), outcome=("after", TAKEN[0]), is_filled=False)

    @precondition(lambda self: self.number > 0)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """The same wish: the same order, whatever became of it."""
        key = f"k{data.draw(st.integers(1, self.number))}"
        before = (Order.objects.count(), self.intents.get(key))
        order = self.desk.create(key, terms=OrderTerms(quantity=Decimal("0.001")))
        assert (Order.objects.count(), order.client_order_id) == before

    @rule(outcome=OUTCOMES)
    def close_all(self, outcome: tuple[str, ExchangeError] | None) -> None:
        with self._told(outcome, is_filled=True):
            self.desk.manager.close_all(self.desk.connection, reason="manual", connector=self.venue)

    # --- what the venue does ------------------------------------------------------------------------------------------
    @precondition(lambda self: self._open())
    @rule(data=st.data(), half=st.booleans())
    def fill(self, data: st.DataObject, half: bool) -> None:
        name = self._drawn(data)
        order = self.venue.orders[name]
        left = order.quantity - order.filled_quantity
        if not order.is_reduce_only or self._leg(order.position_side) >= left:
            self.venue.fill(name, (left / 2).quantize(Decimal("0.0005")) or left if half else left)

    @precondition(lambda self: self._open())
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        self.venue.drop(self._drawn(data))

    # --- what is told -------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.venue.executions)
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Some executions, in any order, some of them again."""
        known = self.venue.executions
        for place in data.draw(st.lists(st.integers(0, len(known) - 1), max_size=4)):
            self.desk.hear_one(known[place])

    @precondition(lambda self: self.venue.orders)
    @rule(data=st.data())
    def hear_of_orders(self, data: st.DataObject) -> None:
        known = list(self.venue.orders.values())
        for place in data.draw(st.lists(st.integers(0, len(known) - 1), max_size=3)):
            order_apply_venue(self.desk.connection, known[place])

    @rule(trouble=st.sampled_from([None, None, Unavailable("down")]))
    def sync(self, trouble: ExchangeError | None) -> None:
        self.venue.reads = [trouble] if trouble else []
        try:
            self.desk.sync()
        except Unavailable:
            assert trouble is not None
        self.venue.reads = []

    # --- what must hold at every moment -------------------------------------------------------------------------------
    @invariant()
    def time_passes(self) -> None:
        self.clock.passes()

    @invariant()
    def no_order_goes_out_twice(self) -> None:
        """Only what surely was not taken may be sent again, and then under its name; a name is taken once."""
        names = Counter(order.client_order_id for order in self.venue.orders.values())
        assert all(count == 1 for count in names.values())
        assert set(self.intents.values()) >= {r.client_order_id for r in self.venue.placed if not r.is_reduce_only}

    @invariant()
    def nothing_is_booked_that_was_not_executed(self) -> None:
        executed = {fill.venue_trade_id: fill for fill in self.venue.executions}
        for row in Fill.objects.all():
            told = executed[row.venue_trade_id]
            assert (row.quantity, row.price, row.fee) == (told.quantity, told.price, told.fee)

    @invariant()
    def no_limit_is_passed(self) -> None:
        for side in PositionSide:
            keys = {row.key for row in Position.objects.exclude(status=PositionStatus.CLOSED).filter(side=side)}
            assert len(keys) <= MAX_PER_SIDE + self._late(side)

    @invariant()
    def rows_are_what_their_events_add_up_to(self) -> None:
        for position in Position.objects.all():
            state = position_fold(position)
            assert (position.quantity, position.realized_pnl, position.fees) == (
                state.quantity,
                state.realized_pnl,
                state.fees,
            )
        for order in Order.objects.all():
            said = [event.after for event in OrderEvent.objects.filter(order=order).order_by("sequence") if event.after]
            assert said[-1:] == [order.status]

    def teardown(self) -> None:
        """Everything is told at last."""
        try:
            self._agree()
        finally:
            transaction.set_rollback(True)
            self._atomic.__exit__(None, None, None)

    def _agree(self) -> None:
        self.venue.before, self.venue.after, self.venue.reads = [], [], []
        self.clock.passes(60.0)  # nobody is still sending anything
        for _ in range(3):
            self.desk.sync()
        held = {key: leg.quantity for key, leg in self.venue.legs.items()}
        assert leg_quantities(self.desk.connection) == held
        assert Fill.objects.count() == len(self.venue.executions)
        assert not Discrepancy.objects.exclude(cause="missing_fills").exists()
        for order in Order.objects.all():
            told = self.venue.orders.get(order.client_order_id)
            assert order.status not in ("new", "submitting", "unknown"), (order.status, order.reason)
            assert order.filled_quantity == (told.filled_quantity if told else 0)
            assert (told is not None and not told.status.is_final) == (not OrderStatus(order.status).is_final)

    # --- helpers ------------------------------------------------------------------------------------------------------
    @contextmanager
    def _told(self, outcome: tuple[str, ExchangeError] | None, *, is_filled: bool) -> Iterator[None]:
        self.venue.is_market_filled = is_filled
        if outcome is not None:
            setattr(self.venue, outcome[0], [outcome[1]])
        yield
        self.venue.before, self.venue.after = [], []

    def _enter(self, key: str, side: PositionSide, quantity: Decimal) -> None:
        order = self.desk.create(key, terms=OrderTerms(quantity=quantity), position_side=side)
        self.intents[key] = order.client_order_id
        if order.status == OrderStatus.NEW:
            self.desk.submit(order)

    def _open(self) -> list[str]:
        return [name for name, order in self.venue.orders.items() if not order.status.is_final]

    def _drawn(self, data: st.DataObject) -> str:
        """By its place: names differ from run to run."""
        names = self._open()
        return names[data.draw(st.integers(0, len(names) - 1))]

    def _leg(self, side: PositionSide | None) -> Decimal:
        leg = self.venue.legs.get((BTC, side or PositionSide.LONG))
        return leg.quantity if leg else Decimal(0)

    def _late(self, side: PositionSide) -> int:
        """Entries we had given up and were filled all the same: they are held, however many there are."""
        rows = Order.objects.filter(is_reduce_only=False, position_side=side, events__kind="reopen").distinct()
        return rows.count()


def played(desk_factory: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, *, examples: int) -> None:
    clock = Clock()
    Ledger.make_desk, Ledger.clock = staticmethod(desk_factory), clock
    for place in (resolution, cancellation, sync):
        monkeypatch.setattr(place, "ages", clock.ages())
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            print_blob=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
def test_any_steps_in_any_order(desk_factory: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    played(desk_factory, monkeypatch, examples=20 if connection.vendor == "sqlite" else 5)


def _resend(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is taken for no order, and another is sent."""
    right = submission._sent_once
    wrong = cast(Any, Impatient)
    monkeypatch.setattr(submission, "_sent_once", lambda order, connector, **kw: right(order, wrong(connector), **kw))


def _twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution heard again is taken for another."""
    right = fill_record

    def wrong(connection: Connection, *, fill: VenueFill, **options: Any) -> Fill | None:
        again = msgspec.structs.replace(fill, venue_trade_id=f"{fill.venue_trade_id}again")
        return right(connection, fill=fill, **options) or right(connection, fill=again, **options)

    monkeypatch.setattr(booking, "fill_record", wrong)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a bug is a bug on either database")
@pytest.mark.django_db
@pytest.mark.parametrize("plant", [_resend, _twice])
def test_a_bug_put_in_on_purpose_is_found(
    desk_factory: Callable[..., Desk],
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup)):
        played(desk_factory, monkeypatch, examples=20 if connection.vendor == "sqlite" else 5)
