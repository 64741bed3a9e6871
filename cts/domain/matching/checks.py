"""What a venue refuses before an order exists."""

from decimal import Decimal

from cts.domain.matching import margin, spot, trailing
from cts.domain.matching.book import crossed, takes
from cts.domain.matching.events import Refusal, Refused
from cts.domain.matching.state import ZERO, Account, Order, Quote, Request, Rules, TriggerBy, Venue
from cts.domain.types import OrderType, PositionMode, PositionSide, TimeInForce


def check_symbol(venue: Venue, *, symbol: str) -> Rules:
    if symbol not in venue.rules or symbol not in venue.quotes:
        raise Refused(Refusal.UNKNOWN_SYMBOL, f"symbol {symbol} is not listed")
    return venue.rules[symbol]


def check_client_id(account: Account, *, venue: Venue, client_id: str) -> None:
    known = account.order_by_client_id(client_id)
    if known and (known.status.is_open or not venue.policy.is_client_id_reusable):
        raise Refused(Refusal.DUPLICATE_CLIENT_ID, "client order id is already used")


def check_filters(request: Request, *, venue: Venue, rules: Rules) -> None:
    """Tick, lot and notional. A market order is valued at the last price."""
    is_market = request.order_type is OrderType.MARKET
    if not is_market and request.price is None:
        raise Refused(Refusal.PRICE_REQUIRED, "a limit order needs a price")
    for price in (request.price, request.trigger_price):
        if price is not None and (price <= 0 or price % rules.tick_size):
            raise Refused(Refusal.PRICE_TICK, f"price {price} is not on the tick {rules.tick_size}")
    if request.is_close_position:
        return
    check_quantity(request.quantity, rules=rules, is_market=is_market)
    price = request.price or request.trigger_price or venue.quotes[request.symbol].last
    if not request.is_reduce_only and request.quantity * price < rules.min_notional:
        raise Refused(Refusal.NOTIONAL_TOO_SMALL, f"notional must be at least {rules.min_notional}")
    _check_band(request, venue=venue)


def check_quantity(quantity: Decimal, *, rules: Rules, is_market: bool) -> None:
    if quantity % rules.lot_step:
        raise Refused(Refusal.QUANTITY_STEP, f"quantity {quantity} is not on the step {rules.lot_step}")
    if quantity < rules.min_quantity:
        raise Refused(Refusal.QUANTITY_TOO_SMALL, f"quantity must be at least {rules.min_quantity}")
    largest = rules.max_market_quantity if is_market else rules.max_quantity
    if quantity > largest:
        raise Refused(Refusal.QUANTITY_TOO_LARGE, f"quantity must be at most {largest}")


def _check_band(request: Request, *, venue: Venue) -> None:
    """A buy far above, or a sell far below, the mark is a typing error and refused as such."""
    if request.price is None or request.is_conditional:
        return
    mark = venue.quotes[request.symbol].mark
    if (request.price / mark - 1) * request.side.sign > venue.policy.price_band_ratio:
        raise Refused(Refusal.PRICE_BAND, f"price {request.price} is too far from the mark price {mark}")


def check_leg(account: Account, request: Request) -> None:
    if request.is_spot:
        spot.check_terms(request)
        return
    if (account.position_mode is PositionMode.HEDGE) != (request.leg is not None):
        raise Refused(Refusal.POSITION_SIDE, f"position side does not match the {account.position_mode} position mode")


def is_reducing(request: Request) -> bool:
    """Told so, or by its leg: selling a long leg can only reduce it."""
    return request.is_reduce_only or (request.leg is not None and request.leg.exit_side is request.side)


def reducible(account: Account, request: Request) -> Decimal:
    """How much of a leg this order could close."""
    if request.leg is not None:
        return account.held(request.symbol, request.leg) if request.leg.exit_side is request.side else ZERO
    return account.held(request.symbol, PositionSide.LONG if request.side.sign < 0 else PositionSide.SHORT)


def trim_reducing(account: Account, request: Request) -> Decimal:
    """The quantity that may be placed. Reducing orders shrink to what is held; with nothing held they are refused."""
    if request.is_spot or not is_reducing(request):
        return request.quantity
    held = reducible(account, request)
    if held <= 0:
        raise Refused(Refusal.REDUCE_ONLY, "nothing to reduce")
    return held if request.is_close_position else min(held, request.quantity)


def check_money(
    account: Account, request: Request, *, venue: Venue, quantity: Decimal, order: Order | None = None
) -> None:
    """What an order of this quantity ties up must be free; `order` is one that exists already, and whose part counts."""
    if request.is_spot:
        spot.check_funds(account, request, venue=venue, quantity=quantity, order=order)
    else:
        _check_margin(account, request, venue=venue, quantity=quantity)


def _check_margin(account: Account, request: Request, *, venue: Venue, quantity: Decimal) -> None:
    opening = margin.opening_quantity(
        account, symbol=request.symbol, side=request.side, quantity=quantity, leg=request.leg
    )
    if not opening:
        return
    quote = venue.quotes[request.symbol]
    price = request.price or (quote.ask if request.side.sign > 0 else quote.bid)
    needed = opening * price * (Decimal(1) / account.leverage(request.symbol) + venue.policy.taker_fee_rate)
    if needed > margin.available(account, venue=venue):
        raise Refused(Refusal.INSUFFICIENT_MARGIN, "available margin is not enough for this order")


def check_room(account: Account, request: Request, *, rules: Rules) -> None:
    orders = [order for order in account.open_orders.values() if order.request.symbol == request.symbol]
    conditional = sum(not order.is_active for order in orders)
    if request.is_conditional and conditional >= rules.max_conditional_orders:
        raise Refused(Refusal.TOO_MANY_ORDERS, f"at most {rules.max_conditional_orders} conditional orders a symbol")
    if len(orders) - conditional >= rules.max_open_orders:
        raise Refused(Refusal.TOO_MANY_ORDERS, f"at most {rules.max_open_orders} open orders a symbol")


def check_trigger(request: Request, *, venue: Venue) -> None:
    price = trigger_reference(request, quote=venue.quotes[request.symbol])
    if request.trail_ratio is not None:
        trailing.check(request, price=price)
        return
    assert request.trigger_price is not None
    is_reached = price >= request.trigger_price if request.is_rising else price <= request.trigger_price
    if is_reached:
        way = "above" if request.is_rising else "below"
        raise Refused(Refusal.TRIGGER_SIDE, f"trigger price must be {way} the current price {price}")


def trigger_reference(request: Request, *, quote: Quote) -> Decimal:
    return quote.mark if request.trigger_by is TriggerBy.MARK else quote.last


def crossing_refusal(request: Request, *, venue: Venue, rules: Rules, quantity: Decimal) -> Refusal | None:
    """Post-only that would take, fill-or-kill that would not fill."""
    quote = venue.quotes[request.symbol]
    tif = request.time_in_force
    if tif is TimeInForce.POST_ONLY and request.price is not None:
        return Refusal.WOULD_TAKE if crossed(quote, side=request.side, price=request.price) else None
    if tif is TimeInForce.FOK:
        found = takes(quote, rules=rules, taker=request.side, quantity=quantity, limit=request.price)
        return Refusal.WOULD_NOT_FILL if sum((level.quantity for level in found), ZERO) < quantity else None
    return None
