"""Pionex's codes for what it refuses. Those for perpetuals are documented in part; the rest are the older spot ones."""

from cts.domain.matching.events import Refusal


class PionexError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parameter(name: str) -> PionexError:
    return PionexError("TRADE_PARAMETER_ERROR", f"invalid {name}")


def market_parameter(name: str) -> PionexError:
    return PionexError("MARKET_PARAMETER_ERROR", f"invalid {name}")


REFUSALS: dict[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_SYMBOL: ("TRADE_INVALID_SYMBOL", "Invalid symbol"),
    Refusal.DUPLICATE_CLIENT_ID: ("TRADE_REPEAT_CLIENT_ORDER_ID", "clientOrderId is repeated"),
    Refusal.PRICE_REQUIRED: ("TRADE_PARAMETER_ERROR", "invalid price"),
    Refusal.PRICE_TICK: ("TRADE_PRICE_FILTER_DENIED", "price is not a multiple of quoteStep"),
    Refusal.PRICE_BAND: ("TRADE_PRICE_FILTER_DENIED", "price is too far from the mark price"),
    Refusal.QUANTITY_STEP: ("TRADE_SIZE_FILTER_DENIED", "size is not a multiple of baseStep"),
    Refusal.QUANTITY_TOO_SMALL: ("TRADE_SIZE_FILTER_DENIED", "size is below the minimum"),
    Refusal.QUANTITY_TOO_LARGE: ("TRADE_SIZE_FILTER_DENIED", "size is above the maximum"),
    Refusal.NOTIONAL_TOO_SMALL: ("TRADE_AMOUNT_FILTER_DENIED", "the value of the order is below minNotional"),
    Refusal.INSUFFICIENT_MARGIN: ("TRADE_NOT_ENOUGH_MONEY", "not enough money"),
    Refusal.INSUFFICIENT_BALANCE: ("TRADE_NOT_ENOUGH_MONEY", "not enough money"),
    Refusal.REDUCE_ONLY: ("TRADE_OPERATION_DENIED", "there is nothing to reduce"),
    Refusal.POSITION_SIDE: ("TRADE_PARAMETER_ERROR", "invalid positionSide"),
    Refusal.TRIGGER_SIDE: ("TRADE_PARAMETER_ERROR", "invalid trigger"),
    Refusal.LEVERAGE: ("TRADE_PARAMETER_ERROR", "invalid leverage"),
    Refusal.NOT_FOUND: ("TRADE_ORDER_NOT_FOUND", "Order not found"),
    Refusal.ALREADY_FINAL: ("TRADE_ORDER_NOT_FOUND", "Order not found"),
    Refusal.TOO_MANY_ORDERS: ("TRADE_OPEN_ORDER_EXCEED_LIMIT", "too many open orders"),
    Refusal.NO_CHANGE: ("TRADE_OPERATION_DENIED", "nothing to change"),
    Refusal.HAS_POSITION: ("TRADE_OPERATION_DENIED", "there are open positions"),
    Refusal.HAS_ORDERS: ("TRADE_OPERATION_DENIED", "there are open orders"),
}
