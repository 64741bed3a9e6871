"""Bybit's codes for what it refuses."""

from cts.domain.matching.events import Refusal


class BybitError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# Spot's own, where they differ.
SPOT_REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.DUPLICATE_CLIENT_ID: (170141, "Duplicate clientOrderId"),
    Refusal.PRICE_TICK: (170134, "Order price has too many decimals."),
    Refusal.PRICE_BAND: (170193, "Buy order price cannot be higher than the limit."),
    Refusal.QUANTITY_STEP: (170137, "Order quantity has too many decimals."),
    Refusal.QUANTITY_TOO_SMALL: (170136, "The quantity is below the lower limit."),
    Refusal.QUANTITY_TOO_LARGE: (170135, "The quantity exceeds the upper limit."),
    Refusal.NOTIONAL_TOO_SMALL: (170140, "Order value exceeded lower limit."),
    Refusal.REDUCE_ONLY: (10001, "reduceOnly is not supported for spot."),
    Refusal.POSITION_SIDE: (10001, "positionIdx is not supported for spot."),
    Refusal.NOT_FOUND: (170213, "Order does not exist."),
    Refusal.ALREADY_FINAL: (170142, "Order has been canceled or filled."),
    Refusal.TOO_MANY_ORDERS: (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
}


def told(reason: Refusal, *, category: str) -> tuple[int, str]:
    return (SPOT_REFUSALS if category == "spot" else {}).get(reason) or REFUSALS[reason]


REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (10001, "params error: symbol invalid"),
    Refusal.DUPLICATE_CLIENT_ID: (110072, "OrderLinkedID is duplicate"),
    Refusal.PRICE_REQUIRED: (10001, "params error: price is required"),
    Refusal.PRICE_TICK: (10001, "params error: price is not a multiple of the tick size"),
    Refusal.PRICE_BAND: (110003, "Order price exceeds the allowable range."),
    Refusal.QUANTITY_STEP: (10001, "Qty invalid"),
    Refusal.QUANTITY_TOO_SMALL: (10001, "The number of contracts below the minimum order quantity"),
    Refusal.QUANTITY_TOO_LARGE: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Refusal.NOTIONAL_TOO_SMALL: (110094, "Order does not meet minimum order value 5USDT"),
    Refusal.INSUFFICIENT_MARGIN: (110007, "ab not enough for new order"),
    Refusal.INSUFFICIENT_BALANCE: (170131, "Insufficient balance."),
    Refusal.REDUCE_ONLY: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Refusal.POSITION_SIDE: (10001, "position idx not match position mode"),
    Refusal.TRIGGER_SIDE: (10001, "StopLoss or TakeProfit is on the wrong side of the base price"),
    Refusal.TRAIL: (10001, "params error: trailing stop invalid"),
    Refusal.LEVERAGE: (110013, "cannot set leverage gt maxLeverage by risk limit"),
    Refusal.NOT_FOUND: (110001, "order not exists or too late to cancel"),
    Refusal.ALREADY_FINAL: (110001, "order not exists or too late to cancel"),
    Refusal.TOO_MANY_ORDERS: (110020, "Not allowed to have more than 500 active orders"),
    Refusal.NO_CHANGE: (10001, "The order remains unchanged as the parameters entered match the existing ones."),
    Refusal.HAS_POSITION: (110024, "You have an existing position, so the position mode cannot be switched"),
    Refusal.HAS_ORDERS: (110028, "You have existing open orders, so the position mode cannot be switched"),
}


def trigger_refusal(*, is_rising: bool, trigger: object, current: object) -> BybitError:
    if is_rising:
        return BybitError(110092, f"expect Rising, but trigger_price[{trigger}] <= current[{current}]??LastPrice")
    return BybitError(110093, f"expect Falling, but trigger_price[{trigger}] >= current[{current}]??LastPrice")
