"""Margin of an account: what is tied up, what is free, when it is liquidated."""

from decimal import Decimal

from cts.domain.matching import wallet
from cts.domain.matching.state import SETTLE, ZERO, Account, Leg, Order, Venue, money
from cts.domain.types import MarginMode, PositionMode, PositionSide, Side


def is_cross(account: Account, symbol: str) -> bool:
    return account.margin_mode_of(symbol) is MarginMode.CROSS


def leg_initial(account: Account, leg: Leg, *, venue: Venue) -> Decimal:
    if not is_cross(account, leg.symbol):
        return leg.isolated_margin
    return money(leg.quantity * venue.quotes[leg.symbol].mark / account.leverage(leg.symbol))


def leg_maintenance(leg: Leg, *, venue: Venue) -> Decimal:
    return money(leg.quantity * venue.quotes[leg.symbol].mark * venue.rules[leg.symbol].maintenance_ratio)


def opening_quantity(
    account: Account, *, symbol: str, side: Side, quantity: Decimal, leg: PositionSide | None
) -> Decimal:
    """The part of an order that adds exposure; the rest reduces what is held on the other side."""
    if account.position_mode is PositionMode.HEDGE and leg is not None:
        return quantity if leg.entry_side is side else ZERO
    opposite = PositionSide.SHORT if side is Side.BUY else PositionSide.LONG
    return max(ZERO, quantity - account.held(symbol, opposite))


def orders_initial(account: Account, *, symbol: str | None = None) -> Decimal:
    """Margin reserved by resting orders that would add exposure. Untriggered ones reserve nothing."""
    total = ZERO
    for order in account.open_orders.values():
        request = order.request
        if (
            request.is_spot
            or not order.is_active
            or order.price is None
            or request.is_reduce_only
            or symbol not in (None, request.symbol)
        ):
            continue
        opening = opening_quantity(
            account, symbol=request.symbol, side=request.side, quantity=order.remaining, leg=request.leg
        )
        total += opening * order.price / account.leverage(request.symbol)
    return money(total)


def unrealized(account: Account, *, venue: Venue) -> Decimal:
    return sum((leg.unrealized(venue.quotes[leg.symbol].mark) for leg in account.open_legs()), ZERO)


def cross_unrealized(account: Account, *, venue: Venue) -> Decimal:
    legs = (leg for leg in account.open_legs() if is_cross(account, leg.symbol))
    return sum((leg.unrealized(venue.quotes[leg.symbol].mark) for leg in legs), ZERO)


def isolated_total(account: Account) -> Decimal:
    return sum((leg.isolated_margin for leg in account.open_legs() if not is_cross(account, leg.symbol)), ZERO)


def positions_initial(account: Account, *, venue: Venue) -> Decimal:
    return sum((leg_initial(account, leg, venue=venue) for leg in account.open_legs()), ZERO)


def maintenance_total(account: Account, *, venue: Venue) -> Decimal:
    return sum((leg_maintenance(leg, venue=venue) for leg in account.open_legs()), ZERO)


def available(account: Account, *, venue: Venue) -> Decimal:
    """Free for new exposure."""
    return max(ZERO, free(account, venue=venue))


def free(account: Account, *, venue: Venue, besides: Order | None = None) -> Decimal:
    """Wallet plus cross P&L, less everything tied up, be it by spot orders (but this one) out of a shared wallet."""
    tied = positions_initial(account, venue=venue) + orders_initial(account)
    if venue.policy.is_wallet_unified:
        tied += wallet.reserved(account, SETTLE, policy=venue.policy, besides=besides)
    return money(account.balance + cross_unrealized(account, venue=venue) - tied)


def is_cross_broke(account: Account, *, venue: Venue) -> bool:
    legs = [leg for leg in account.open_legs() if is_cross(account, leg.symbol)]
    if not legs:
        return False
    equity = account.balance - isolated_total(account) + cross_unrealized(account, venue=venue)
    return equity < sum((leg_maintenance(leg, venue=venue) for leg in legs), ZERO)


def is_isolated_broke(account: Account, leg: Leg, *, venue: Venue) -> bool:
    if is_cross(account, leg.symbol):
        return False
    return leg.isolated_margin + leg.unrealized(venue.quotes[leg.symbol].mark) < leg_maintenance(leg, venue=venue)


def liquidation_price(account: Account, leg: Leg, *, venue: Venue) -> Decimal | None:
    """The mark at which this leg is liquidated when nothing else moves; None where no price does that."""
    if not leg.quantity:
        return None
    ratio = venue.rules[leg.symbol].maintenance_ratio
    backing = leg.isolated_margin
    if is_cross(account, leg.symbol):
        others = [other for other in account.open_legs() if other is not leg and is_cross(account, other.symbol)]
        backing = account.balance - isolated_total(account)
        backing += sum((other.unrealized(venue.quotes[other.symbol].mark) for other in others), ZERO)
        backing -= sum((leg_maintenance(other, venue=venue) for other in others), ZERO)
    sign = leg.side.sign
    # backing + sign*(q*p - cost) = q*p*ratio, solved for p
    price = (sign * leg.cost - backing) / (leg.quantity * (sign - ratio))
    tick = venue.rules[leg.symbol].tick_size
    return (price / tick).to_integral_value() * tick if price > 0 else None
