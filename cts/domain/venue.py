"""What a venue tells and is asked beyond orders, fills and legs: public prints, funding, changes, the rights of a key."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from cts.domain.types import Side


class Channel(StrEnum):
    """What a public stream can carry."""

    TICKERS = "tickers"
    TRADES = "trades"
    BOOK_TOP = "book_top"
    CANDLES = "candles"


class Trade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A public print. `side` is the taker's; quantities in base units."""

    symbol: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    side: Side
    at_ms: int


class BookTop(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Best bid and ask. A side that is empty has neither price nor quantity."""

    symbol: str
    bid: Decimal | None
    bid_quantity: Decimal
    ask: Decimal | None
    ask_quantity: Decimal
    at_ms: int


class FundingRate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rate longs pay shorts at `at_ms`; a ratio of the notional."""

    symbol: str
    rate: Decimal
    at_ms: int


class FundingPayment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What funding moved on the account: positive when received. `payment_id` is unique within the account and symbol."""

    payment_id: str
    symbol: str
    amount: Decimal
    asset: str
    at_ms: int


class AmendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """New terms of an open order; None leaves a term as it is. `quantity` is the order's whole, what is filled included."""

    symbol: str
    client_order_id: str
    venue_order_id: str = ""
    side: Side = Side.BUY
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    is_conditional: bool = False


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One order to be canceled, by either of its ids."""

    symbol: str
    client_order_id: str
    venue_order_id: str = ""
    is_conditional: bool = False


class KeyRights(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue tells of an API key; None where it doesn't say."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None
    is_address_bound: bool | None = None
    expires_ms: int | None = None
