"""Pionex's words and ours."""

from cts.domain.types import MarginMode, OrderType, PositionMode, PositionSide, Side, TimeInForce

SIDE_WORDS = {Side.BUY: "BUY", Side.SELL: "SELL"}
LEG_WORDS = {PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}
MARGIN_WORDS = {MarginMode.CROSS: "CROSS", MarginMode.ISOLATED: "ISOLATED"}
MODE_WORDS = {PositionMode.ONE_WAY: "BUYSELL", PositionMode.HEDGE: "OPENCLOSE"}
# How long a limit order lives is told by its type.
FORCE_WORDS = {
    TimeInForce.GTC: "LIMIT",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "POSTONLY",
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LEGS = {"BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
MODES = {word: mode for mode, word in MODE_WORDS.items()}
KINDS = {
    "LIMIT": OrderType.LIMIT,
    "IOC": OrderType.LIMIT,
    "FOK": OrderType.LIMIT,
    "POSTONLY": OrderType.LIMIT,
    "MARKET_QTY": OrderType.MARKET,
    "MARKET": OrderType.MARKET,  # of spot
    "MARKET_AMT": OrderType.MARKET,
}
MARGINS = {
    "CROSS": MarginMode.CROSS,
    "ISOLATED": MarginMode.ISOLATED,
    "ISOLATED_BOTH": MarginMode.ISOLATED,
    "ISOLATED_LONG": MarginMode.ISOLATED,
    "ISOLATED_SHORT": MarginMode.ISOLATED,
}
# Whether the order can still fill; what became of one that can't, only its sizes tell.
STATES = {"OPEN": True, "CLOSED": False}
ROLES = {"MAKER": True, "TAKER": False}
