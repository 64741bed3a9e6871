"""The verbs of one account on a simulated venue. Each returns its events in order, or raises `Refused` with nothing changed."""

import copy
from decimal import Decimal

import msgspec

from cts.domain.matching import checks, spot, trailing
from cts.domain.matching.book import crossed, takes
from cts.domain.matching.events import Event, OrderUpdated, Refusal, Refused
from cts.domain.matching.fold import MEMORY, book_fill, move_money
from cts.domain.matching.state import ZERO, Account, BookStatus, EntryKind, Fill, Order, Request, Venue
from cts.domain.types import OrderType, TimeInForce


def deposit(account: Account, *, amount: Decimal, now_ms: int) -> list[Event]:
    return [move_money(account, kind=EntryKind.DEPOSIT, symbol="", amount=amount, now_ms=now_ms)]


def place(account: Account, *, venue: Venue, request: Request, now_ms: int) -> list[Event]:
    """Take an order, or refuse it. Market orders and crossing limits fill before this returns."""
    rules = checks.check_symbol(venue, symbol=request.symbol)
    checks.check_client_id(account, venue=venue, client_id=request.client_id)
    checks.check_leg(account, request)
    checks.check_filters(request, venue=venue, rules=rules)
    checks.check_room(account, request, rules=rules)
    if request.is_conditional:
        checks.check_trigger(request, venue=venue)
        if request.is_spot:
            spot.check_funds(account, request, venue=venue, quantity=request.quantity)
        order = _create(account, request, quantity=request.quantity, status=BookStatus.UNTRIGGERED, now_ms=now_ms)
        if request.trail_ratio is not None:
            trailing.follow(order, price=checks.trigger_reference(request, quote=venue.quotes[request.symbol]))
        return [_updated(account, order, now_ms=now_ms)]
    quantity = checks.trim_reducing(account, request)
    refusal = checks.crossing_refusal(request, venue=venue, rules=rules, quantity=quantity)
    if refusal and venue.policy.is_crossing_refused:
        raise Refused(refusal)
    checks.check_money(account, request, venue=venue, quantity=quantity)
    order = _create(account, request, quantity=quantity, status=BookStatus.NEW, now_ms=now_ms)
    events: list[Event] = [_updated(account, order, now_ms=now_ms)]
    if refusal:
        return [*events, _finish(account, order, status=BookStatus.CANCELED, reason=refusal.value, now_ms=now_ms)]
    return events + _enter(account, order, venue=venue, now_ms=now_ms)


def cancel(account: Account, *, order_id: int, now_ms: int, reason: str = "by_user") -> list[Event]:
    order = account.open_orders.get(order_id)
    if order is None:
        known = order_id in account.closed_orders
        raise Refused(Refusal.ALREADY_FINAL if known else Refusal.NOT_FOUND, "order not exists or too late to cancel")
    return [_finish(account, order, status=BookStatus.CANCELED, reason=reason, now_ms=now_ms)]


def amend(
    account: Account,
    *,
    venue: Venue,
    order_id: int,
    now_ms: int,
    quantity: Decimal | None = None,
    price: Decimal | None = None,
    trigger_price: Decimal | None = None,
) -> list[Event]:
    """Change an open order in place. Checked like a new one; it loses its place in the queue, which nobody sees here."""
    order = account.open_orders.get(order_id)
    if order is None:
        raise Refused(Refusal.ALREADY_FINAL if order_id in account.closed_orders else Refusal.NOT_FOUND)
    rules = venue.rules[order.request.symbol]
    wanted = {"quantity": quantity or order.quantity, "price": price or order.price}
    wanted["trigger_price"] = trigger_price or order.trigger_price
    if wanted == {"quantity": order.quantity, "price": order.price, "trigger_price": order.trigger_price}:
        raise Refused(Refusal.NO_CHANGE, "order not modified")
    if wanted["quantity"] is None or wanted["quantity"] <= order.filled_quantity:
        raise Refused(Refusal.QUANTITY_TOO_SMALL, "quantity is not above what is filled")
    checks.check_filters(_as_request(order, wanted), venue=venue, rules=rules)
    if order.request.is_spot:
        left = wanted["quantity"] - order.filled_quantity
        spot.check_funds(account, _as_request(order, wanted), venue=venue, quantity=left, order=order)
    elif order.is_active:
        more = max(ZERO, wanted["quantity"] - order.quantity)
        checks.check_money(account, _as_request(order, wanted), venue=venue, quantity=more)
    order.quantity = wanted["quantity"]
    order.price, order.trigger_price, order.updated_ms = wanted["price"], wanted["trigger_price"], now_ms
    events: list[Event] = [_updated(account, order, now_ms=now_ms, is_amend=True)]
    return events + (_enter(account, order, venue=venue, now_ms=now_ms) if order.is_active else [])


