"""OrangeX's words and ours."""

from cts.domain.types import MarginMode, OrderStatus, OrderType, PositionSide, Side, TimeInForce

PERPETUAL, SPOT = "PERPETUAL", "SPOT"
MARGIN_WORDS = {MarginMode.CROSS: "cross", MarginMode.ISOLATED: "isolate"}
LEG_WORDS = {PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}
FORCE_WORDS = {
    TimeInForce.GTC: "good_til_cancelled",
    TimeInForce.POST_ONLY: "good_til_cancelled",
    TimeInForce.IOC: "immediate_or_cancel",
    TimeInForce.FOK: "fill_or_kill",
}
# A stop goes with the move, a target against it; both fire when the price crosses, not when it is beyond already.
CONDITION_WORDS = {OrderType.STOP_MARKET: "STOP", OrderType.TAKE_PROFIT_MARKET: "IF_TOUCHED"}
LAST_PRICE = 2  # of the prices a trigger may watch; 1 is the mark

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
LEGS = {"BOTH": None, "": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
LEG_OF = {"buy": PositionSide.LONG, "sell": PositionSide.SHORT}
KINDS = {
    ("NORMAL", "limit"): OrderType.LIMIT,
    ("NORMAL", "market"): OrderType.MARKET,
    **{(word, kind): ours for ours, word in CONDITION_WORDS.items() for kind in ("limit", "market")},
    ("TRAILING", "limit"): OrderType.TRAILING_STOP,
    ("TRAILING", "market"): OrderType.TRAILING_STOP,
}
CONDITIONS = {condition: None for condition, _ in KINDS}
ORDER_TYPES = {kind: None for _, kind in KINDS}
STATUSES = {
    "open": OrderStatus.ACCEPTED,
    "untriggered": OrderStatus.ACCEPTED,
    "filled": OrderStatus.FILLED,
    # The documentation has two spellings; the venue writes the first.
    "canceled": OrderStatus.CANCELED,
    "cancelled": OrderStatus.CANCELED,
    "rejected": OrderStatus.REJECTED,
}
MARGIN_MODES = {
    "cross": MarginMode.CROSS,
    "isolate": MarginMode.ISOLATED,
    "isolated": MarginMode.ISOLATED,
}
MAKERS = {"maker": True, "taker": False}
# Orders made elsewhere have no client id, and the venue doesn't always tell ours.
NO_NAMES = frozenset({"", "-"})
# The order didn't fit the account's position mode: taken, then canceled at once.
WRONG_MODE = 5998
WRONG_MODE_REASON = "5998: the account is in another position mode than the order"
