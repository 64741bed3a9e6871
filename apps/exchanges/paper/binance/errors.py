"""Binance's codes for what it refuses."""

from cts.domain.matching.events import Refusal


class BinanceError(Exception):
    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Refusal.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Refusal.PRICE_REQUIRED: (-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
    Refusal.PRICE_TICK: (-4014, "Price not increased by tick size."),
    Refusal.PRICE_BAND: (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."),
    Refusal.QUANTITY_STEP: (-1111, "Precision is over the maximum defined for this asset."),
    Refusal.QUANTITY_TOO_SMALL: (-4003, "Quantity less than or equal to zero."),
    Refusal.QUANTITY_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Refusal.NOTIONAL_TOO_SMALL: (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
    Refusal.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    Refusal.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Refusal.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Refusal.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Refusal.TRIGGER_SIDE: (-2021, "Order would immediately trigger."),
    Refusal.TRAIL: (-2007, "Invalid callBack rate."),
    Refusal.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    Refusal.WOULD_NOT_FILL: (
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected.",
    ),
    Refusal.LEVERAGE: (-4028, "Leverage is not valid"),
    Refusal.NOT_FOUND: (-2011, "Unknown order sent."),
    Refusal.ALREADY_FINAL: (-2011, "Unknown order sent."),
    Refusal.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
    Refusal.NO_CHANGE: (-5027, "No need to modify the order."),
}


def missing(name: str) -> BinanceError:
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
