"""Bybit v5 as data: addresses, budgets, codes, calls. https://bybit-exchange.github.io/docs/v5/intro"""

import msgspec

from apps.exchanges.connectors.spec import (
    Call,
    Capability,
    Endpoints,
    ErrorClass,
    ExchangeSpec,
    Intent,
    RateRule,
    Scope,
    codes,
)
from cts.domain.types import Environment, Market
from cts.domain.venue import Channel

_WS = {"public": "/v5/public/linear", "private": "/v5/private"}
_SPOT_WS = {"public": "/v5/public/spot", "private": "/v5/private"}


def _environments(paths: dict[str, str]) -> dict[Environment, Endpoints]:
    hosts = {
        Environment.TESTNET: ("https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com"),
        Environment.LIVE: ("https://api.bybit.com", "wss://stream.bybit.com"),
    }
    return {
        environment: Endpoints(rest=rest, ws={name: (ws + path,) for name, path in paths.items()})
        for environment, (rest, ws) in hosts.items()
    }


ERRORS = {
    **codes(ErrorClass.OK_STATE, "110025 110026 110027 110043 34040"),
    **codes(ErrorClass.RESIGN, "10002"),
    **codes(ErrorClass.AUTH, "10003 10004 10005 10007 10009 10010 10024 33004 -2015"),
    **codes(ErrorClass.LIMIT, "10006 429 10429"),
    **codes(ErrorClass.BAN, "10018 403"),
    # Internal errors and time-outs say nothing of what was done; a duplicate id says an earlier try arrived.
    **codes(ErrorClass.RECONCILE, "10000 10016 10014 170007 170032 170146 170147 110072 170141"),
    **codes(ErrorClass.RETRY, "110079"),
    **codes(ErrorClass.GONE, "110001 170213 110008 110010 170142 170139 170143"),
}

SPEC = ExchangeSpec(
    name="bybit",
    label="Bybit",
    environments=_environments(_WS),
    paper_ws_paths=_WS,
    market=Market.LINEAR,
    capabilities=frozenset(Capability)
    # A trailing stop hangs on the position here and is no order.
    - {Capability.MARGIN_MODE_PER_SYMBOL, Capability.CONDITIONAL_SEPARATE, Capability.TRAILING_STOP},
    venue_suffix="USDT",
    channels=frozenset(Channel),
    # It takes twenty, but each counts, and no more than ten a second go through.
    batch_max=10,
    timeframes={
        60: "1", 180: "3", 300: "5", 900: "15", 1800: "30", 3600: "60", 7200: "120", 14400: "240",
        21600: "360", 43200: "720", 86400: "D",
    },
    candles_max=1000,
    rate_rules=(
        RateRule(name="requests", scope=Scope.IP, limit=600, interval_s=5.0),
        RateRule(name="create", scope=Scope.ACCOUNT, limit=10, interval_s=1.0),
        RateRule(name="amend", scope=Scope.ACCOUNT, limit=10, interval_s=1.0),
        RateRule(name="cancel", scope=Scope.ACCOUNT, limit=10, interval_s=1.0),
        RateRule(name="cancel-all", scope=Scope.ACCOUNT, limit=10, interval_s=1.0),
        # Batches are counted apart from single orders, each of their orders as one.
        RateRule(name="create-batch", scope=Scope.ACCOUNT, limit=10, interval_s=1.0, reserve_ratio=0.0),
        RateRule(name="cancel-batch", scope=Scope.ACCOUNT, limit=10, interval_s=1.0, reserve_ratio=0.0),
        RateRule(name="lists", scope=Scope.ACCOUNT, limit=50, interval_s=1.0),
        RateRule(name="settings", scope=Scope.ACCOUNT, limit=10, interval_s=1.0),
        RateRule(name="account-settings", scope=Scope.ACCOUNT, limit=5, interval_s=1.0),
    ),
    errors=ERRORS,
    # Bybit answers 403 "access too frequent" from the address's budget: stay away for ten minutes.
    http_errors={403: ErrorClass.BAN},
    visibility_delay_s=2.0,
    heartbeat_s=20.0,
    ban_s=600.0,
    max_client_id=36,
    max_leverage=100,
    docs_url="https://bybit-exchange.github.io/docs/v5/intro",
    keys_url="https://www.bybit.com/app/user/api-management",
    keys_help=(
        "Make a system-generated key that may read and write. Tick Orders and Positions of contracts, and Trade of spot if"
        " you trade spot. Leave transfers and withdrawals unticked. Name the addresses the key may be used from: without"
        " any it ends after three months."
    ),
)  # fmt: skip

# Hosts, budgets and codes are the same: an account's orders are counted together, to be on the safe side.
SPOT_SPEC = msgspec.structs.replace(
    SPEC,
    environments=_environments(_SPOT_WS),
    paper_ws_paths=_SPOT_WS,
    market=Market.SPOT,
    capabilities=SPEC.capabilities - {
        Capability.LEVERAGE, Capability.MARGIN_MODE, Capability.HEDGE, Capability.POSITION_MODE_SET,
        Capability.REDUCE_ONLY_IN_HEDGE, Capability.FUNDING_HISTORY, Capability.FUNDING_PAYMENTS,
    },
    suffix="/USDT",
    max_leverage=1,
)  # fmt: skip


def _public(path: str) -> Call:
    return Call(method="GET", path=path, is_signed=False, costs=(("requests", 1),))


def _read(path: str) -> Call:
    return Call(method="GET", path=path, costs=(("requests", 1), ("lists", 1)))


def _write(path: str, intent: Intent, rule: str) -> Call:
    return Call(method="POST", path=path, intent=intent, costs=(("requests", 1), (rule, 1)))


TIME = _public("/v5/market/time")
INSTRUMENTS = _public("/v5/market/instruments-info")
TICKERS = _public("/v5/market/tickers")
CANDLES = _public("/v5/market/kline")
BALANCES = _read("/v5/account/wallet-balance")
POSITIONS = _read("/v5/position/list")
ORDERS = _read("/v5/order/realtime")
HISTORY = _read("/v5/order/history")
FILLS = _read("/v5/execution/list")
PLACE = _write("/v5/order/create", Intent.PLACE, "create")
CANCEL = _write("/v5/order/cancel", Intent.CANCEL, "cancel")
CANCEL_ALL = _write("/v5/order/cancel-all", Intent.CANCEL, "cancel-all")
LEVERAGE = _write("/v5/position/set-leverage", Intent.SETTING, "settings")
MARGIN_MODE = _write("/v5/account/set-margin-mode", Intent.SETTING, "account-settings")
AMEND = _write("/v5/order/amend", Intent.SETTING, "amend")
PLACE_BATCH = _write("/v5/order/create-batch", Intent.PLACE, "create-batch")
CANCEL_BATCH = _write("/v5/order/cancel-batch", Intent.CANCEL, "cancel-batch")
FUNDING_RATES = _public("/v5/market/funding/history")
KEY = _read("/v5/user/query-api")
POSITION_MODE = _write("/v5/position/switch-mode", Intent.SETTING, "settings")
