"""What a conditional order was placed as, and trailing stops: a trigger that follows the best price at a distance."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import msgspec

from cts.domain.matching.state import BookStatus
from cts.domain.types import Side

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

# Where the trigger waits while the price at which it begins hasn't come: out of reach.
FAR = 100


class Plan(msgspec.Struct, kw_only=True):
    """`way` is sl or tp of a "conditional". Of a trailing stop `best` is the best price since it began; None before."""

    kind: str
    way: str = ""
    ratio: Decimal | None = None
    active_price: Decimal | None = None
    best: Decimal | None = None


def trigger_price(plan: Plan, *, side: Side, last: Decimal, tick: Decimal) -> Decimal:
    """On the tick, on the far side: a tick later rather than a tick early."""
    if plan.best is None or plan.ratio is None:
        return tick if side is Side.SELL else last // tick * tick * FAR
    price = plan.best * (1 + side.sign * plan.ratio)
    rounding = ROUND_FLOOR if side is Side.SELL else ROUND_CEILING
    return (price / tick).to_integral_value(rounding=rounding) * tick


def advance(plan: Plan, *, side: Side, last: Decimal) -> bool:
    """Begin, or move with the price; False where nothing changed. A sell follows the price up, a buy down."""
    if plan.best is None:
        has_come = plan.active_price is None or (plan.active_price - last) * side.sign >= 0
        if not has_come:
            return False
    elif (last - plan.best) * side.sign >= 0:
        return False
    plan.best = last
    return True


def follow(face: "OkxFace", symbol: str) -> None:
    """Before a quote is matched: triggers move with the price first."""
    last, tick = face.market.quotes[symbol].last, face.rules[symbol].tick_size
    for member in face.members.values():
        for order in member.account.open_orders.values():
            if order.request.symbol != symbol or order.status is not BookStatus.UNTRIGGERED:
                continue
            plan = face.plan(order)
            if plan.ratio is not None and advance(plan, side=order.request.side, last=last):
                order.trigger_price = trigger_price(plan, side=order.request.side, last=last, tick=tick)
                face.plan_keep(order, plan)
