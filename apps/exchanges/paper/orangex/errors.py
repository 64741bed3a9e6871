"""OrangeX's codes for what it refuses."""

from cts.domain.matching.events import Refusal


class OrangeXError(Exception):
    """`data` names the channel or instrument at fault, where the venue does."""

    def __init__(self, code: int, message: str, data: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data or {}

    @property
    def row(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message, "data": self.data}


UNAUTHENTIC = (10000, "Authentication Failure")
DENIED = (2033, "Access denied")
NO_SERVICE = (1000, "No service found")
BAD_PARAMS = (8000, "Request params not valid!")
BAD_REQUEST = (1001, "Bad requested")
NO_CHANNEL = (3401, "channel regex not match")
NO_INSTRUMENT = (5001, "Instrument does not exist.")
TOO_OFTEN = (1005, "Operate too frequently")
TOO_MANY_CANDLES = (5221, "Only the 1500 most recent candles can be requested")
NOT_JSON = (9902, "json parse error")

# How the venue refuses an order that could only reduce isn't known; the code of a wrong parameter stands in.
REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: NO_INSTRUMENT,
    Refusal.DUPLICATE_CLIENT_ID: (5001, "Order's param wrong."),
    Refusal.PRICE_REQUIRED: (5001, "Order's param wrong."),
    Refusal.PRICE_TICK: (5007, "Order price tick size error."),
    Refusal.PRICE_BAND: (5013, "Order price range is too high."),
    Refusal.QUANTITY_STEP: (5001, "Order's param wrong."),
    Refusal.QUANTITY_TOO_SMALL: (5135, "The quantity is below the smallest."),
    Refusal.QUANTITY_TOO_LARGE: (5001, "Order's param wrong."),
    Refusal.NOTIONAL_TOO_SMALL: (5119, "Cannot be less than the minimum order value: 10USDT"),
    Refusal.INSUFFICIENT_MARGIN: (5907, "Asset not enough."),
    Refusal.INSUFFICIENT_BALANCE: (5907, "Asset not enough."),
    Refusal.REDUCE_ONLY: (5001, "Order's param wrong: nothing to reduce."),
    Refusal.POSITION_SIDE: (5001, "Order's param wrong."),
    Refusal.TRIGGER_SIDE: (5001, "Order's param wrong."),
    Refusal.LEVERAGE: (8000, "Request params not valid!"),
    Refusal.NOT_FOUND: (5002, "Order does not exist."),
    Refusal.ALREADY_FINAL: (5010, "Order is not active."),
    Refusal.TOO_MANY_ORDERS: (5001, "Order's param wrong: too many orders."),
    Refusal.NO_CHANGE: (8000, "Request params not valid!"),
    Refusal.HAS_POSITION: (8000, "Request params not valid: there is a position."),
    Refusal.HAS_ORDERS: (8000, "Request params not valid: there are orders."),
}
