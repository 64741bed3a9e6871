"""How a fill of a perpetual changes legs and money. The only code that moves legs."""

import copy
from decimal import Decimal

from cts.domain.matching import margin
from cts.domain.matching.events import Event, LegChanged, MoneyMoved
from cts.domain.matching.state import ZERO, Account, Entry, EntryKind, Fill, Leg, Order, Policy, money
from cts.domain.types import PositionSide, Side

# What an account remembers; venues forget old orders and fills too.
MEMORY = 20_000


def move_money(
    account: Account, *, kind: EntryKind, symbol: str, amount: Decimal, now_ms: int, fill_id: int = 0
) -> MoneyMoved:
    entry = Entry(id=account.next_id(), kind=kind, symbol=symbol, amount=money(amount), at_ms=now_ms, fill_id=fill_id)
    account.balance += entry.amount
    return note_entry(account, entry, now_ms=now_ms)


def note_entry(account: Account, entry: Entry, *, now_ms: int) -> MoneyMoved:
    account.ledger.append(entry)
    if len(account.ledger) > 4 * MEMORY:
        del account.ledger[: MEMORY // 10]
    return MoneyMoved(sequence=account.next_sequence(), at_ms=now_ms, entry=entry)


def book_fill(
    account: Account,
    order: Order,
    *,
    policy: Policy,
    price: Decimal,
    quantity: Decimal,
    now_ms: int,
    is_maker: bool = False,
    is_liquidation: bool = False,
) -> tuple[Fill, list[Event]]:
    """Fold one execution into the account. Close first, then open: a flip is both."""
    request = order.request
    closing, opening = _split(account, request.symbol, side=request.side, leg=request.leg, quantity=quantity)
    realized, touched = ZERO, []
    if closing[1]:
        leg = account.leg(request.symbol, closing[0])
        realized = _close(leg, price=price, quantity=closing[1], now_ms=now_ms)
        touched.append(leg)
    if opening[1]:
        leg = account.leg(request.symbol, opening[0])
        _open(account, leg, price=price, quantity=opening[1], now_ms=now_ms)
        touched.append(leg)
    rate = (
        policy.liquidation_fee_rate if is_liquidation else policy.maker_fee_rate if is_maker else policy.taker_fee_rate
    )
    fill = Fill(
        id=account.next_id(),
        order_id=order.id,
        client_id=request.client_id,
        symbol=request.symbol,
        side=request.side,
        leg=opening[0] if opening[1] else closing[0],
        price=price,
        quantity=quantity,
        closed_quantity=closing[1],
        realized_pnl=realized,
        fee=money(price * quantity * rate),
        is_maker=is_maker,
        at_ms=now_ms,
        is_liquidation=is_liquidation,
    )
    note_fill(account, order, fill)
    return fill, _events(account, fill, touched)


def note_fill(account: Account, order: Order, fill: Fill) -> None:
    account.fills.append(fill)
    if len(account.fills) > MEMORY:
        del account.fills[: MEMORY // 10]
    order.filled_quantity += fill.quantity
    order.filled_cost += fill.price * fill.quantity
    order.fee += fill.fee
    order.updated_ms = fill.at_ms


def _split(
    account: Account, symbol: str, *, side: Side, leg: PositionSide | None, quantity: Decimal
) -> tuple[tuple[PositionSide, Decimal], tuple[PositionSide, Decimal]]:
    same = PositionSide.LONG if side is Side.BUY else PositionSide.SHORT
    other = PositionSide.SHORT if side is Side.BUY else PositionSide.LONG
    opening = margin.opening_quantity(account, symbol=symbol, side=side, quantity=quantity, leg=leg)
    return (other, quantity - opening), (same, opening)


def _close(leg: Leg, *, price: Decimal, quantity: Decimal, now_ms: int) -> Decimal:
    """Take quantity out at average cost. The last piece takes the whole rest, so nothing is ever left over."""
    is_all = quantity == leg.quantity
    cost = leg.cost if is_all else money(leg.cost * quantity / leg.quantity)
    margin_back = leg.isolated_margin if is_all else money(leg.isolated_margin * quantity / leg.quantity)
    realized = money(leg.side.sign * (price * quantity - cost))
    leg.quantity -= quantity
    leg.cost -= cost
    leg.isolated_margin -= margin_back
    leg.realized_pnl += realized
    leg.updated_ms = now_ms
    return realized


def _open(account: Account, leg: Leg, *, price: Decimal, quantity: Decimal, now_ms: int) -> None:
    if not leg.quantity:
        leg.opened_ms, leg.realized_pnl = now_ms, ZERO
    leg.quantity += quantity
    leg.cost += price * quantity
    leg.updated_ms = now_ms
    if not margin.is_cross(account, leg.symbol):
        leg.isolated_margin += money(price * quantity / account.leverage(leg.symbol))


def _events(account: Account, fill: Fill, touched: list[Leg]) -> list[Event]:
    events: list[Event] = []
    if fill.closed_quantity:
        events.append(_money(account, fill, EntryKind.REALIZED, fill.realized_pnl))
    events.append(_money(account, fill, EntryKind.FEE, -fill.fee))
    for leg in touched:
        events.append(LegChanged(sequence=account.next_sequence(), at_ms=fill.at_ms, leg=copy.copy(leg)))
    return events


def _money(account: Account, fill: Fill, kind: EntryKind, amount: Decimal) -> MoneyMoved:
    return move_money(account, kind=kind, symbol=fill.symbol, amount=amount, now_ms=fill.at_ms, fill_id=fill.id)
