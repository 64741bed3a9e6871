"""The life of an order as one table, its name on the venue, and what is asked for. No storage, no venue."""

import base64
import hashlib
from decimal import Decimal
from enum import StrEnum

import msgspec

from cts.domain.errors import DomainError
from cts.domain.types import OrderStatus, OrderType, Side, TimeInForce
from cts.domain.units import decimal_text


class OrderEvent(StrEnum):
    """What can happen to an order. Fills are counted by us; a venue's word "filled" alone is only an `ACK`."""

    DENY = "deny"
    CLAIM = "claim"
    ACK = "ack"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REJECT = "reject"
    LOSE = "lose"  # the outcome isn't known
    REOPEN = "reopen"  # the venue lists it as open although we had it ended


class IllegalTransition(Exception):
    """An event that can't happen to an order in that state: a bug of ours, or a venue that contradicts itself."""

    def __init__(self, status: OrderStatus, event: OrderEvent) -> None:
        super().__init__(f"An order that is {status} can't {event}")
        self.status = status
        self.event = event


_S, _E = OrderStatus, OrderEvent

TRANSITIONS: dict[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (_S.NEW, _E.DENY): _S.DENIED,
    (_S.NEW, _E.CLAIM): _S.SUBMITTING,
    (_S.NEW, _E.CANCEL): _S.CANCELED,
    (_S.NEW, _E.EXPIRE): _S.EXPIRED,
    (_S.NEW, _E.REJECT): _S.REJECTED,
    (_S.SUBMITTING, _E.ACK): _S.ACCEPTED,
    (_S.SUBMITTING, _E.PARTIAL_FILL): _S.PARTIALLY_FILLED,  # fill before ack
    (_S.SUBMITTING, _E.FILL): _S.FILLED,
    (_S.SUBMITTING, _E.REJECT): _S.REJECTED,
    (_S.SUBMITTING, _E.CANCEL): _S.CANCELED,
    (_S.SUBMITTING, _E.EXPIRE): _S.EXPIRED,
    (_S.SUBMITTING, _E.LOSE): _S.UNKNOWN,
    (_S.ACCEPTED, _E.ACK): _S.ACCEPTED,
    (_S.ACCEPTED, _E.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.ACCEPTED, _E.FILL): _S.FILLED,
    (_S.ACCEPTED, _E.CANCEL): _S.CANCELED,
    (_S.ACCEPTED, _E.EXPIRE): _S.EXPIRED,
    (_S.ACCEPTED, _E.REJECT): _S.REJECTED,  # venues that acknowledge first and check later
    (_S.ACCEPTED, _E.LOSE): _S.UNKNOWN,
    (_S.ACCEPTED, _E.REOPEN): _S.ACCEPTED,
    (_S.PARTIALLY_FILLED, _E.ACK): _S.PARTIALLY_FILLED,  # ack after fill
    (_S.PARTIALLY_FILLED, _E.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.FILL): _S.FILLED,
    (_S.PARTIALLY_FILLED, _E.CANCEL): _S.CANCELED,
    (_S.PARTIALLY_FILLED, _E.EXPIRE): _S.EXPIRED,
    (_S.PARTIALLY_FILLED, _E.REJECT): _S.CANCELED,  # the rest was refused; what filled stays filled
    (_S.PARTIALLY_FILLED, _E.LOSE): _S.UNKNOWN,
    (_S.PARTIALLY_FILLED, _E.REOPEN): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _E.CLAIM): _S.SUBMITTING,  # sent again under the same id
    (_S.UNKNOWN, _E.ACK): _S.ACCEPTED,
    (_S.UNKNOWN, _E.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _E.FILL): _S.FILLED,
    (_S.UNKNOWN, _E.CANCEL): _S.CANCELED,
    (_S.UNKNOWN, _E.EXPIRE): _S.EXPIRED,
    (_S.UNKNOWN, _E.REJECT): _S.REJECTED,
    (_S.UNKNOWN, _E.LOSE): _S.UNKNOWN,
    (_S.UNKNOWN, _E.REOPEN): _S.ACCEPTED,
    # Fills outrank whatever ended the order: they are money that moved.
    (_S.FILLED, _E.FILL): _S.FILLED,
    (_S.FILLED, _E.PARTIAL_FILL): _S.PARTIALLY_FILLED,  # an adopted order turned out larger than its first fills
    (_S.FILLED, _E.ACK): _S.FILLED,
    (_S.FILLED, _E.CANCEL): _S.FILLED,
    (_S.FILLED, _E.EXPIRE): _S.FILLED,
    (_S.CANCELED, _E.FILL): _S.FILLED,
    (_S.CANCELED, _E.PARTIAL_FILL): _S.CANCELED,
    (_S.CANCELED, _E.ACK): _S.CANCELED,
    (_S.CANCELED, _E.CANCEL): _S.CANCELED,
    (_S.CANCELED, _E.EXPIRE): _S.CANCELED,
    (_S.CANCELED, _E.REOPEN): _S.ACCEPTED,
    (_S.EXPIRED, _E.FILL): _S.FILLED,
    (_S.EXPIRED, _E.PARTIAL_FILL): _S.EXPIRED,
    (_S.EXPIRED, _E.ACK): _S.EXPIRED,
    (_S.EXPIRED, _E.CANCEL): _S.EXPIRED,
    (_S.EXPIRED, _E.EXPIRE): _S.EXPIRED,
    (_S.EXPIRED, _E.REOPEN): _S.ACCEPTED,
    (_S.REJECTED, _E.FILL): _S.FILLED,
    (_S.REJECTED, _E.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.REJECTED, _E.ACK): _S.REJECTED,  # the answer to our request, later than the word on the stream
    (_S.REJECTED, _E.REJECT): _S.REJECTED,
    (_S.REJECTED, _E.CANCEL): _S.REJECTED,
    (_S.REJECTED, _E.EXPIRE): _S.REJECTED,
    (_S.REJECTED, _E.REOPEN): _S.ACCEPTED,
}

