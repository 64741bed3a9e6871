"""What a simulated venue holds for one account: orders, legs, fills, money. Values only; the rules are next door."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

import msgspec

from cts.domain.types import MarginMode, Market, OrderType, PositionMode, PositionSide, Side, TimeInForce

ZERO = Decimal(0)
SETTLE = "USDT"
# Venues book money to eight decimals; rounding each entry once keeps every later sum exact.
CENT = Decimal("0.00000001")


def money(value: Decimal) -> Decimal:
    return value.quantize(CENT)


class TriggerBy(StrEnum):
    LAST = "last"
    MARK = "mark"


class BookStatus(StrEnum):
    UNTRIGGERED = "untriggered"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def is_open(self) -> bool:
        return self in (BookStatus.UNTRIGGERED, BookStatus.NEW, BookStatus.PARTIALLY_FILLED)


class EntryKind(StrEnum):
    """Why money moved. The balance is the sum of all entries, always."""

    DEPOSIT = "deposit"
    REALIZED = "realized"
    FEE = "fee"
    FUNDING = "funding"
    INSURANCE = "insurance"
    TRADE = "trade"  # what a spot fill gave and took


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Filters and margin of one symbol. Spot has no leverage, and nothing to maintain."""

    symbol: str
    tick_size: Decimal
    lot_step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    min_notional: Decimal
    max_leverage: int = 1
    maintenance_ratio: Decimal = ZERO
    max_open_orders: int = 500
    max_conditional_orders: int = 10


class Quote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    symbol: str
    last: Decimal
    bid: Decimal
    ask: Decimal
    mark: Decimal
    at_ms: int


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Where venues differ in what they allow."""

    maker_fee_rate: Decimal
    taker_fee_rate: Decimal
    liquidation_fee_rate: Decimal = Decimal("0.005")
    # False: a used client id is taken for ever. True: only while its order is open.
    is_client_id_reusable: bool = False
    # True: post-only that would take and fill-or-kill that would not fill are refused. False: accepted, then canceled.
    is_crossing_refused: bool = False
    # A limit further than this from the mark, on the losing side, is refused.
    price_band_ratio: Decimal = Decimal("0.10")
    spot_maker_fee_rate: Decimal = Decimal("0.001")
    spot_taker_fee_rate: Decimal = Decimal("0.001")
    # True: one USDT pays for spot and backs the perpetuals. False: two wallets.
    is_wallet_unified: bool = True
    # False: a spot fee is taken of what was received.
    is_spot_fee_in_quote: bool = False
    # True: a spot order sets its money aside from the start. False: once it is triggered.
    is_spot_conditional_reserved: bool = False


class Venue(msgspec.Struct, kw_only=True):
    """One venue's policy, symbols and newest quotes. Quotes are replaced from outside as the market moves."""

    policy: Policy
    rules: dict[str, Rules]
    quotes: dict[str, Quote]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An order as asked for. Conditional when it has a trigger price, `is_rising` saying from which side it is reached, or
    when it trails: then `trail_ratio` is its distance from the best price, and `trigger_price`, where given, the price at
    which it begins to follow.
    """

    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    client_id: str
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    trail_ratio: Decimal | None = None
    is_rising: bool = False
    is_reduce_only: bool = False
    is_close_position: bool = False
    leg: PositionSide | None = None
    # Set on stops and targets that hang on the position and go with it: what the venue calls them.
    attached_as: str = ""
    # The last price when it was asked for, which some venues tell with a waiting order.
    base_price: Decimal | None = None

    @property
    def is_spot(self) -> bool:
        """Perpetuals name what they settle in: `BTC/USDT:USDT`."""
        return ":" not in self.symbol

    @property
    def is_conditional(self) -> bool:
        return self.trigger_price is not None or self.trail_ratio is not None


class Order(msgspec.Struct, kw_only=True):
    id: int
    request: Request
    status: BookStatus
    quantity: Decimal
    created_ms: int
    updated_ms: int
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    # The best price a trailing stop has seen; None while it doesn't follow yet.
    best_price: Decimal | None = None
    filled_quantity: Decimal = ZERO
    filled_cost: Decimal = ZERO
    fee: Decimal = ZERO
    reason: str = ""
    # The id of the order a trigger set off, on venues that keep conditional orders apart; 0 before.
    triggered_id: int = 0
    triggered_ms: int = 0

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        return money(self.filled_cost / self.filled_quantity) if self.filled_quantity else None

    @property
    def is_conditional(self) -> bool:
        return self.request.is_conditional

    @property
    def is_active(self) -> bool:
        """In the book: placed plain, or triggered."""
        return self.status in (BookStatus.NEW, BookStatus.PARTIALLY_FILLED)


class Leg(msgspec.Struct, kw_only=True):
    """A held position in one direction. `cost` is the sum of price x quantity, so that closing is exact."""

    symbol: str
    side: PositionSide
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    isolated_margin: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    opened_ms: int = 0
    updated_ms: int = 0

    @property
    def entry_price(self) -> Decimal:
        return money(self.cost / self.quantity) if self.quantity else ZERO

    def unrealized(self, mark: Decimal) -> Decimal:
        return self.side.sign * (self.quantity * mark - self.cost)


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    order_id: int
    client_id: str
    symbol: str
    side: Side
    leg: PositionSide
    price: Decimal
    quantity: Decimal
    closed_quantity: Decimal
    realized_pnl: Decimal
    fee: Decimal
    is_maker: bool
    at_ms: int
    is_liquidation: bool = False
    fee_asset: str = SETTLE


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the money ledger; `amount` is signed as the balance sees it. `market` tells whose wallet it is, where spot
    and perpetuals have one each.
    """

    id: int
    kind: EntryKind
    symbol: str
    amount: Decimal
    at_ms: int
    fill_id: int = 0
    asset: str = SETTLE
    market: Market = Market.LINEAR


