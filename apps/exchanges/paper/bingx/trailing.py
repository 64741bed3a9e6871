"""Trailing stops: conditional orders whose trigger follows the best price since they began to follow."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.paper.bingx.rows import RULES, Row
from cts.domain.matching.checks import trigger_reference
from cts.domain.matching.state import ZERO, BookStatus, Order
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

NOTE = "bingx trailing stops"


class Trail(msgspec.Struct, kw_only=True):
    """`distance` is a ratio of the best price, or an amount. Without `activation` it follows at once."""

    distance: Decimal
    is_ratio: bool
    activation: Decimal | None = None
    is_active: bool = False
    best: Decimal = ZERO

    def follow(self, price: Decimal, *, side: Side) -> None:
        """A selling one follows what rises, a buying one what falls."""
        if not self.is_active:
            self.is_active = self.activation is None or (price - self.activation) * side.sign <= 0
            self.best = price
        elif (price - self.best) * side.sign < 0:
            self.best = price

    def trigger(self, price: Decimal, *, side: Side, tick: Decimal) -> Decimal:
        """Before it follows, far from the price: nothing sets it off."""
        if not self.is_active:
            return _on_tick(price * 2 if side is Side.BUY else price / 2, side=side, tick=tick)
        gap = self.best * self.distance if self.is_ratio else self.distance
        return _on_tick(max(self.best + gap * side.sign, tick), side=side, tick=tick)

    def row(self) -> Row:
        distance = {"priceRate": text(self.distance)} if self.is_ratio else {"price": text(self.distance)}
        return {**distance, "activationPrice": text(self.activation or ZERO)}


def _on_tick(price: Decimal, *, side: Side, tick: Decimal) -> Decimal:
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding=rounding) * tick, tick)


def load(face: "BingxFace") -> dict[int, Trail]:
    noted = face.store.note(NOTE)
    return msgspec.json.decode(noted, type=dict[int, Trail]) if noted else {}


def save(face: "BingxFace") -> None:
    face.store.set_note(NOTE, msgspec.json.encode(face.trails))


def follow_all(face: "BingxFace", symbol: str) -> None:
    """The market moved: before anything is matched, the triggers move along."""
    is_changed = False
    for member in face.members.values():
        for order in member.account.open_orders.values():
            trail = face.trails.get(order.id)
            if trail is not None and order.request.symbol == symbol and order.status is BookStatus.UNTRIGGERED:
                is_changed |= _follow(face, order, trail)
    if is_changed:
        save(face)


def _follow(face: "BingxFace", order: Order, trail: Trail) -> bool:
    request = order.request
    price = trigger_reference(request, quote=face.market.quotes[request.symbol])
    before = (trail.best, trail.is_active)
    trail.follow(price, side=request.side)
    order.trigger_price = trail.trigger(price, side=request.side, tick=RULES[request.symbol].tick_size)
    return before != (trail.best, trail.is_active)
