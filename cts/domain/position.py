"""A position as a fold over its fills. Replaying, repeating or reordering them changes nothing."""

from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

import msgspec

from cts.domain.types import PositionSide, Side

ZERO = Decimal(0)
PLACES = Decimal(1).scaleb(-18)
# Products of two 38-digit numbers must not lose a digit.
EXACT = Context(prec=80)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """A fill, or the part of one that belongs to this position. `fee` is in the settle asset, positive when paid."""

    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal = ZERO
    at_ms: int = 0


class PositionState(msgspec.Struct, frozen=True, kw_only=True):
    """What the executions so far add up to.

    `net` is signed in the position's direction; below zero more was closed than had been opened. `cost` is what the
    open quantity was bought (or sold) for, kept as a sum so that no average is ever rounded into the result.
    """

    side: PositionSide
    net: Decimal = ZERO
    cost: Decimal = ZERO
    peak_quantity: Decimal = ZERO
    entered_quantity: Decimal = ZERO
    entered_value: Decimal = ZERO
    exited_quantity: Decimal = ZERO
    exited_value: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    opened_ms: int | None = None
    last_ms: int | None = None

    @property
    def quantity(self) -> Decimal:
        return max(self.net, ZERO)

    @property
    def excess(self) -> Decimal:
        """Closed beyond what was open: it belongs to somebody else, or its entry is still to be heard of."""
        return max(-self.net, ZERO)

    @property
    def is_flat(self) -> bool:
        return self.net == 0

    @property
    def average_entry_price(self) -> Decimal | None:
        """Of what is open; once nothing is, of everything that was opened."""
        if self.net > 0:
            return average(self.cost, self.net)
        return average(self.entered_value, self.entered_quantity)

    @property
    def average_exit_price(self) -> Decimal | None:
        return average(self.exited_value, self.exited_quantity)


def average(value: Decimal, quantity: Decimal) -> Decimal | None:
    """Value per quantity to 18 places; None of nothing."""
    if quantity == 0:
        return None
    return EXACT.divide(value, quantity).quantize(PLACES, context=EXACT)


def apply(state: PositionState, execution: Execution) -> PositionState:
    """One execution more: opening adds at cost, closing takes out at average cost, crossing zero does both."""
    with localcontext(EXACT):
        is_entry = execution.side is state.side.entry_side
        signed = execution.quantity if is_entry else -execution.quantity
        value = execution.price * execution.quantity
        closing = min(execution.quantity, abs(state.net)) if state.net * signed < 0 else ZERO
        released = _released(state, closing)
        net = state.net + signed
        return msgspec.structs.replace(
            state,
            net=net,
            cost=state.cost - released + execution.price * (execution.quantity - closing),
            peak_quantity=max(state.peak_quantity, net),
            entered_quantity=state.entered_quantity + (execution.quantity if is_entry else ZERO),
            entered_value=state.entered_value + (value if is_entry else ZERO),
            exited_quantity=state.exited_quantity + (ZERO if is_entry else execution.quantity),
            exited_value=state.exited_value + (ZERO if is_entry else value),
            realized_pnl=state.realized_pnl + _direction(state) * (execution.price * closing - released),
            fees=state.fees + execution.fee,
            opened_ms=execution.at_ms if state.opened_ms is None and is_entry else state.opened_ms,
            last_ms=execution.at_ms,
        )


def fold(side: PositionSide, executions: Iterable[Execution]) -> PositionState:
    """All executions, each counted once, in the order in which they happened, however we heard of them."""
    distinct = {execution.trade_id: execution for execution in executions}
    state = PositionState(side=side)
    # Entries first within a millisecond: nothing can be closed before it was opened.
    for execution in sorted(distinct.values(), key=lambda one: (one.at_ms, one.side is side.exit_side, one.trade_id)):
        state = apply(state, execution)
    return state


def split(state: PositionState, execution: Execution) -> tuple[Decimal, Decimal]:
    """How much of `execution` this position takes, and how much is left over for others of the same leg."""
    if execution.side is state.side.entry_side:
        return execution.quantity, ZERO
    taken = min(execution.quantity, state.quantity)
    return taken, execution.quantity - taken


def _released(state: PositionState, closing: Decimal) -> Decimal:
    """Cost of the part that closes. The last part takes all that is left, so that rounding never stays behind."""
    held = abs(state.net)
    if closing == 0 or closing == held:
        return state.cost if closing else ZERO
    return (state.cost * closing / held).quantize(PLACES)


def _direction(state: PositionState) -> int:
    """Which way a rising price pays: that of the side, turned around while more is closed than was opened."""
    return state.side.sign if state.net > 0 else -state.side.sign
