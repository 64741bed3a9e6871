"""The book around a quote: a ladder of levels that grow with distance. Price moves through the account, never back."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

import msgspec

from cts.domain.matching.state import ZERO, Quote, Rules
from cts.domain.types import Side

LEVELS = 50
FIRST_LEVEL_NOTIONAL = Decimal(50_000)
LEVEL_GAP_RATIO = Decimal("0.00002")


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    price: Decimal
    quantity: Decimal


def ladder(quote: Quote, *, rules: Rules, taker: Side, depth: int = LEVELS) -> Iterator[Level]:
    """Levels a taker of this side meets, best first. The n-th holds n times the first level's notional."""
    best = quote.ask if taker is Side.BUY else quote.bid
    ticks = (best * LEVEL_GAP_RATIO / rules.tick_size).to_integral_value(rounding=ROUND_CEILING)
    gap = max(ticks, Decimal(1)) * rules.tick_size * taker.sign
    first = (FIRST_LEVEL_NOTIONAL / best / rules.lot_step).to_integral_value(rounding=ROUND_DOWN) * rules.lot_step
    first = max(first, rules.lot_step)
    for number in range(depth):
        price = best + gap * number
        if price <= 0:
            return
        yield Level(price, first * (number + 1))


def takes(quote: Quote, *, rules: Rules, taker: Side, quantity: Decimal, limit: Decimal | None = None) -> list[Level]:
    """What an incoming order meets at once, at most `quantity`, no worse than `limit`."""
    found: list[Level] = []
    left = quantity
    for level in ladder(quote, rules=rules, taker=taker):
        if left <= ZERO or (limit is not None and (level.price - limit) * taker.sign > 0):
            break
        part = min(left, level.quantity)
        found.append(Level(level.price, part))
        left -= part
    return found


def crossed(quote: Quote, *, side: Side, price: Decimal) -> bool:
    """Whether a limit at `price` would trade against this quote."""
    return quote.ask <= price if side is Side.BUY else quote.bid >= price
