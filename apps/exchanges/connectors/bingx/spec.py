"""BingX swap v2/v3 as data: addresses, budgets, codes, calls. https://bingx-api.github.io/docs-v3/"""

from collections.abc import Iterator

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

# Public topics and the account share one path; a listen key makes it the account's.
_WS = {"public": "/swap-market", "private": "/swap-market"}


def _endpoints(rest: str, ws: str) -> Endpoints:
    return Endpoints(rest=rest, ws={name: (ws + path,) for name, path in _WS.items()})


ERRORS = {
    **codes(ErrorClass.RESIGN, "100421"),
    **codes(ErrorClass.AUTH, "100001 100004 100412 100413 100414 100419 401 403"),
    **codes(ErrorClass.LIMIT, "100410 109429 429"),
    # Risk control wants a longer pause than a spent budget.
    **codes(ErrorClass.BAN, "418 109403"),
    # "Busy" and "settling" say nothing of what was done; a used client id says an earlier try arrived.
    **codes(ErrorClass.RECONCILE, "100500 109500 110500 101214 101219 504 101481 109201"),
    **codes(ErrorClass.GONE, "109421 80016 100404 80018 109422"),
    # Balance, then size, reduce-only, mode, post-only, price band, number of orders, state of the contract.
    **codes(ErrorClass.REJECT, "101204 101206 101212 101253 100202 110424 80012"),
    **codes(ErrorClass.REJECT, "101202 101400 110422 110425 101485 109400 80014"),
    **codes(ErrorClass.REJECT, "101290 101205 109420 80017 104103 101215 101211 100440 110402"),
    **codes(ErrorClass.REJECT, "101419 80013 101415 101413 109425"),
}
_STALE = (("timestamp", ErrorClass.RESIGN),)
WORDED = {
    # The clock, or a pair closed to the API.
    "100421": (*_STALE, ("restricted", ErrorClass.REJECT), ("limit", ErrorClass.REJECT)),
    "109400": _STALE,
    "80014": _STALE,
    # A size too small, or an id that was used.
    "101400": (("clientorderid", ErrorClass.RECONCILE), ("duplicate", ErrorClass.RECONCILE)),
}

# Requests a second: of one address, of one account. The venue counts each kind of call on its own.
BUDGETS = {
    "balance": (3, 5), "positions": (3, 10), "leverage": (2, 5), "mode": (2, 2), "place": (3, 10), "cancel": (3, 10),
    "cancel-all": (2, 5), "batch": (3, 5), "amend": (2, 5), "order": (2, 30), "lists": (3, 5), "fills": (2, 5),
    "account": (2, 2),
}  # fmt: skip
# Exits and cancels wait for nothing else; other calls need no reserve for them.
URGENT = {"place", "cancel", "cancel-all", "batch"}
PUBLIC = ("time", "contracts", "ticker", "premium", "klines", "funding-rate")


def _rules() -> Iterator[RateRule]:
    # One a second, of which a few may come together: a clock's samples, a page and the next.
    for name in PUBLIC:
        yield RateRule(name=name, scope=Scope.IP, limit=5, interval_s=5.0, reserve_ratio=0)
    for name, (of_address, of_account) in BUDGETS.items():
        reserve = 0.2 if name in URGENT else 0.0
        yield RateRule(name=f"{name}-ip", scope=Scope.IP, limit=of_address, interval_s=1.0, reserve_ratio=reserve)
        yield RateRule(name=name, scope=Scope.ACCOUNT, limit=of_account, interval_s=1.0, reserve_ratio=reserve)


