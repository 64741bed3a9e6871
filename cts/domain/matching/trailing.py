"""Trailing stops: they wait for their price, follow the best one since, and are set off when the market gives back enough."""

from decimal import Decimal

from cts.domain.matching.events import Refusal, Refused
from cts.domain.matching.state import Order, Request
from cts.domain.types import Side


def check(request: Request, *, price: Decimal) -> None:
    """A sell begins to follow above the price, a buy below it."""
    ratio, start = request.trail_ratio, request.trigger_price
    if ratio is None or not 0 < ratio < 1:
        raise Refused(Refusal.TRAIL, "a trailing stop's distance must be above 0 and below 1")
    if start is not None and _is_reached(request.side, price=price, start=start):
        way = "above" if request.side is Side.SELL else "below"
        raise Refused(Refusal.TRIGGER_SIDE, f"activation price must be {way} the current price {price}")


def stop_price(order: Order) -> Decimal | None:
    """Where it would be set off now; None while it doesn't follow."""
    ratio = order.request.trail_ratio
    if order.best_price is None or ratio is None:
        return None
    return order.best_price * (1 + order.request.side.sign * ratio)


def follow(order: Order, *, price: Decimal) -> bool:
    """Note a price; whether the best one moved."""
    side, best, start = order.request.side, order.best_price, order.trigger_price
    if best is None:
        if start is not None and not _is_reached(side, price=price, start=start):
            return False
    elif (price - best) * side.sign >= 0:
        return False
    order.best_price = price
    return True


def is_set_off(order: Order, *, price: Decimal) -> bool:
    stop = stop_price(order)
    return stop is not None and (price - stop) * order.request.side.sign >= 0


def _is_reached(side: Side, *, price: Decimal, start: Decimal) -> bool:
    return (start - price) * side.sign >= 0
