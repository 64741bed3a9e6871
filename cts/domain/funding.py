"""Whose funding is it: what a venue moved on a leg, given to the positions that made up the leg at that moment."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

import msgspec

from cts.domain.position import EXACT, PLACES
from cts.domain.types import PositionSide

ZERO = Decimal(0)


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What a position held when funding was due. `id` names the position."""

    id: int
    side: PositionSide
    quantity: Decimal


def funding_shares(amounts: Sequence[Decimal], held: Sequence[Holding]) -> list[dict[int, Decimal]]:
    """For each of the amounts moved on one symbol at one moment: its parts by position. They add up exactly.

    Venues don't say which leg an amount is of. With both legs held, two amounts go by size, the larger to the larger leg;
    a single one is of the difference: each leg then has what it would have had alone, one of them with the sign turned.
    """
    legs = {side: [each for each in held if each.side is side and each.quantity > 0] for side in PositionSide}
    sums = {side: sum((each.quantity for each in rows), ZERO) for side, rows in legs.items()}
    both = [side for side in PositionSide if sums[side] > 0]
    if len(both) == len(amounts) > 1:
        by_size = sorted(both, key=lambda side: sums[side])
        order = sorted(range(len(amounts)), key=lambda number: abs(amounts[number]))
        parts: list[dict[int, Decimal]] = [{} for _ in amounts]
        for side, number in zip(by_size, order, strict=True):
            parts[number] = _split(amounts[number], legs[side], total=sums[side])
        return parts
    rows = [each for side in both for each in legs[side]]
    net = sum((each.side.sign * each.quantity for each in rows), ZERO)
    is_netted = len(both) > 1 and net != 0
    total = net if is_netted else sum(sums.values(), ZERO)
    return [_split(amount, rows, total=total, is_signed=is_netted) for amount in amounts]


def _split(amount: Decimal, rows: Sequence[Holding], *, total: Decimal, is_signed: bool = False) -> dict[int, Decimal]:
    """The last takes what rounding left."""
    parts: dict[int, Decimal] = {}
    left = amount
    with localcontext(EXACT):
        for row in rows[:-1]:
            weight = row.quantity * row.side.sign if is_signed else row.quantity
            parts[row.id] = (amount * weight / total).quantize(PLACES).normalize()
            left -= parts[row.id]
    if rows:
        parts[rows[-1].id] = left
    return parts
