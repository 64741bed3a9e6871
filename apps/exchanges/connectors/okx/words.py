"""OKX's words and ours."""

from cts.domain.types import MarginMode, OrderStatus, OrderType, PositionMode, PositionSide, Side, TimeInForce

SIDE_WORDS = {Side.BUY: "buy", Side.SELL: "sell"}
LEG_WORDS = {PositionSide.LONG: "long", PositionSide.SHORT: "short"}
MARGIN_WORDS = {MarginMode.CROSS: "cross", MarginMode.ISOLATED: "isolated"}
MODE_WORDS = {PositionMode.HEDGE: "long_short_mode", PositionMode.ONE_WAY: "net_mode"}
# A limit order's time in force is part of its type.
FORCE_WORDS = {
    TimeInForce.GTC: "limit",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.POST_ONLY: "post_only",
}
SIDES = {word: side for side, word in SIDE_WORDS.items()}
# On spot, which has no legs, either of the first two is told.
LEGS = {"net": None, "": None, **{word: leg for leg, word in LEG_WORDS.items()}}
MARGINS = {word: mode for mode, word in MARGIN_WORDS.items()}
MODES = {word: mode for mode, word in MODE_WORDS.items()}
FLAGS = {"true": True, "false": False, "": False}
KINDS = {
    "market": OrderType.MARKET,
    "optimal_limit_ioc": OrderType.MARKET,
    **dict.fromkeys(("limit", "post_only", "fok", "ioc", "mmp", "mmp_and_post_only"), OrderType.LIMIT),
}
STATUSES = {
    "live": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "mmp_canceled": OrderStatus.CANCELED,
}
ALGO_STATUSES = {
    "live": OrderStatus.ACCEPTED,
    "pause": OrderStatus.ACCEPTED,
    "partially_effective": OrderStatus.ACCEPTED,
    # With which outcome, only the order it became tells.
    "effective": OrderStatus.ACCEPTED,
    "canceled": OrderStatus.CANCELED,
    "order_failed": OrderStatus.REJECTED,
    "partially_failed": OrderStatus.REJECTED,
}
# Where each kind keeps its trigger, and the price of the order it becomes; the first that is told counts.
TRIGGERS = (
    ("slTriggerPx", "slOrdPx", OrderType.STOP_MARKET),
    ("tpTriggerPx", "tpOrdPx", OrderType.TAKE_PROFIT_MARKET),
    ("triggerPx", "ordPx", OrderType.STOP_MARKET),
)
ALGO_KINDS = frozenset({"conditional", "oco", "trigger", "move_order_stop"})
AT_MARKET = "-1"
# Why the venue canceled an order nobody asked it to; 1 is the account's own wish.
CANCEL_SOURCES = {
    "0": "canceled by the system",
    "2": "reduce-only without a position to reduce",
    "3": "canceled in a liquidation",
    "4": "the borrowing was limited",
    "6": "the position is at risk",
    "13": "fill-or-kill that could not be filled",
    "14": "immediate-or-cancel, the rest of it",
    "15": "the price is beyond the limit",
    "17": "the position was closed",
    "20": "canceled by the dead man's switch",
    "21": "the position was closed",
    "31": "post-only that would have taken",
    "32": "would have traded with itself",
}