def on_quote(account: Account, *, venue: Venue, symbol: str, now_ms: int) -> list[Event]:
    """The market moved: set off triggers, fill what it moved through. Liquidation is asked for apart."""
    if not account.open_orders:
        return []
    events: list[Event] = []
    quote = venue.quotes[symbol]
    for order in [order for order in account.open_orders.values() if order.request.symbol == symbol]:
        if order.status is BookStatus.UNTRIGGERED:
            events += _watch(account, order, venue=venue, now_ms=now_ms)
        elif order.is_active and order.price is not None and crossed(quote, side=order.request.side, price=order.price):
            events += _fill_resting(account, order, venue=venue, now_ms=now_ms)
    return events


def fund(account: Account, *, venue: Venue, symbol: str, rate: Decimal, now_ms: int) -> list[Event]:
    """Longs pay shorts a positive rate, on the notional at the mark."""
    mark = venue.quotes[symbol].mark
    events: list[Event] = []
    for leg in account.open_legs():
        if leg.symbol == symbol:
            amount = -leg.side.sign * leg.quantity * mark * rate
            events.append(move_money(account, kind=EntryKind.FUNDING, symbol=symbol, amount=amount, now_ms=now_ms))
    return events


def _create(account: Account, request: Request, *, quantity: Decimal, status: BookStatus, now_ms: int) -> Order:
    order = Order(
        id=account.next_id(),
        request=request,
        status=status,
        quantity=quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    account.open_orders[order.id] = order
    account.client_ids[request.client_id] = order.id
    return order


def _updated(
    account: Account,
    order: Order,
    *,
    now_ms: int,
    is_trigger: bool = False,
    is_amend: bool = False,
    is_trail: bool = False,
) -> OrderUpdated:
    return OrderUpdated(
        sequence=account.next_sequence(),
        at_ms=now_ms,
        order=copy.copy(order),
        is_trigger=is_trigger,
        is_amend=is_amend,
        is_trail=is_trail,
    )


def _finish(account: Account, order: Order, *, status: BookStatus, reason: str, now_ms: int) -> OrderUpdated:
    order.status, order.reason, order.updated_ms = status, reason, now_ms
    _retire(account, order)
    return _updated(account, order, now_ms=now_ms)


def _retire(account: Account, order: Order) -> None:
    del account.open_orders[order.id]
    account.closed_orders[order.id] = order
    if len(account.closed_orders) > MEMORY:
        oldest = account.closed_orders.pop(next(iter(account.closed_orders)))
        if account.client_ids.get(oldest.request.client_id) == oldest.id:
            del account.client_ids[oldest.request.client_id]


def _as_request(order: Order, wanted: dict[str, Decimal | None]) -> Request:
    return msgspec.structs.replace(order.request, **wanted)


def _enter(account: Account, order: Order, *, venue: Venue, now_ms: int) -> list[Event]:
    """Meet the book as a taker; what is left rests, or is canceled for market, immediate and fill-or-kill orders."""
    request = order.request
    found = takes(
        venue.quotes[request.symbol],
        rules=venue.rules[request.symbol],
        taker=request.side,
        quantity=order.remaining,
        limit=order.price,
    )
    events: list[Event] = []
    for level in found:
        events += _fill(account, order, venue=venue, price=level.price, quantity=level.quantity, now_ms=now_ms)
        if not order.is_active:
            return events
    is_resting = request.order_type is OrderType.LIMIT and request.time_in_force in (
        TimeInForce.GTC,
        TimeInForce.POST_ONLY,
    )
    if not is_resting:
        events.append(_finish(account, order, status=BookStatus.EXPIRED, reason="no_liquidity", now_ms=now_ms))
    return events


def _fill_resting(account: Account, order: Order, *, venue: Venue, now_ms: int) -> list[Event]:
    """The market came through the order's price: it fills there, as maker, up to the size that came through."""
    request = order.request
    found = takes(
        venue.quotes[request.symbol],
        rules=venue.rules[request.symbol],
        taker=request.side,
        quantity=order.remaining,
        limit=order.price,
    )
    quantity = sum((level.quantity for level in found), ZERO)
    assert order.price is not None
    return _fill(account, order, venue=venue, price=order.price, quantity=quantity, now_ms=now_ms, is_maker=True)


def _fill(
    account: Account,
    order: Order,
    *,
    venue: Venue,
    price: Decimal,
    quantity: Decimal,
    now_ms: int,
    is_maker: bool = False,
) -> list[Event]:
    request = order.request
    book = spot.book_fill if request.is_spot else book_fill
    if request.is_spot:
        if not spot.is_affordable(account, order, policy=venue.policy, price=price, quantity=quantity):
            reason = Refusal.INSUFFICIENT_BALANCE.value
            return [_finish(account, order, status=BookStatus.CANCELED, reason=reason, now_ms=now_ms)]
    elif checks.is_reducing(request):
        quantity = min(quantity, checks.reducible(account, request))
        if quantity <= 0:
            return [_finish(account, order, status=BookStatus.EXPIRED, reason="reduce_only", now_ms=now_ms)]
    fill, events = book(
        account, order, policy=venue.policy, price=price, quantity=quantity, now_ms=now_ms, is_maker=is_maker
    )
    order.status = BookStatus.PARTIALLY_FILLED if order.remaining else BookStatus.FILLED
    if order.status is BookStatus.FILLED:
        _retire(account, order)
    update = OrderUpdated(sequence=account.next_sequence(), at_ms=now_ms, order=copy.copy(order), fill=fill)
    return [*events, update, *_sweep_reducing(account, order, fill=fill, now_ms=now_ms)]


def _sweep_reducing(account: Account, cause: Order, *, fill: Fill, now_ms: int) -> list[Event]:
    """With a leg gone, resting orders that could only reduce it go too, and stops that hang on it. Plain untriggered
    ones stay, as on the venues."""
    if not fill.closed_quantity:
        return []
    return [
        _finish(account, order, status=BookStatus.EXPIRED, reason="reduce_only", now_ms=now_ms)
        for order in list(account.open_orders.values())
        if order is not cause
        and (order.is_active or order.request.attached_as)
        and order.request.symbol == fill.symbol
        and checks.is_reducing(order.request)
        and checks.reducible(account, order.request) <= 0
    ]


def _watch(account: Account, order: Order, *, venue: Venue, now_ms: int) -> list[Event]:
    """What a moved price does to an order that waits for one."""
    price = checks.trigger_reference(order.request, quote=venue.quotes[order.request.symbol])
    if order.request.trail_ratio is not None:
        if trailing.follow(order, price=price):
            order.updated_ms = now_ms
            return [_updated(account, order, now_ms=now_ms, is_trail=True)]
        is_triggered = trailing.is_set_off(order, price=price)
    else:
        assert order.trigger_price is not None
        is_triggered = price >= order.trigger_price if order.request.is_rising else price <= order.trigger_price
    return _trigger(account, order, venue=venue, now_ms=now_ms) if is_triggered else []


def _trigger(account: Account, order: Order, *, venue: Venue, now_ms: int) -> list[Event]:
    """A conditional order becomes a plain one. What the venue would refuse now is refused now."""
    order.triggered_id, order.triggered_ms, order.updated_ms = account.next_id(), now_ms, now_ms
    order.status = BookStatus.NEW
    try:
        order.quantity = checks.trim_reducing(account, order.request)
        checks.check_money(account, order.request, venue=venue, quantity=order.quantity, order=order)
    except Refused as refused:
        return [_finish(account, order, status=BookStatus.REJECTED, reason=refused.reason.value, now_ms=now_ms)]
    return [
        _updated(account, order, now_ms=now_ms, is_trigger=True),
        *_enter(account, order, venue=venue, now_ms=now_ms),
    ]
