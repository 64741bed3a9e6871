"""Bybit's words and ours."""

from cts.domain.types import OrderStatus, OrderType, PositionSide, Side, TimeInForce

SIDE_WORDS = {Side.BUY: "Buy", Side.SELL: "Sell"}
FORCE_WORDS = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
KINDS = {"Limit": OrderType.LIMIT, "Market": OrderType.MARKET}
LEG_SIDES = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT}
LEGS = {0: None, 1: PositionSide.LONG, 2: PositionSide.SHORT}
STATUSES = {
    "New": OrderStatus.ACCEPTED,
    "Untriggered": OrderStatus.ACCEPTED,
    "Triggered": OrderStatus.ACCEPTED,
    "PartiallyFilled": OrderStatus.PARTIALLY_FILLED,
    "Filled": OrderStatus.FILLED,
    "Rejected": OrderStatus.REJECTED,
    "Cancelled": OrderStatus.CANCELED,
    "PartiallyFilledCanceled": OrderStatus.CANCELED,
    "Deactivated": OrderStatus.CANCELED,
}
# Stop and take profit in terms of the trigger: 1 fires when the price has risen to it, 2 when it has fallen.
RISES, FALLS = 1, 2
DIRECTIONS = {
    (OrderType.STOP_MARKET, Side.SELL): FALLS,
    (OrderType.STOP_MARKET, Side.BUY): RISES,
    (OrderType.TAKE_PROFIT_MARKET, Side.SELL): RISES,
    (OrderType.TAKE_PROFIT_MARKET, Side.BUY): FALLS,
}
CONDITIONS = {(direction, side): kind for (kind, side), direction in DIRECTIONS.items()}
# Funding and settlement appear among the executions and are none.
FILL_TYPES = frozenset({"Trade", "AdlTrade", "BustTrade", "Delivery", "BlockTrade"})