class Account(msgspec.Struct, kw_only=True):
    """Everything one API account holds. `number` keeps ids of different accounts apart.

    `balance` is the USDT that backs the perpetuals; `assets` is the spot wallet, without USDT where that is one and the same.
    """

    number: int
    balance: Decimal = ZERO
    assets: dict[str, Decimal] = {}
    position_mode: PositionMode = PositionMode.ONE_WAY
    margin_mode: MarginMode = MarginMode.CROSS
    margin_modes: dict[str, MarginMode] = {}
    leverages: dict[str, int] = {}
    sequence: int = 0
    last_id: int = 0
    legs: dict[str, Leg] = {}
    open_orders: dict[int, Order] = {}
    closed_orders: dict[int, Order] = {}
    client_ids: dict[str, int] = {}
    fills: list[Fill] = []
    ledger: list[Entry] = []

    def next_id(self) -> int:
        self.last_id += 1
        return self.number * 1_000_000_000 + self.last_id

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def leg(self, symbol: str, side: PositionSide) -> Leg:
        key = f"{symbol}|{side}"
        if key not in self.legs:
            self.legs[key] = Leg(symbol=symbol, side=side)
        return self.legs[key]

    def held(self, symbol: str, side: PositionSide) -> Decimal:
        leg = self.legs.get(f"{symbol}|{side}")
        return leg.quantity if leg else ZERO

    def open_legs(self) -> Iterator[Leg]:
        return (leg for leg in self.legs.values() if leg.quantity)

    def leverage(self, symbol: str) -> int:
        return self.leverages.get(symbol, 20)

    def margin_mode_of(self, symbol: str) -> MarginMode:
        return self.margin_modes.get(symbol, self.margin_mode)

    def order(self, order_id: int) -> Order | None:
        return self.open_orders.get(order_id) or self.closed_orders.get(order_id)

    def order_by_client_id(self, client_id: str) -> Order | None:
        return self.order(self.client_ids.get(client_id, 0))
