"""BingX's words and ours."""

from cts.domain.types import MarginMode, OrderStatus, OrderType, PositionSide, Side, TimeInForce

MARGIN_WORDS = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}
SIDE_WORDS = {Side.BUY: "BUY", Side.SELL: "SELL"}
LEG_WORDS = {PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}
KIND_WORDS = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_MARKET: "STOP_MARKET",
    OrderType.TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET",
    OrderType.TRAILING_STOP: "TRAILING_STOP_MARKET",
}
FORCE_WORDS = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LEGS = {"BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
KINDS = {
    "LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "LIQUIDATION": OrderType.MARKET,
    "ADL": OrderType.MARKET,
    "STOP_MARKET": OrderType.STOP_MARKET,
    "STOP": OrderType.STOP_MARKET,
    "TRIGGER_MARKET": OrderType.STOP_MARKET,
    "TRIGGER_LIMIT": OrderType.STOP_MARKET,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_MARKET,
    "TRAILING_STOP_MARKET": OrderType.TRAILING_STOP,
    "TRAILING_TP_SL": OrderType.TRAILING_STOP,
}
STATUSES = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING": OrderStatus.ACCEPTED,
    "WORKING": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "CANCELLED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "FAILED": OrderStatus.REJECTED,
}
ROLES = {"maker": True, "taker": False}
# What a key may do, by the numbers of the venue's list.
MAY_TRADE_SPOT, MAY_TRADE_SWAPS, MAY_WITHDRAW = "1", "3", "5"
