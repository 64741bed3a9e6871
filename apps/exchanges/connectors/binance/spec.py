"""Binance USD-M as data: addresses, budgets, codes, calls. https://developers.binance.com/docs/derivatives"""

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

# Market data, quotes and the account each have a path of their own; the old common one is the fallback.
_WS = {"public": "/public/ws", "market": "/market/ws", "private": "/private/ws"}


def _endpoints(rest: str, ws: str, **hosts: str) -> Endpoints:
    return Endpoints(rest=rest, hosts=hosts, ws={name: (ws + path, f"{ws}/ws") for name, path in _WS.items()})


ERRORS = {
    **codes(ErrorClass.OK_STATE, "-4046 -4059 -5027"),
    **codes(ErrorClass.RESIGN, "-1021 -5028 -4188"),
    **codes(ErrorClass.AUTH, "-1022 -2014 -2015 -1002 -4192"),
    **codes(ErrorClass.LIMIT, "-1003 -1015"),
    # The venue doesn't know what became of it; a duplicate id says an earlier try arrived.
    **codes(ErrorClass.RECONCILE, "-1000 -1001 -1006 -1007 -4116"),
    **codes(ErrorClass.RETRY, "-1008"),
    **codes(ErrorClass.GONE, "-2011 -2013 -2026"),
}

SPEC = ExchangeSpec(
    name="binance",
    label="Binance",
    environments={
        Environment.TESTNET: _endpoints("https://testnet.binancefuture.com", "wss://fstream.binancefuture.com"),
        Environment.LIVE: _endpoints(
            "https://fapi.binance.com", "wss://fstream.binance.com", account="https://api.binance.com"
        ),
    },
    paper_ws_paths=_WS,
    market=Market.LINEAR,
    capabilities=frozenset(Capability) - {Capability.REDUCE_ONLY_IN_HEDGE, Capability.AMEND_TRIGGER},
    venue_suffix="USDT",
    channels=frozenset(Channel),
    batch_max=5,
    timeframes={
        60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1h", 7200: "2h", 14400: "4h",
        21600: "6h", 28800: "8h", 43200: "12h", 86400: "1d",
    },
    candles_max=1000,
    rate_rules=(
        RateRule(name="weight", scope=Scope.IP, limit=2400, interval_s=60.0),
        RateRule(name="orders-10s", scope=Scope.ACCOUNT, limit=300, interval_s=10.0),
        RateRule(name="orders-1m", scope=Scope.ACCOUNT, limit=1200, interval_s=60.0),
    ),
    errors=ERRORS,
    # 403 is the firewall in front, angry at the address; a bad key comes with a code of its own.
    http_errors={403: ErrorClass.BAN, 418: ErrorClass.BAN},
    visibility_delay_s=2.0,
    heartbeat_s=20.0,
    ban_s=120.0,
    max_client_id=36,
    max_leverage=125,
    docs_url="https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info",
    keys_url="https://www.binance.com/en/my/settings/api-management",
    keys_help=(
        "Make a system-generated key. Tick Enable Reading and Enable Futures, for which Binance first wants the addresses the key"
        " may be used from. Leave withdrawals and transfers unticked."
    ),
)  # fmt: skip


# What the venue counted against each rule, told with every answer.
USED_HEADERS = {
    "weight": "x-mbx-used-weight-1m",
    "orders-10s": "x-mbx-order-count-10s",
    "orders-1m": "x-mbx-order-count-1m",
}


def _public(path: str, weight: int = 1) -> Call:
    return Call(method="GET", path=f"/fapi/{path}", is_signed=False, costs=(("weight", weight),))


def _read(path: str, weight: int = 1) -> Call:
    return Call(method="GET", path=f"/fapi/{path}", costs=(("weight", weight),))


def _write(method: str, path: str, intent: Intent) -> Call:
    costs = (("weight", 1), ("orders-10s", 1), ("orders-1m", 1)) if intent is Intent.PLACE else (("weight", 1),)
    return Call(method=method, path=f"/fapi/{path}", intent=intent, costs=costs)


TIME = _public("v1/time")
INSTRUMENTS = _public("v1/exchangeInfo")
TICKER = _public("v1/ticker/24hr")
TICKERS = _public("v1/ticker/24hr", 40)
BOOK = _public("v1/ticker/bookTicker", 2)
BOOKS = _public("v1/ticker/bookTicker", 5)
MARK = _public("v1/premiumIndex")
MARKS = _public("v1/premiumIndex", 10)
CANDLES = _public("v1/klines", 5)
BALANCES = _read("v3/balance", 5)
POSITIONS = _read("v3/positionRisk", 5)
POSITION_MODE = _read("v1/positionSide/dual", 30)
POSITION_MODE_SET = _write("POST", "v1/positionSide/dual", Intent.SETTING)
LEVERAGE = _write("POST", "v1/leverage", Intent.SETTING)
MARGIN_MODE = _write("POST", "v1/marginType", Intent.SETTING)
PLACE = _write("POST", "v1/order", Intent.PLACE)
PLACE_ALGO = _write("POST", "v1/algoOrder", Intent.PLACE)
AMEND = _write("PUT", "v1/order", Intent.SETTING)
PLACE_BATCH = Call(
    method="POST",
    path="/fapi/v1/batchOrders",
    intent=Intent.PLACE,
    costs=(("weight", 5), ("orders-10s", 5), ("orders-1m", 1)),
)
CANCEL_BATCH = _write("DELETE", "v1/batchOrders", Intent.CANCEL)
FUNDING_RATES = _public("v1/fundingRate")
INCOME = _read("v1/income", 30)
# Weighed by the other host, by which nothing here is counted.
KEY = Call(method="GET", path="/sapi/v1/account/apiRestrictions", host="account")
CANCEL = _write("DELETE", "v1/order", Intent.CANCEL)
CANCEL_ALGO = _write("DELETE", "v1/algoOrder", Intent.CANCEL)
CANCEL_ALL = _write("DELETE", "v1/allOpenOrders", Intent.CANCEL)
CANCEL_ALL_ALGO = _write("DELETE", "v1/algoOpenOrders", Intent.CANCEL)
ORDER = _read("v1/order")
ALGO_ORDER = _read("v1/algoOrder")
OPEN_ORDERS = _read("v1/openOrders")
OPEN_ORDERS_ALL = _read("v1/openOrders", 40)
OPEN_ALGO_ORDERS = _read("v1/openAlgoOrders")
OPEN_ALGO_ORDERS_ALL = _read("v1/openAlgoOrders", 40)
ALGO_HISTORY = _read("v1/allAlgoOrders", 5)
FILLS = _read("v1/userTrades", 5)
# The listen key belongs to the API key alone: no signature.
LISTEN = Call(method="POST", path="/fapi/v1/listenKey", intent=Intent.SETTING, is_signed=False, costs=(("weight", 1),))
LISTEN_KEEP = Call(
    method="PUT", path="/fapi/v1/listenKey", intent=Intent.SETTING, is_signed=False, costs=(("weight", 1),)
)
