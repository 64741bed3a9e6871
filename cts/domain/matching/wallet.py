"""What an account holds of each asset, and what open spot orders have set aside of it."""

from decimal import Decimal

from cts.domain.matching.state import SETTLE, ZERO, Account, Order, Policy
from cts.domain.types import Side


def pair(symbol: str) -> tuple[str, str]:
    base, _, quote = symbol.partition("/")
    return base, quote


def is_shared(asset: str, *, policy: Policy) -> bool:
    """Whether this asset of the spot wallet is what backs the perpetuals, too."""
    return asset == SETTLE and policy.is_wallet_unified


def total(account: Account, asset: str, *, policy: Policy) -> Decimal:
    return account.balance if is_shared(asset, policy=policy) else account.assets.get(asset, ZERO)


def claim(symbol: str, side: Side, *, quantity: Decimal, price: Decimal | None, policy: Policy) -> tuple[str, Decimal]:
    """What an order may cost at most: quote for a buy, base for a sell. A buy at no price yet claims nothing."""
    base, quote = pair(symbol)
    if side is Side.SELL:
        return base, quantity
    cost = quantity * (price or ZERO)
    return quote, cost * (1 + policy.spot_taker_fee_rate) if policy.is_spot_fee_in_quote else cost


def claimed(order: Order, *, policy: Policy) -> tuple[str, Decimal]:
    """What an open spot order has set aside."""
    request = order.request
    is_waiting = not order.is_active and not policy.is_spot_conditional_reserved
    quantity = ZERO if is_waiting else order.remaining
    price = order.price or order.trigger_price
    return claim(request.symbol, request.side, quantity=quantity, price=price, policy=policy)


def reserved(account: Account, asset: str, *, policy: Policy, besides: Order | None = None) -> Decimal:
    amount = ZERO
    for order in account.open_orders.values():
        if order.request.is_spot and order is not besides:
            name, part = claimed(order, policy=policy)
            amount += part if name == asset else ZERO
    return amount
