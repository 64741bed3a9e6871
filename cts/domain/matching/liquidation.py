"""What happens when maintenance margin is gone, and the settings of an account (mode, leverage) that change margin."""

import copy
from decimal import Decimal

from cts.domain.matching import margin
from cts.domain.matching.book import takes
from cts.domain.matching.engine import cancel
from cts.domain.matching.events import Event, LegChanged, OrderUpdated, Refusal, Refused
from cts.domain.matching.fold import book_fill, move_money
from cts.domain.matching.state import ZERO, Account, BookStatus, EntryKind, Leg, Order, Request, Venue, money
from cts.domain.types import MarginMode, OrderType, PositionMode


def liquidate(account: Account, *, venue: Venue, now_ms: int) -> list[Event]:
    """Close what its margin no longer carries. A debt left over is paid by the venue's insurance, never by the account."""
    events: list[Event] = []
    broke = [leg for leg in account.open_legs() if margin.is_isolated_broke(account, leg, venue=venue)]
    for leg in broke:
        events += _close_leg(account, leg, venue=venue, backing=leg.isolated_margin, now_ms=now_ms)
    if margin.is_cross_broke(account, venue=venue):
        for order in [
            order
            for order in account.open_orders.values()
            if not order.request.is_spot and margin.is_cross(account, order.request.symbol)
        ]:
            events += cancel(account, order_id=order.id, now_ms=now_ms, reason=Refusal.LIQUIDATED.value)
        for leg in [leg for leg in account.open_legs() if margin.is_cross(account, leg.symbol)]:
            events += _close_leg(account, leg, venue=venue, backing=None, now_ms=now_ms)
        debt = margin.isolated_total(account) - account.balance
        if debt > 0:
            events.append(move_money(account, kind=EntryKind.INSURANCE, symbol="", amount=debt, now_ms=now_ms))
    return events


def _close_leg(account: Account, leg: Leg, *, venue: Venue, backing: Decimal | None, now_ms: int) -> list[Event]:
    hedged = account.position_mode is PositionMode.HEDGE
    request = Request(
        symbol=leg.symbol,
        side=leg.side.exit_side,
        order_type=OrderType.MARKET,
        quantity=leg.quantity,
        client_id=f"liquidation{account.last_id + 1}",
        is_reduce_only=True,
        leg=leg.side if hedged else None,
    )
    order = Order(
        id=account.next_id(),
        request=request,
        status=BookStatus.NEW,
        quantity=leg.quantity,
        created_ms=now_ms,
        updated_ms=now_ms,
        reason=Refusal.LIQUIDATED.value,
    )
    # All at the touch: a liquidation engine works the order over time, which one step here stands for.
    price = takes(venue.quotes[leg.symbol], rules=venue.rules[leg.symbol], taker=request.side, quantity=leg.quantity)[
        0
    ].price
    before = account.balance
    fill, events = book_fill(
        account, order, policy=venue.policy, price=price, quantity=leg.quantity, now_ms=now_ms, is_liquidation=True
    )
    order.status = BookStatus.FILLED
    account.closed_orders[order.id] = order
    account.client_ids[request.client_id] = order.id
    update = OrderUpdated(sequence=account.next_sequence(), at_ms=now_ms, order=copy.copy(order), fill=fill)
    events.append(update)
    shortfall = before - account.balance - backing if backing is not None else ZERO
    if shortfall > 0:
        events.append(move_money(account, kind=EntryKind.INSURANCE, symbol=leg.symbol, amount=shortfall, now_ms=now_ms))
    return events


def set_position_mode(account: Account, *, mode: PositionMode) -> None:
    if account.position_mode is mode:
        raise Refused(Refusal.NO_CHANGE, "position mode is not modified")
    if any(account.open_legs()):
        raise Refused(Refusal.HAS_POSITION, "position mode cannot change with open positions")
    if any(not order.request.is_spot for order in account.open_orders.values()):
        raise Refused(Refusal.HAS_ORDERS, "position mode cannot change with open orders")
    account.position_mode = mode


def set_margin_mode(account: Account, *, mode: MarginMode, symbol: str | None = None) -> None:
    """For one symbol, or for the whole account."""
    current = account.margin_mode_of(symbol) if symbol else account.margin_mode
    if current is mode:
        raise Refused(Refusal.NO_CHANGE, "margin mode is not modified")
    if any(symbol in (None, leg.symbol) for leg in account.open_legs()):
        raise Refused(Refusal.HAS_POSITION, "margin mode cannot change with open positions")
    orders = [order.request for order in account.open_orders.values() if not order.request.is_spot]
    if any(symbol in (None, request.symbol) for request in orders):
        raise Refused(Refusal.HAS_ORDERS, "margin mode cannot change with open orders")
    if symbol:
        account.margin_modes[symbol] = mode
        return
    account.margin_mode = mode
    account.margin_modes.clear()


def set_leverage(account: Account, *, venue: Venue, symbol: str, leverage: int, now_ms: int) -> list[Event]:
    """Change leverage; isolated legs top their margin up or give some back."""
    if not 1 <= leverage <= venue.rules[symbol].max_leverage:
        raise Refused(Refusal.LEVERAGE, f"leverage must be 1-{venue.rules[symbol].max_leverage}")
    if account.leverage(symbol) == leverage:
        raise Refused(Refusal.NO_CHANGE, "leverage is not modified")
    before = account.leverage(symbol)
    needed = sum((leg.cost for leg in account.open_legs() if leg.symbol == symbol), ZERO) / leverage
    tied = sum((leg.cost for leg in account.open_legs() if leg.symbol == symbol), ZERO) / before
    if needed - tied > margin.available(account, venue=venue):
        raise Refused(Refusal.INSUFFICIENT_MARGIN, "available margin is not enough for this leverage")
    account.leverages[symbol] = leverage
    events: list[Event] = []
    for leg in account.open_legs():
        if leg.symbol == symbol and not margin.is_cross(account, symbol):
            leg.isolated_margin = money(leg.cost / leverage)
            events.append(LegChanged(sequence=account.next_sequence(), at_ms=now_ms, leg=copy.copy(leg)))
    return events
