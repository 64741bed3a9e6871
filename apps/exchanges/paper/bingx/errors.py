"""BingX's codes for what it refuses."""

from cts.domain.matching.events import Refusal


class BingxError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (109425, "this symbol does not exist"),
    Refusal.DUPLICATE_CLIENT_ID: (101481, "the clientOrderId has been used"),
    Refusal.PRICE_REQUIRED: (109400, "price is required"),
    Refusal.PRICE_TICK: (109400, "price is not valid"),
    Refusal.PRICE_BAND: (101211, "order price is out of the allowed range"),
    Refusal.QUANTITY_STEP: (109400, "quantity is not valid"),
    Refusal.QUANTITY_TOO_SMALL: (101400, "the minimum order amount is not reached"),
    Refusal.QUANTITY_TOO_LARGE: (101209, "the maximum position value for this leverage is exceeded"),
    Refusal.NOTIONAL_TOO_SMALL: (110422, "the minimum order value of this contract is 2 USDT"),
    Refusal.INSUFFICIENT_MARGIN: (101204, "insufficient margin"),
    Refusal.INSUFFICIENT_BALANCE: (100202, "insufficient balance"),
    Refusal.REDUCE_ONLY: (101290, "the reduce only order can only decrease a position"),
    Refusal.POSITION_SIDE: (109400, "positionSide does not fit the position mode"),
    Refusal.TRIGGER_SIDE: (110402, "the trigger price is on the wrong side of the current price"),
    Refusal.TRAIL: (109400, "priceRate is not valid"),
    Refusal.WOULD_TAKE: (101215, "the maker (PostOnly) order would take and was cancelled"),
    Refusal.WOULD_NOT_FILL: (109400, "the FOK order can't be filled at once"),
    Refusal.LEVERAGE: (109400, "leverage is out of range"),
    Refusal.NOT_FOUND: (109421, "order does not exist"),
    Refusal.ALREADY_FINAL: (109422, "the order is filled or cancelled"),
    Refusal.TOO_MANY_ORDERS: (101419, "too many open orders"),
    Refusal.NO_CHANGE: (109400, "nothing to change"),
    Refusal.HAS_POSITION: (104103, "please close positions and orders before you change this setting"),
    Refusal.HAS_ORDERS: (104103, "please close positions and orders before you change this setting"),
}

# Where spot has a code of its own. That of a used client id isn't documented: it is the perpetuals'.
SPOT_REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (100204, "symbol not found"),
    Refusal.PRICE_REQUIRED: (100400, "price is required"),
    Refusal.PRICE_TICK: (100400, "price is not valid"),
    Refusal.PRICE_BAND: (100440, "the order price deviates greatly from the market price"),
    Refusal.QUANTITY_STEP: (100400, "quantity is not valid"),
    Refusal.QUANTITY_TOO_SMALL: (100400, "quantity is not valid"),
    Refusal.QUANTITY_TOO_LARGE: (100400, "the maximum order amount is exceeded"),
    Refusal.NOTIONAL_TOO_SMALL: (100400, "the minimum order amount is 5 USDT"),
    Refusal.WOULD_NOT_FILL: (100400, "the FOK order can't be filled at once"),
    Refusal.NOT_FOUND: (80016, "order does not exist"),
    Refusal.ALREADY_FINAL: (80018, "the order is already filled or canceled"),
}
ILLEGAL, SPOT_ILLEGAL = 109400, 100400


def invalid(name: str) -> BingxError:
    return BingxError(ILLEGAL, f"Invalid parameters, err:{name} is missing or not valid")
