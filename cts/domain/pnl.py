"""Profit and loss: unrealized at a price, and net of fees and funding."""

from decimal import Decimal

from cts.domain.position import EXACT, PositionState
from cts.domain.types import PositionSide


def unrealized(side: PositionSide, *, quantity: Decimal, entry_price: Decimal, price: Decimal) -> Decimal:
    """What closing `quantity` at `price` would realize, before fees."""
    return EXACT.multiply(side.sign, EXACT.multiply(EXACT.subtract(price, entry_price), quantity))


def unrealized_of(state: PositionState, *, price: Decimal) -> Decimal:
    """The same of a folded position, from its exact cost."""
    # A bare `*` would round to the 28 digits of the default context.
    return EXACT.multiply(state.side.sign, EXACT.subtract(EXACT.multiply(price, state.net), _signed_cost(state)))


def net(realized_pnl: Decimal, *, fees: Decimal, funding: Decimal) -> Decimal:
    """What reached the account. Funding is positive when received, fees are positive when paid."""
    return EXACT.add(EXACT.subtract(realized_pnl, fees), funding)


def _signed_cost(state: PositionState) -> Decimal:
    return state.cost if state.net >= 0 else state.cost.copy_negate()