SPEC = ExchangeSpec(
    name="bingx",
    label="BingX",
    environments={
        # Their simulated trading: contracts settle in VST there, which stands for USDT.
        Environment.TESTNET: _endpoints("https://open-api-vst.bingx.com", "wss://vst-open-api-ws.bingx.com"),
        Environment.LIVE: _endpoints("https://open-api.bingx.com", "wss://open-api-swap.bingx.com"),
    },
    paper_ws_paths=_WS,
    market=Market.LINEAR,
    # Prices of resting orders can't be changed, nor triggers; reduce-only is refused beside a named leg.
    capabilities=frozenset(Capability)
    - {
        Capability.CONDITIONAL_SEPARATE, Capability.REDUCE_ONLY_IN_HEDGE, Capability.AMEND_PRICE,
        Capability.AMEND_TRIGGER,
    },
    venue_suffix="-USDT",
    channels=frozenset(Channel),
    batch_max=5,
    timeframes={
        60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1h", 7200: "2h", 14400: "4h",
        21600: "6h", 28800: "8h", 43200: "12h", 86400: "1d",
    },
    candles_max=1440,
    rate_rules=tuple(_rules()),
    errors=ERRORS,
    worded_errors=WORDED,
    http_errors={418: ErrorClass.BAN, 504: ErrorClass.RECONCILE},
    visibility_delay_s=2.0,
    heartbeat_s=10.0,
    ban_s=300.0,
    max_client_id=40,
    max_leverage=125,
    docs_url="https://bingx-api.github.io/docs-v3/",
    keys_url="https://bingx.com/en/accounts/api",
    keys_help=(
        "Tick Read and Perpetual Futures Trading. Leave withdrawals and transfers unticked. Name the addresses the key may be"
        " used from. The same key trades their simulated market."
    ),
)  # fmt: skip


def _public(path: str, rule: str) -> Call:
    return Call(method="GET", path=f"/openApi/swap/{path}", is_signed=False, costs=((rule, 1),))


def _signed(method: str, path: str, rule: str, intent: Intent = Intent.READ) -> Call:
    return Call(method=method, path=f"/openApi/{path}", intent=intent, costs=((f"{rule}-ip", 1), (rule, 1)))


TIME = _public("v2/server/time", "time")
INSTRUMENTS = _public("v2/quote/contracts", "contracts")
TICKERS = _public("v2/quote/ticker", "ticker")
PREMIUMS = _public("v2/quote/premiumIndex", "premium")
CANDLES = _public("v3/quote/klines", "klines")
FUNDING_RATES = _public("v2/quote/fundingRate", "funding-rate")
BALANCES = _signed("GET", "swap/v3/user/balance", "balance")
POSITIONS = _signed("GET", "swap/v2/user/positions", "positions")
INCOME = _signed("GET", "swap/v2/user/income", "fills")
POSITION_MODE = _signed("GET", "swap/v1/positionSide/dual", "mode")
POSITION_MODE_SET = _signed("POST", "swap/v1/positionSide/dual", "mode", Intent.SETTING)
LEVERAGE = _signed("POST", "swap/v2/trade/leverage", "leverage", Intent.SETTING)
MARGIN_MODE = _signed("POST", "swap/v2/trade/marginType", "mode", Intent.SETTING)
PLACE = _signed("POST", "swap/v2/trade/order", "place", Intent.PLACE)
PLACE_MANY = _signed("POST", "swap/v2/trade/batchOrders", "batch", Intent.PLACE)
AMEND = _signed("POST", "swap/v1/trade/amend", "amend", Intent.SETTING)
CANCEL = _signed("DELETE", "swap/v2/trade/order", "cancel", Intent.CANCEL)
CANCEL_MANY = _signed("DELETE", "swap/v2/trade/batchOrders", "batch", Intent.CANCEL)
CANCEL_ALL = _signed("DELETE", "swap/v2/trade/allOpenOrders", "cancel-all", Intent.CANCEL)
ORDER = _signed("GET", "swap/v2/trade/order", "order")
OPEN_ORDERS = _signed("GET", "swap/v2/trade/openOrders", "lists")
HISTORY = _signed("GET", "swap/v2/trade/allOrders", "lists")
FILLS = _signed("GET", "swap/v2/trade/fillHistory", "fills")
KEY_RIGHTS = _signed("GET", "v1/account/apiPermissions", "account")
LISTEN = _signed("POST", "user/auth/userDataStream", "account", Intent.SETTING)
LISTEN_KEEP = _signed("PUT", "user/auth/userDataStream", "account", Intent.SETTING)
