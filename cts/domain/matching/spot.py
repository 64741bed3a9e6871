"""Spot: one asset for another, out of what is held. No leverage, no legs, nothing to liquidate."""

from decimal import Decimal

from cts.domain.matching import margin, wallet
from cts.domain.matching.book import takes
from cts.domain.matching.events import Event, MoneyMoved, Refusal, Refused
from cts.domain.matching.fold import move_money, note_entry, note_fill
from cts.domain.matching.state import ZERO, Account, Entry, EntryKind, Fill, Order, Policy, Request, Venue, money
from cts.domain.types import Market, PositionSide, Side


def deposit(account: Account, *, policy: Policy, asset: str, amount: Decimal, now_ms: int) -> list[Event]:
    return [_move(account, policy=policy, kind=EntryKind.DEPOSIT, asset=asset, amount=amount, now_ms=now_ms)]


def available(account: Account, asset: str, *, venue: Venue, besides: Order | None = None) -> Decimal:
    """Free to be traded: held, less what other orders have set aside, less what backs perpetuals."""
    policy = venue.policy
    free = wallet.total(account, asset, policy=policy) - wallet.reserved(account, asset, policy=policy, besides=besides)
    if wallet.is_shared(asset, policy=policy):
        free = min(free, margin.free(account, venue=venue, besides=besides))
    return max(ZERO, free)


def check_terms(request: Request) -> None:
    if request.is_reduce_only or request.is_close_position:
        raise Refused(Refusal.REDUCE_ONLY, "a spot order reduces nothing")
    if request.leg is not None:
        raise Refused(Refusal.POSITION_SIDE, "a spot order has no position side")


def check_funds(
    account: Account, request: Request, *, venue: Venue, quantity: Decimal, order: Order | None = None
) -> None:
    """What it takes must be free; `order` is the one asking, which may have set money aside already.

    An order that waits for its trigger is asked only where the venue makes it set its money aside at once.
    """
    is_waiting = request.is_conditional and not (order and order.triggered_ms)
    if is_waiting and not venue.policy.is_spot_conditional_reserved:
        return
    price = request.price or (
        request.trigger_price if is_waiting else _price_met(request, venue=venue, quantity=quantity)
    )
    asset, needed = wallet.claim(request.symbol, request.side, quantity=quantity, price=price, policy=venue.policy)
    if needed > available(account, asset, venue=venue, besides=order):
        raise Refused(Refusal.INSUFFICIENT_BALANCE, f"not enough {asset} for this order")


def _price_met(request: Request, *, venue: Venue, quantity: Decimal) -> Decimal:
    """Of an order at market, on the average, level by level; what finds no level costs nothing."""
    quote, rules = venue.quotes[request.symbol], venue.rules[request.symbol]
    levels = takes(quote, rules=rules, taker=request.side, quantity=quantity)
    return sum((level.price * level.quantity for level in levels), ZERO) / quantity


def is_affordable(account: Account, order: Order, *, policy: Policy, price: Decimal, quantity: Decimal) -> bool:
    """Perpetuals that share the wallet may have lost what an order had set aside."""
    request = order.request
    asset, cost = wallet.claim(request.symbol, request.side, quantity=quantity, price=price, policy=policy)
    return money(cost) <= wallet.total(account, asset, policy=policy)


def book_fill(
    account: Account,
    order: Order,
    *,
    policy: Policy,
    price: Decimal,
    quantity: Decimal,
    now_ms: int,
    is_maker: bool = False,
) -> tuple[Fill, list[Event]]:
    """Fold one execution into the wallet: what was given, what was received, and the fee."""
    request = order.request
    base, quote = wallet.pair(request.symbol)
    cost = money(price * quantity)
    rate = policy.spot_maker_fee_rate if is_maker else policy.spot_taker_fee_rate
    is_fee_in_base = request.side is Side.BUY and not policy.is_spot_fee_in_quote
    fill = Fill(
        id=account.next_id(),
        order_id=order.id,
        client_id=request.client_id,
        symbol=request.symbol,
        side=request.side,
        leg=PositionSide.LONG,
        price=price,
        quantity=quantity,
        closed_quantity=ZERO,
        realized_pnl=ZERO,
        fee=money((quantity if is_fee_in_base else cost) * rate),
        fee_asset=base if is_fee_in_base else quote,
        is_maker=is_maker,
        at_ms=now_ms,
    )
    note_fill(account, order, fill)
    sign = request.side.sign
    parts = (
        (EntryKind.TRADE, quote, -sign * cost),
        (EntryKind.TRADE, base, sign * quantity),
        (EntryKind.FEE, fill.fee_asset, -fill.fee),
    )
    return fill, [
        _move(
            account,
            policy=policy,
            kind=kind,
            asset=asset,
            amount=amount,
            symbol=request.symbol,
            now_ms=now_ms,
            fill_id=fill.id,
        )
        for kind, asset, amount in parts
    ]


def _move(
    account: Account,
    *,
    policy: Policy,
    kind: EntryKind,
    asset: str,
    amount: Decimal,
    now_ms: int,
    symbol: str = "",
    fill_id: int = 0,
) -> MoneyMoved:
    if wallet.is_shared(asset, policy=policy):
        return move_money(account, kind=kind, symbol=symbol, amount=amount, now_ms=now_ms, fill_id=fill_id)
    entry = Entry(
        id=account.next_id(),
        kind=kind,
        symbol=symbol,
        amount=money(amount),
        at_ms=now_ms,
        fill_id=fill_id,
        asset=asset,
        market=Market.SPOT,
    )
    account.assets[asset] = account.assets.get(asset, ZERO) + entry.amount
    return note_entry(account, entry, now_ms=now_ms)
