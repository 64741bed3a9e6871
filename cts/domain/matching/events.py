"""What the matching tells the outside: events in sequence, or a refusal."""

from enum import StrEnum

import msgspec

from cts.domain.matching.state import Entry, Fill, Leg, Order


class Refusal(StrEnum):
    UNKNOWN_SYMBOL = "unknown_symbol"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"
    PRICE_REQUIRED = "price_required"
    PRICE_TICK = "price_tick"
    PRICE_BAND = "price_band"
    QUANTITY_STEP = "quantity_step"
    QUANTITY_TOO_SMALL = "quantity_too_small"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    NOTIONAL_TOO_SMALL = "notional_too_small"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    REDUCE_ONLY = "reduce_only"
    POSITION_SIDE = "position_side"
    TRIGGER_SIDE = "trigger_side"
    TRAIL = "trail"
    WOULD_TAKE = "would_take"
    WOULD_NOT_FILL = "would_not_fill"
    LEVERAGE = "leverage"
    NOT_FOUND = "not_found"
    ALREADY_FINAL = "already_final"
    NO_CHANGE = "no_change"
    HAS_POSITION = "has_position"
    HAS_ORDERS = "has_orders"
    TOO_MANY_ORDERS = "too_many_orders"
    LIQUIDATED = "liquidated"


class Refused(Exception):
    """The venue says no and nothing has changed."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail or reason.value


class OrderUpdated(msgspec.Struct, frozen=True, kw_only=True):
    sequence: int
    at_ms: int
    order: Order
    fill: Fill | None = None
    is_trigger: bool = False
    is_amend: bool = False
    # Only a trailing stop's best price moved: worth keeping, told to nobody.
    is_trail: bool = False


class LegChanged(msgspec.Struct, frozen=True, kw_only=True):
    sequence: int
    at_ms: int
    leg: Leg


class MoneyMoved(msgspec.Struct, frozen=True, kw_only=True):
    sequence: int
    at_ms: int
    entry: Entry


Event = OrderUpdated | LegChanged | MoneyMoved
