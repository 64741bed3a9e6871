"""Value types every layer shares: enums, market data, orders as a venue tells them. No behavior beyond derived reads."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class Environment(StrEnum):
    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"


class Market(StrEnum):
    LINEAR = "linear"
    SPOT = "spot"


class MarginMode(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class PositionMode(StrEnum):
    HEDGE = "hedge"
    ONE_WAY = "one_way"


class Side(StrEnum):
    """Direction of an order or a fill."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class PositionSide(StrEnum):
    """Direction of a position or of a line."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        return 1 if self is PositionSide.LONG else -1

    @property
    def entry_side(self) -> Side:
        return Side.BUY if self is PositionSide.LONG else Side.SELL

    @property
    def exit_side(self) -> Side:
        return self.entry_side.opposite


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    TAKE_PROFIT_MARKET = "take_profit_market"
    TRAILING_STOP = "trailing_stop"

    @property
    def is_conditional(self) -> bool:
        return self in CONDITIONAL


CONDITIONAL = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.TRAILING_STOP})


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class OrderStatus(StrEnum):
    NEW = "new"
    DENIED = "denied"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATUSES


FINAL_STATUSES = frozenset(
    {OrderStatus.DENIED, OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED}
)


class OrderPurpose(StrEnum):
    """Why an order exists."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"
    MANUAL = "manual"
    EMERGENCY = "emergency"
    EXTERNAL = "external"


class Origin(StrEnum):
    MAIN = "main"
    PRESET = "preset"
    MANUAL = "manual"
    EXTERNAL = "external"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """Trading rules of one symbol. Prices in quote, quantities in base units (never contracts)."""

    symbol: str
    venue_symbol: str
    market: Market
    base: str
    quote: str
    settle: str
    tick_size: Decimal
    lot_step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal | None = None
    max_market_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    contract_size: Decimal = Decimal(1)
    max_leverage: int = 1
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    is_trading: bool = True

    def largest_quantity(self, *, is_market: bool) -> Decimal | None:
        """The most one order may be; what fills at market, at once or when triggered, may be less."""
        bounds = (self.max_quantity, self.max_market_quantity if is_market else None)
        return min((bound for bound in bounds if bound is not None), default=None)


class Tick(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest price of a symbol. `at_ms` is the venue's clock, `received_ns` ours (monotonic, for latency only)."""

    symbol: str
    price: float
    bid: float
    ask: float
    at_ms: int
    received_ns: int = 0


class Ticker(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    symbol: str
    last: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    mark: Decimal | None = None
    index: Decimal | None = None
    funding_rate: Decimal | None = None
    next_funding_ms: int | None = None
    volume_24h: Decimal | None = None
    turnover_24h: Decimal | None = None
    change_24h_ratio: Decimal | None = None
    at_ms: int = 0


class Candle(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One bar; `open_ms` is the start of its interval, ascending in every list we return."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    is_closed: bool = True


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    asset: str
    total: Decimal
    available: Decimal
    equity: Decimal
    unrealized_pnl: Decimal = Decimal(0)


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A leg as the venue holds it. `quantity` is unsigned and positive; flat legs are not reported."""

    symbol: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None
    at_ms: int = 0


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What we ask a venue to do. Quantities in base units, already on the lot step; prices on the tick.

    `position_side` names the leg the order acts on; venues in one-way mode ignore it. `trail_ratio` is a trailing stop's
    distance from the best price, whose `trigger_price`, where given, is the price at which it begins to follow.
    After `send_by`, seconds of the clock nobody sets, it must not leave any more: others then take it for never sent.
    """

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail_ratio: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    is_reduce_only: bool = False
    position_side: PositionSide = PositionSide.LONG
    send_by: float | None = None


class OrderAck(msgspec.Struct, frozen=True, kw_only=True):
    """The venue took the order: accepted, not yet resting or filled."""

    client_order_id: str
    venue_order_id: str


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as the venue tells it. `status` is one of accepted, partially_filled, filled, canceled, expired, rejected."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    is_reduce_only: bool = False
    position_side: PositionSide | None = None
    reject_reason: str = ""
    created_ms: int = 0
    updated_ms: int = 0


class VenueFill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution. `fee` is positive when paid, negative for a rebate."""

    venue_trade_id: str
    venue_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    executed_ms: int
    position_side: PositionSide | None = None


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True):
    """The wish to trade, before size and risk. `key` makes the client order id: the same intent is the same order for ever."""

    key: str
    connection_id: int
    symbol: str
    position_side: PositionSide
    purpose: OrderPurpose
    origin: Origin
    price: float
    at: datetime
    target_ratio: float | None = None
    stop_ratio: float | None = None
    trail_arm_ratio: float | None = None
    trail_give_back_ratio: float | None = None
    timeout_s: float | None = None
    stop_waiver: str | None = None  # why its owner wants no stop, in the owner's words
    adjust_ratio: float = 1.0
    line_id: int | None = None
    explanation: dict[str, object] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration on one symbol and side, as kernels and engines see it. Ratios throughout."""

    id: int
    symbol: str
    side: PositionSide
    indication: str
    parameters: dict[str, float]
    take_profit_steps: int
    stop_loss_ratio: float
    position_cost_ratio: float
    trail_arm_ratio: float | None = None
    trail_give_back_ratio: float | None = None

    @property
    def target_ratio(self) -> float:
        """Distance of the target from the entry price: T x PC."""
        return self.take_profit_steps * self.position_cost_ratio

    @property
    def stop_ratio(self) -> float:
        """Distance of the stop from the entry price: S x T x PC."""
        return self.stop_loss_ratio * self.target_ratio


class LineStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Results of a line's newest simulated positions, net of costs. None where there is nothing to divide by yet."""

    count: int = 0
    wins: int = 0
    win_rate: float | None = None
    profit_factor: float | None = None
    profit_factor_25: float | None = None
    profit_factor_50: float | None = None
    mean_gain: float | None = None
    expectancy: float | None = None
    payoff: float | None = None
    drawdown: float = 0.0
    drawdown_time_h: float = 0.0
    losing_run: int = 0
    positions_per_24h: float = 0.0
    recent_24h_of_last_20: int = 0
    has_loss: bool = False


class LineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened on a line: `opened`, `closed` or `statistics` (after a batch, for lines whose level may change)."""

    kind: str
    study_id: int
    line_id: int
    symbol: str
    side: PositionSide
    price: float
    at_ms: int
    received_ns: int = 0
    gain_ratio: float | None = None
    reason: str = ""
    base_state: str = ""
    signal: dict[str, float] = {}
    statistics: LineStatistics | None = None
