"""What every connector can do, whichever the venue. Shared code asks the spec and the capabilities, never the name.

Every verb raises only the errors of `cts.domain.errors`: `AuthFailed`, `Rejected` (`OrderNotFound`, `Unsupported`), `RateLimited`,
`Unavailable`, and, for writes that place or amend, `AmbiguousResult`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from cts.domain.errors import ExchangeError
from cts.domain.types import (
    Balance,
    Candle,
    Environment,
    Instrument,
    MarginMode,
    Market,
    OrderAck,
    OrderRequest,
    PositionMode,
    Tick,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from cts.domain.venue import (
    AmendRequest,
    BookTop,
    CancelRequest,
    Channel,
    FundingPayment,
    FundingRate,
    KeyRights,
    Trade,
)

if TYPE_CHECKING:
    from apps.exchanges.connectors.spec import ExchangeSpec
    from apps.exchanges.connectors.stream import Stream


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The secret half of a connection. Never logged: its repr shows the last four characters of the key."""

    api_key: str
    api_secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"Credentials(…{self.api_key[-4:]})"

    __str__ = __repr__


class StreamEvents(msgspec.Struct, kw_only=True):
    """Callbacks of a stream; called on the stream's own thread, so they must be quick and must not raise.

    `on_candle` is told symbol, timeframe in seconds, and the bar, running or closed. Of `on_balance` the total is exact;
    what is available and the equity are what the venue tells with it, and where it tells neither, the total: read
    `balances()` for those.
    """

    on_ticks: Callable[[list[Tick]], None] | None = None
    on_tickers: Callable[[list[Ticker]], None] | None = None
    on_order: Callable[[VenueOrder], None] | None = None
    on_fill: Callable[[VenueFill], None] | None = None
    on_position: Callable[[VenuePosition | None, str], None] | None = None
    on_balance: Callable[[Balance], None] | None = None
    on_trades: Callable[[list[Trade]], None] | None = None
    on_book_top: Callable[[BookTop], None] | None = None
    on_candle: Callable[[str, int, Candle], None] | None = None
    on_connected: Callable[[], None] | None = None
    on_disconnected: Callable[[str], None] | None = None


class Connector(ABC):
    """One account on one venue and market. Thread-safe: reads and writes may come from several threads.

    A spot market has assets and orders only: `positions()` is empty there, and leverage, margin and position mode, orders
    that only reduce, fundings and trailing stops it doesn't know are `Unsupported` before anything is sent.
    """

    spec: ClassVar["ExchangeSpec"]
    # Whether its executions tell neither our id nor the leg, so that it has to `learn` whose an order is.
    has_nameless_fills: ClassVar[bool] = False

    @abstractmethod
    def server_time_ms(self) -> int:
        """The venue's clock, asked for now."""

    @abstractmethod
    def now_ms(self) -> int:
        """The venue's clock as we keep it; asked for only where it never was. Steps of our own don't reach it."""

    @abstractmethod
    def instruments(self) -> list[Instrument]:
        """All tradable symbols of the market; pages fetched to the end."""

    @abstractmethod
    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]: ...

    @abstractmethod
    def candles(self, symbol: str, *, timeframe_s: int, since_ms: int | None = None, limit: int = 500) -> list[Candle]:
        """Ascending; the newest may be unfinished (`is_closed` False). At most `limit`."""

    @abstractmethod
    def balances(self) -> list[Balance]: ...

    @abstractmethod
    def positions(self) -> list[VenuePosition]:
        """Every leg that isn't flat."""

    @abstractmethod
    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        """Both sides. Already so is success."""

    @abstractmethod
    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None: ...

    @abstractmethod
    def position_mode(self) -> PositionMode: ...

    @abstractmethod
    def set_position_mode(self, mode: PositionMode) -> None: ...

    @abstractmethod
    def place(self, request: OrderRequest) -> OrderAck:
        """Send once. `AmbiguousResult` when it can't be known whether the venue took it; never sent twice by us."""

    def learn(self, request: OrderRequest, *, venue_order_id: str) -> None:  # noqa: B027 - most venues name our id everywhere
        """Whose order that is, where it `has_nameless_fills`."""

    def recall(self, request: OrderRequest, *, sent_ms: int) -> None:  # noqa: B027 - most venues know orders by our id
        """Tell it of an order that may have been sent by another process and whose answer nobody has.

        A venue that keeps no client id for it is then searched for an order of these terms.
        """

    @abstractmethod
    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        """Ask for it; the outcome comes by stream or query. `OrderNotFound` where the venue knows none such."""

    @abstractmethod
    def cancel_all(self, symbol: str) -> None:
        """Every open order of the symbol, conditional ones too."""

    @abstractmethod
    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        """The order as the venue tells it, open or final. `OrderNotFound` where it knows none such."""

    @abstractmethod
    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Conditional ones included."""

    @abstractmethod
    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        """Ascending by time; pages fetched to the end."""

    @abstractmethod
    def amend(self, request: AmendRequest) -> None:
        """Change an open order in place. Repeating is harmless; `OrderNotFound` where it is gone or final."""

    @abstractmethod
    def place_many(self, requests: Sequence[OrderRequest]) -> list[OrderAck | ExchangeError]:
        """An outcome for each, in their order; in batches where the venue takes them. A batch whose answer is lost is
        `AmbiguousResult` for each of its orders."""

    @abstractmethod
    def cancel_many(self, requests: Sequence[CancelRequest]) -> list[ExchangeError | None]:
        """An outcome for each, in their order; None is success."""

    @abstractmethod
    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        """What was paid at past fundings, ascending; the newest `limit`."""

    @abstractmethod
    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        """What funding moved on this account, ascending; pages fetched to the end."""

    @abstractmethod
    def key_rights(self) -> KeyRights:
        """What the venue tells of this key."""

    @abstractmethod
    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> "Stream":
        """Not yet started. Symbols can be added while it runs; `timeframe_s` is that of `Channel.CANDLES`.

        Raises:
            Unsupported: a channel the venue's stream has not.
        """

    @abstractmethod
    def private_stream(self, events: StreamEvents) -> "Stream":
        """Orders, fills, positions and balances of the account. Not yet started."""

    @abstractmethod
    def close(self) -> None:
        """Give the pooled sockets back."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connector connects. `base_url` and `ws_url` come from the spec's environment, or name the paper venue."""

    environment: Environment
    market: Market
    position_mode: PositionMode = PositionMode.ONE_WAY
    # For venues that are told with every order; the others are set to it beforehand.
    margin_mode: MarginMode = MarginMode.CROSS
    paper_url: str = ""
    timeout_s: float = 10.0
