"""OKX v5 as data: addresses, budgets, codes, calls. https://www.okx.com/docs-v5/en/"""

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

# Candles and conditional orders are told on a socket of their own.
_WS = {name: f"/ws/v5/{name}" for name in ("public", "private", "business")}


def _endpoints(ws: str, headers: dict[str, str]) -> Endpoints:
    return Endpoints(rest="https://www.okx.com", ws={name: (ws + path,) for name, path in _WS.items()}, headers=headers)


ERRORS = {
    # 51410: being canceled already. 59000-range "already so" has no code: the venue simply says yes.
    **codes(ErrorClass.OK_STATE, "51410"),
    **codes(ErrorClass.RESIGN, "50102 50112 60006"),
    **codes(
        ErrorClass.AUTH,
        "50100 50101 50103 50104 50105 50106 50107 50110 50111 50113 50114 50119 50120 50007 50009 50027 50030 50035"
        " 60005 60007 60009 60011 60024",
    ),
    **codes(ErrorClass.LIMIT, "50011 50040 50061 60014"),
    # Busy, overloaded, timed out: nothing is said of what was done. A duplicate id says an earlier try arrived.
    **codes(ErrorClass.RECONCILE, "50001 50004 50005 50013 50026 51054 51149 51412 51016 51065"),
    **codes(ErrorClass.RETRY, "51030"),
    **codes(ErrorClass.GONE, "51400 51401 51402 51503 51509 51603"),
    **codes(
        ErrorClass.REJECT,
        # Balance; size; price band; nothing to reduce; state of the instrument; too many orders; parameters; settings.
        "51008 51119 51127 51131 51502 51020 51100 51120 51121 70307 51006 51031 51116 51122 51136 51137 51138"
        " 51169 51023 51112 51205 51021 51022 51027 51028 51029 51174 51025 51102 51000 50014 51001 51010 51277 51278"
        " 51279 51280 59000 59001 59102 59107",
    ),
}

SPEC = ExchangeSpec(
    name="okx",
    label="OKX",
    credential_fields=("api_key", "api_secret", "passphrase"),
    environments={
        Environment.TESTNET: _endpoints("wss://wspap.okx.com:8443", {"x-simulated-trading": "1"}),
        Environment.LIVE: _endpoints("wss://ws.okx.com:8443", {}),
    },
    paper_ws_paths=_WS,
    market=Market.LINEAR,
    # A hedge leg's closing orders only reduce by nature; the flag is ignored beside them.
    capabilities=frozenset(Capability) - {Capability.MARGIN_MODE_PER_SYMBOL, Capability.REDUCE_ONLY_IN_HEDGE},
    venue_suffix="-USDT-SWAP",
    channels=frozenset(Channel),
    batch_max=20,
    # From six hours up the plain names mean bars of Hong Kong's days.
    timeframes={
        60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1H", 7200: "2H", 14400: "4H",
        21600: "6Hutc", 43200: "12Hutc", 86400: "1Dutc",
    },
    candles_max=300,
    # Most are per instrument there; one budget for all of them stays below every one of theirs.
    rate_rules=(
        RateRule(name="public", scope=Scope.IP, limit=20, interval_s=2.0),
        RateRule(name="time", scope=Scope.IP, limit=10, interval_s=2.0),
        RateRule(name="candles", scope=Scope.IP, limit=20, interval_s=2.0),
        RateRule(name="orders-total", scope=Scope.ACCOUNT, limit=1000, interval_s=2.0),
        RateRule(name="place", scope=Scope.ACCOUNT, limit=60, interval_s=2.0),
        RateRule(name="place-batch", scope=Scope.ACCOUNT, limit=300, interval_s=2.0),
        RateRule(name="place-algo", scope=Scope.ACCOUNT, limit=20, interval_s=2.0),
        RateRule(name="amend", scope=Scope.ACCOUNT, limit=60, interval_s=2.0),
        RateRule(name="amend-algo", scope=Scope.ACCOUNT, limit=20, interval_s=2.0),
        RateRule(name="cancel", scope=Scope.ACCOUNT, limit=60, interval_s=2.0),
        RateRule(name="cancel-batch", scope=Scope.ACCOUNT, limit=300, interval_s=2.0),
        RateRule(name="cancel-algo", scope=Scope.ACCOUNT, limit=20, interval_s=2.0),
        RateRule(name="order", scope=Scope.ACCOUNT, limit=60, interval_s=2.0),
        RateRule(name="lists", scope=Scope.ACCOUNT, limit=60, interval_s=2.0),
        RateRule(name="algo-lists", scope=Scope.ACCOUNT, limit=20, interval_s=2.0),
        RateRule(name="history", scope=Scope.ACCOUNT, limit=10, interval_s=2.0),
        RateRule(name="account", scope=Scope.ACCOUNT, limit=10, interval_s=2.0),
        RateRule(name="bills", scope=Scope.ACCOUNT, limit=5, interval_s=1.0),
        RateRule(name="leverage", scope=Scope.ACCOUNT, limit=40, interval_s=2.0),
        RateRule(name="config", scope=Scope.ACCOUNT, limit=5, interval_s=2.0),
    ),
    errors=ERRORS,
    # What stands before the venue turns an address away with a bare 403.
    http_errors={403: ErrorClass.BAN},
    visibility_delay_s=2.0,
    heartbeat_s=20.0,
    ban_s=120.0,
    max_client_id=32,
    max_leverage=100,
    docs_url="https://www.okx.com/docs-v5/en/",
    keys_url="https://www.okx.com/account/my-api",
    keys_help=(
        "Tick Read and Trade, and leave Withdraw unticked. The passphrase is the one you choose there for the key. Name the"
        " addresses it may be used from: without any, a key that isn't used for two weeks ends. Demo trading wants a key"
        " made under Demo trading."
    ),
)  # fmt: skip


