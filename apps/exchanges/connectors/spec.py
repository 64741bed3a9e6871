"""What a venue is, as data: addresses, abilities, budgets, error codes. Shared code reads this and never asks a name."""

from enum import StrEnum

import msgspec

from cts.domain.types import Environment, Market
from cts.domain.venue import Channel

# Before the names of exchanges that are spoken to through ccxt.
COMMUNITY_PREFIX = "ccxt-"


class Capability(StrEnum):
    """Something a venue's API can do; what isn't listed, it can't."""

    LEVERAGE = "leverage"
    MARGIN_MODE = "margin_mode"
    HEDGE = "hedge"
    POSITION_MODE_SET = "position_mode_set"
    MARGIN_MODE_PER_SYMBOL = "margin_mode_per_symbol"
    CONDITIONAL = "conditional"
    CONDITIONAL_SEPARATE = "conditional_separate"  # conditional orders live behind endpoints and ids of their own
    TRAILING_STOP = "trailing_stop"
    REDUCE_ONLY_IN_HEDGE = "reduce_only_in_hedge"
    POST_ONLY = "post_only"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"
    QUERY_BY_CLIENT_ID = "query_by_client_id"
    CANCEL_BY_CLIENT_ID = "cancel_by_client_id"
    REFUSES_DUPLICATE_CLIENT_ID = "refuses_duplicate_client_id"
    AMEND_PRICE = "amend_price"
    AMEND_QUANTITY = "amend_quantity"
    AMEND_TRIGGER = "amend_trigger"
    BATCH_PLACE = "batch_place"
    BATCH_CANCEL = "batch_cancel"
    FUNDING_HISTORY = "funding_history"
    FUNDING_PAYMENTS = "funding_payments"
    KEY_RIGHTS = "key_rights"
    PRIVATE_STREAM = "private_stream"
    BALANCE_STREAM = "balance_stream"


class ErrorClass(StrEnum):
    """What a venue's code means for us; `errors` turns it into one of the five errors."""

    OK_STATE = "ok_state"  # already as asked: success
    RETRY = "retry"  # refused before it did anything
    RESIGN = "resign"  # clock or token: sync, sign again, once
    RECONCILE = "reconcile"  # outcome unknown
    REJECT = "reject"
    GONE = "gone"  # no such order, or already final
    LIMIT = "limit"
    BAN = "ban"
    AUTH = "auth"


def codes(error_class: ErrorClass, listed: str) -> dict[str, ErrorClass]:
    """Rows of a venue's error table: its codes, apart by spaces, of one class."""
    return dict.fromkeys(listed.split(), error_class)


class Scope(StrEnum):
    """Who shares a budget: everybody behind one address, or one account."""

    IP = "ip"
    ACCOUNT = "account"


class RateRule(msgspec.Struct, frozen=True, kw_only=True):
    """`limit` tokens in any span of `interval_s`, wherever it begins. The `reserve_ratio` of it is for urgent calls: exits, cancels, queries of them."""

    name: str
    scope: Scope
    limit: int
    interval_s: float
    reserve_ratio: float = 0.2

    def room(self, *, is_urgent: bool) -> float:
        """How many of the tokens such a call may draw on."""
        return self.limit if is_urgent else self.limit * (1 - self.reserve_ratio)


class Intent(StrEnum):
    """What may be done after a failure follows from what the call was for."""

    READ = "read"
    CANCEL = "cancel"
    SETTING = "setting"
    PLACE = "place"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint: where, what for, and what it costs of which rule."""

    method: str
    path: str
    intent: Intent = Intent.READ
    is_signed: bool = True
    host: str = ""  # of `Endpoints.hosts`, for the few calls that live elsewhere
    costs: tuple[tuple[str, int], ...] = ()


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of one environment. `ws` is by channel; several addresses are tried in turn.

    `headers` go with every request: some venues tell a demo account so.
    """

    rest: str
    ws: dict[str, tuple[str, ...]]
    headers: dict[str, str] = {}
    hosts: dict[str, str] = {}


class ExchangeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One market of one venue; the markets of a venue share its name and its accounts' keys."""

    name: str
    label: str
    credential_fields: tuple[str, ...] = ("api_key", "api_secret")
    credential_labels: dict[str, str] = {}  # where the venue calls a field otherwise than others do
    is_community: bool = False  # spoken to through somebody else's client, and not certified here
    has_paper: bool = True  # whether the paper venue speaks as it does
    environments: dict[Environment, Endpoints]
    # Path of each websocket channel behind the paper venue, whose host is only known at run time.
    paper_ws_paths: dict[str, str]
    market: Market
    capabilities: frozenset[Capability]
    venue_suffix: str  # of a symbol in the venue's spelling, after the base asset
    suffix: str = "/USDT:USDT"  # and in ours
    channels: frozenset[Channel] = frozenset({Channel.TICKERS})
    batch_max: int = 1
    timeframes: dict[int, str]
    candles_max: int
    rate_rules: tuple[RateRule, ...]
    errors: dict[str, ErrorClass]
    # Codes that mean several things: words of the message, in lower case, that tell, looked for in this order.
    worded_errors: dict[str, tuple[tuple[str, ErrorClass], ...]] = {}
    http_errors: dict[int, ErrorClass]
    # How long the venue may take to show an order it accepted.
    visibility_delay_s: float
    heartbeat_s: float
    ban_s: float = 120.0
    max_client_id: int = 32
    max_leverage: int = 125
    docs_url: str = ""
    keys_url: str = ""
    # What to tick when making a key, in the words of the venue's own page.
    keys_help: str = ""

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    @property
    def market_environments(self) -> tuple[Environment, ...]:
        """Environments a connection can choose: the venue's own, and paper before them."""
        return (*([Environment.PAPER] if self.has_paper else []), *self.environments)
