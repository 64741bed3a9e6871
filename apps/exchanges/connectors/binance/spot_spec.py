"""Binance spot as data: addresses, budgets, codes, calls. https://developers.binance.com/docs/binance-spot-api-docs"""

import msgspec

from apps.exchanges.connectors.binance.spec import ERRORS, SPEC
from apps.exchanges.connectors.spec import Call, Capability, Endpoints, ErrorClass, Intent, RateRule, Scope
from cts.domain.types import Environment, Market
from cts.domain.venue import Channel

# A code of every refusal and of a repeated client id: the message tells them apart, and this stands for the latter.
DUPLICATE = "-2010 duplicate"

SPOT_SPEC = msgspec.structs.replace(
    SPEC,
    environments={
        Environment.TESTNET: Endpoints(
            rest="https://testnet.binance.vision",
            ws={
                "public": ("wss://stream.testnet.binance.vision/ws",),
                "private": ("wss://ws-api.testnet.binance.vision/ws-api/v3",),
            },
        ),
        Environment.LIVE: Endpoints(
            rest="https://api.binance.com",
            ws={
                "public": ("wss://stream.binance.com:9443/ws", "wss://stream.binance.com:443/ws"),
                "private": ("wss://ws-api.binance.com:443/ws-api/v3", "wss://ws-api.binance.com:9443/ws-api/v3"),
            },
            hosts={"account": "https://api.binance.com"},
        ),
    },
    paper_ws_paths={"public": "/spot/ws", "private": "/ws-api/v3"},
    market=Market.SPOT,
    # An order is changed only downwards in quantity, or by another order in its place: no amendment as we mean it.
    capabilities=frozenset({
        Capability.CONDITIONAL, Capability.POST_ONLY, Capability.IMMEDIATE_OR_CANCEL, Capability.FILL_OR_KILL,
        Capability.QUERY_BY_CLIENT_ID, Capability.CANCEL_BY_CLIENT_ID, Capability.REFUSES_DUPLICATE_CLIENT_ID,
        Capability.KEY_RIGHTS, Capability.PRIVATE_STREAM, Capability.BALANCE_STREAM,
    }),
    channels=frozenset(Channel),
    batch_max=1,
    suffix="/USDT",
    rate_rules=(
        RateRule(name="spot-weight", scope=Scope.IP, limit=6000, interval_s=60.0),
        RateRule(name="spot-orders-10s", scope=Scope.ACCOUNT, limit=100, interval_s=10.0),
        RateRule(name="spot-orders-1d", scope=Scope.ACCOUNT, limit=200_000, interval_s=86_400.0),
    ),
    errors=ERRORS | {DUPLICATE: ErrorClass.RECONCILE},
    max_leverage=1,
    docs_url="https://developers.binance.com/docs/binance-spot-api-docs",
    keys_help=(
        "Make a system-generated key. Tick Enable Reading and Enable Spot & Margin Trading, for which Binance first wants the addresses the key"
        " may be used from. Leave withdrawals and transfers unticked."
    ),
)  # fmt: skip

USED_HEADERS = {
    "spot-weight": "x-mbx-used-weight-1m",
    "spot-orders-10s": "x-mbx-order-count-10s",
    "spot-orders-1d": "x-mbx-order-count-1d",
}


def _public(path: str, weight: int) -> Call:
    return Call(method="GET", path=f"/api/v3/{path}", is_signed=False, costs=(("spot-weight", weight),))


def _read(path: str, weight: int) -> Call:
    return Call(method="GET", path=f"/api/v3/{path}", costs=(("spot-weight", weight),))


TIME = _public("time", 1)
INSTRUMENTS = _public("exchangeInfo", 20)
TICKER = _public("ticker/24hr", 2)
TICKERS = _public("ticker/24hr", 80)
CANDLES = _public("klines", 2)
ACCOUNT = _read("account", 20)
PLACE = Call(
    method="POST",
    path="/api/v3/order",
    intent=Intent.PLACE,
    costs=(("spot-weight", 1), ("spot-orders-10s", 1), ("spot-orders-1d", 1)),
)
CANCEL = Call(method="DELETE", path="/api/v3/order", intent=Intent.CANCEL, costs=(("spot-weight", 1),))
CANCEL_ALL = Call(method="DELETE", path="/api/v3/openOrders", intent=Intent.CANCEL, costs=(("spot-weight", 1),))
ORDER = _read("order", 4)
OPEN_ORDERS = _read("openOrders", 6)
OPEN_ORDERS_ALL = _read("openOrders", 80)
FILLS = _read("myTrades", 20)
KEY = Call(method="GET", path="/sapi/v1/account/apiRestrictions", host="account", costs=(("spot-weight", 1),))