# Orders that may still change what is held.
LIVE_STATUSES = frozenset(OrderStatus) - {
    OrderStatus.DENIED,
    OrderStatus.FILLED,
    OrderStatus.REJECTED,
    OrderStatus.CANCELED,
    OrderStatus.EXPIRED,
}
# Of these we believe to know that the venue has them.
RESTING_STATUSES = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


def advance(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """The state after `event`.

    Raises:
        IllegalTransition: the event can't happen in that state.
    """
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise IllegalTransition(status, event) from None


def client_order_id(intent_key: str) -> str:
    """Name of the order on any venue: `c` and 31 letters and digits, the same for the same intent for ever."""
    digest = hashlib.sha256(intent_key.encode()).digest()
    return "c" + base64.b32encode(digest).decode().lower().rstrip("=")[:31]


def event_of(status: OrderStatus) -> OrderEvent:
    """What a venue's word about an order means to us. `filled` becomes true by the fills, not by the word."""
    return {
        OrderStatus.CANCELED: OrderEvent.CANCEL,
        OrderStatus.EXPIRED: OrderEvent.EXPIRE,
        OrderStatus.REJECTED: OrderEvent.REJECT,
    }.get(status, OrderEvent.ACK)


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How to trade what an intent wants. Without a `quantity` the size is reckoned from equity."""

    order_type: OrderType = OrderType.MARKET
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    is_reduce_only: bool = False
    position_key: str = ""
    # Of orders with the same word, the first that is filled cancels the others.
    oco_group: str = ""


# Where the trigger of each side's order lies: above the price (True) or below it.
_IS_ABOVE = {
    (OrderType.STOP_MARKET, Side.BUY): True,
    (OrderType.STOP_MARKET, Side.SELL): False,
    (OrderType.TAKE_PROFIT_MARKET, Side.BUY): False,
    (OrderType.TAKE_PROFIT_MARKET, Side.SELL): True,
}


def trigger_check(order_type: OrderType, side: Side, *, trigger: Decimal, last: Decimal) -> None:
    """A trigger the price has passed already would fire at once, or be refused by the venue.

    Raises:
        DomainError: `wrong_side`, with the field.
    """
    is_above = _IS_ABOVE.get((order_type, side))
    if is_above is None or (trigger > last if is_above else trigger < last):
        return
    where = "above" if is_above else "below"
    detail = f"A {order_type} to {side} waits {where} the last price, which is {decimal_text(last)}"
    raise DomainError("wrong_side", detail, field="trigger_price")