# Hosts, budgets and codes are the same: an account's orders are counted together, to be on the safe side.
SPOT_SPEC = msgspec.structs.replace(
    SPEC,
    market=Market.SPOT,
    capabilities=SPEC.capabilities - {
        Capability.LEVERAGE, Capability.MARGIN_MODE, Capability.HEDGE, Capability.POSITION_MODE_SET,
        Capability.FUNDING_HISTORY, Capability.FUNDING_PAYMENTS,
    },
    suffix="/USDT",
    venue_suffix="-USDT",
    max_leverage=1,
)  # fmt: skip
# What the lists of each market are asked by.
SWAPS, COINS = {"instType": "SWAP"}, {"instType": "SPOT"}


def _public(path: str, rule: str = "public") -> Call:
    return Call(method="GET", path=f"/api/v5/{path}", is_signed=False, costs=((rule, 1),))


def _read(path: str, rule: str) -> Call:
    return Call(method="GET", path=f"/api/v5/{path}", costs=((rule, 1),))


def _write(path: str, intent: Intent, *costs: tuple[str, int]) -> Call:
    return Call(method="POST", path=f"/api/v5/{path}", intent=intent, costs=costs)


TIME = _public("public/time", "time")
INSTRUMENTS = _public("public/instruments")
TICKER = _public("market/ticker")
TICKERS = _public("market/tickers")
MARKS = _public("public/mark-price")
FUNDINGS = _public("public/funding-rate")
FUNDING_HISTORY = _public("public/funding-rate-history")
CANDLES = _public("market/candles", "candles")
CANDLES_OLD = _public("market/history-candles", "candles")
BALANCES = _read("account/balance", "account")
POSITIONS = _read("account/positions", "account")
CONFIG = _read("account/config", "config")
BILLS = _read("account/bills", "bills")
BILLS_OLD = _read("account/bills-archive", "bills")
LEVERAGE = _write("account/set-leverage", Intent.SETTING, ("leverage", 1))
POSITION_MODE = _write("account/set-position-mode", Intent.SETTING, ("config", 1))
PLACE = _write("trade/order", Intent.PLACE, ("orders-total", 1), ("place", 1))
PLACE_MANY = _write("trade/batch-orders", Intent.PLACE, ("orders-total", 20), ("place-batch", 20))
PLACE_ALGO = _write("trade/order-algo", Intent.PLACE, ("place-algo", 1))
AMEND = _write("trade/amend-order", Intent.SETTING, ("orders-total", 1), ("amend", 1))
AMEND_ALGO = _write("trade/amend-algos", Intent.SETTING, ("amend-algo", 1))
CANCEL = _write("trade/cancel-order", Intent.CANCEL, ("cancel", 1))
CANCEL_MANY = _write("trade/cancel-batch-orders", Intent.CANCEL, ("cancel-batch", 20))
CANCEL_ALGOS = _write("trade/cancel-algos", Intent.CANCEL, ("cancel-algo", 1))
ORDER = _read("trade/order", "order")
ALGO_ORDER = _read("trade/order-algo", "algo-lists")
OPEN_ORDERS = _read("trade/orders-pending", "lists")
OPEN_ALGO_ORDERS = _read("trade/orders-algo-pending", "algo-lists")
FILLS = _read("trade/fills", "lists")
FILLS_OLD = _read("trade/fills-history", "history")
