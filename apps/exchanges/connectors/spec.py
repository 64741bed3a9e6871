"""What a venue is, as data: addresses, abilities, budgets, error codes. Shared code reads this and never asks a name."""

from enum import StrEnum

import msgspec

from cts.domain.types import Environment, Market


class Capability(StrEnum):
    """Something a venue's API can do; what isn't listed, it can't."""

    HEDGE = "hedge"
    POSITION_MODE_SET = "position_mode_set"
    MARGIN_MODE_PER_SYMBOL = "margin_mode_per_symbol"
    CONDITIONAL = "conditional"
    CONDITIONAL_SEPARATE = "conditional_separate"  # conditional orders live behind endpoints and ids of their own
    REDUCE_ONLY_IN_HEDGE = "reduce_only_in_hedge"
    POST_ONLY = "post_only"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"
    QUERY_BY_CLIENT_ID = "query_by_client_id"
    CANCEL_BY_CLIENT_ID = "cancel_by_client_id"
    REFUSES_DUPLICATE_CLIENT_ID = "refuses_duplicate_client_id"
    PRIVATE_STREAM = "private_stream"


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


class Scope(StrEnum):
    """Who shares a budget: everybody behind one address, or one account."""

    IP = "ip"
    ACCOUNT = "account"


class RateRule(msgspec.Struct, frozen=True, kw_only=True):
    """`limit` tokens per `interval_s`. The `reserve_ratio` of it is for urgent calls: exits, cancels, queries of them."""

    name: str
    scope: Scope
    limit: int
    interval_s: float
    reserve_ratio: float = 0.2


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
    costs: tuple[tuple[str, int], ...] = ()


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of one environment. `ws` is by channel; several addresses are tried in turn."""

    rest: str
    ws: dict[str, tuple[str, ...]]


class ExchangeSpec(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    label: str
    credential_fields: tuple[str, ...] = ("api_key", "api_secret")
    environments: dict[Environment, Endpoints]
    # Path of each websocket channel behind the paper venue, whose host is only known at run time.
    paper_ws_paths: dict[str, str]
    markets: tuple[Market, ...]
    capabilities: frozenset[Capability]
    symbol_suffixes: dict[Market, tuple[str, str]]  # venue suffix, canonical suffix
    timeframes: dict[int, str]
    candles_max: int
    rate_rules: tuple[RateRule, ...]
    errors: dict[str, ErrorClass]
    http_errors: dict[int, ErrorClass]
    # How long the venue may take to show an order it accepted.
    visibility_delay_s: float
    heartbeat_s: float
    ban_s: float = 120.0
    max_client_id: int = 32
    max_leverage: int = 125
    docs_url: str = ""
    keys_url: str = ""

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    @property
    def market_environments(self) -> tuple[Environment, ...]:
        """Environments a connection can choose: the venue's own, and paper, which every venue has."""
        return (Environment.PAPER, *self.environments)
