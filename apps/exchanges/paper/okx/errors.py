"""OKX's codes for what it refuses."""

from cts.domain.matching.events import Refusal


class OkxError(Exception):
    """A refusal of the whole request. 401 and 429 are told by the HTTP status too."""

    def __init__(self, code: int, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.status = status


def parameter(name: str) -> OkxError:
    return OkxError(51000, f"Parameter {name} error")


REFUSALS: dict[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_SYMBOL: ("51001", "Instrument ID does not exist."),
    Refusal.DUPLICATE_CLIENT_ID: ("51016", "Client order ID already exists."),
    Refusal.PRICE_REQUIRED: ("51000", "Parameter px error"),
    Refusal.PRICE_TICK: ("51000", "Parameter px error: not a multiple of the tick size"),
    Refusal.PRICE_BAND: ("51006", "Order price is not within the price limit."),
    Refusal.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    Refusal.QUANTITY_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Refusal.QUANTITY_TOO_LARGE: ("51101", "Entered amount exceeds max pending order amount (Cont) per transaction."),
    Refusal.NOTIONAL_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Refusal.INSUFFICIENT_MARGIN: ("51008", "Order failed. Insufficient USDT margin in account."),
    Refusal.INSUFFICIENT_BALANCE: ("51008", "Order failed. Insufficient balance in account."),
    Refusal.REDUCE_ONLY: ("51169", "Order failed because you don't have any positions in this direction to reduce."),
    Refusal.POSITION_SIDE: ("51000", "Parameter posSide error"),
    Refusal.TRIGGER_SIDE: ("51280", "SL trigger price cannot be higher than the last price"),
    Refusal.TRAIL: ("51000", "Parameter callbackRatio error"),
    Refusal.LEVERAGE: ("59102", "Leverage exceeds the maximum limit. Please lower the leverage."),
    Refusal.NOT_FOUND: ("51603", "Order does not exist"),
    Refusal.ALREADY_FINAL: ("51400", "Cancellation failed as the order has been filled, canceled or does not exist."),
    Refusal.TOO_MANY_ORDERS: ("51174", "The number of pending orders reached the upper limit."),
    Refusal.NO_CHANGE: ("51000", "Parameter newSz or newPx error"),
    Refusal.HAS_POSITION: ("59000", "Setting failed. Cancel any open orders, close positions first."),
    Refusal.HAS_ORDERS: ("59000", "Setting failed. Cancel any open orders, close positions first."),
}
# By whether it takes profit and whether it buys: on which side of the last price the trigger may not be.
TRIGGER_REFUSALS = {
    (True, True): ("51277", "TP trigger price cannot be higher than the last price"),
    (False, True): ("51278", "SL trigger price cannot be lower than the last price"),
    (True, False): ("51279", "TP trigger price cannot be lower than the last price"),
    (False, False): ("51280", "SL trigger price cannot be higher than the last price"),
}
