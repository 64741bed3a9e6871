"""When an open position is to be closed: target, trail, timeout, and the stop where no venue watches it."""

from datetime import datetime
from decimal import Decimal

import msgspec

from cts.domain.types import Origin, PositionSide
from cts.domain.units import decimal_from_float, round_to_step

# How far from the entry the stop of a trade by hand lies that was given none: wide enough for the market's noise,
# narrow enough that at 20x leverage, the most allowed by default, it comes before a liquidation.
MANUAL_STOP_RATIO = 0.02


class ExitView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the exits of one position need, as floats. `best_price` is the best since the trail armed."""

    side: PositionSide
    entry_price: float
    target_price: float | None = None
    stop_price: float | None = None
    is_stop_on_venue: bool = True
    trail_arm_ratio: float | None = None
    trail_give_back_ratio: float | None = None
    best_price: float | None = None
    timeout_at: datetime | None = None


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    target_price: Decimal | None = None
    stop_price: Decimal | None = None


def levels(
    side: PositionSide,
    *,
    entry_price: Decimal,
    tick_size: Decimal,
    target_ratio: float | None,
    stop_ratio: float | None,
) -> Levels:
    """Prices of target and stop from the average entry, on the venue's tick."""

    def price(ratio: float | None, sign: int) -> Decimal | None:
        if ratio is None:
            return None
        exact = entry_price * (1 + sign * decimal_from_float(ratio))
        # A stop of more than the whole price would lie below zero; the lowest price there is stands for it.
        return max(round_to_step(exact, tick_size), tick_size)

    return Levels(target_price=price(target_ratio, side.sign), stop_price=price(stop_ratio, -side.sign))


def default_stop_ratio(origin: Origin, *, given: float | None, is_waived: bool = False) -> float | None:
    """The stop distance a position goes by: the one given, else that of trades by hand; waived, and others, have none."""
    return MANUAL_STOP_RATIO if given is None and origin is Origin.MANUAL and not is_waived else given


def followed(view: ExitView, price: float) -> ExitView:
    """The view with its best price moved along, once the trail has armed. The same object when nothing changed."""
    best = _best(view, price)
    return view if best == view.best_price else msgspec.structs.replace(view, best_price=best)


def position_on_tick(view: ExitView, price: float, now: datetime) -> str | None:
    """Why to close at this tick, or None. The stop counts before everything else."""
    sign = view.side.sign
    if view.stop_price is not None and not view.is_stop_on_venue and sign * (price - view.stop_price) <= 0:
        return "stop"
    if view.target_price is not None and sign * (price - view.target_price) >= 0:
        return "target"
    if _has_given_back(view, price):
        return "trail"
    if view.timeout_at is not None and now >= view.timeout_at:
        return "timeout"
    return None


def _best(view: ExitView, price: float) -> float | None:
    if view.trail_arm_ratio is None or view.trail_give_back_ratio is None:
        return None
    gain = view.side.sign * (price / view.entry_price - 1)
    if view.best_price is None:
        return price if gain >= view.trail_arm_ratio else None
    return max(view.best_price, price) if view.side is PositionSide.LONG else min(view.best_price, price)


def _has_given_back(view: ExitView, price: float) -> bool:
    best = _best(view, price)
    if best is None or view.trail_give_back_ratio is None:
        return False
    return view.side.sign * (price - best) <= -view.trail_give_back_ratio * best
