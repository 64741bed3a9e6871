"""BingX spot as data: addresses, budgets, codes, calls. https://bingx-api.github.io/docs-v3/"""

from collections.abc import Iterator

import msgspec

from apps.exchanges.connectors.bingx.spec import ERRORS, SPEC, WORDED
from apps.exchanges.connectors.spec import Call, Capability, Endpoints, ErrorClass, Intent, RateRule, Scope, codes
from cts.domain.types import Environment, Market

# Public topics and the account share one path here, too.
_WS = {"public": "/market", "private": "/market"}
_SOCKET = "wss://open-api-ws.bingx.com"

# Requests a second: of one address, of one account. What an address may isn't documented: as for the perpetuals' calls.
BUDGETS = {
    "spot-balance": (3, 5), "spot-place": (3, 10), "spot-cancel": (3, 5), "spot-cancel-all": (2, 2),
    "spot-order": (2, 10), "spot-lists": (3, 10), "spot-fills": (2, 5),
}  # fmt: skip
URGENT = {"spot-place", "spot-cancel", "spot-cancel-all"}
PUBLIC = ("spot-symbols", "spot-ticker", "spot-klines")


def _rules() -> Iterator[RateRule]:
    """Its own, and those of the calls both markets share: time, key and listen key."""
    yield from (rule for rule in SPEC.rate_rules if rule.name in ("time", "account", "account-ip"))
    for name in PUBLIC:
        yield RateRule(name=name, scope=Scope.IP, limit=5, interval_s=5.0, reserve_ratio=0)
    for name, (of_address, of_account) in BUDGETS.items():
        reserve = 0.2 if name in URGENT else 0.0
        yield RateRule(name=f"{name}-ip", scope=Scope.IP, limit=of_address, interval_s=1.0, reserve_ratio=reserve)
        yield RateRule(name=name, scope=Scope.ACCOUNT, limit=of_account, interval_s=1.0, reserve_ratio=reserve)


SPOT_SPEC = msgspec.structs.replace(
    SPEC,
    # Their simulated trading is of contracts alone.
    environments={
        Environment.LIVE: Endpoints(
            rest="https://open-api.bingx.com", ws={name: (_SOCKET + path,) for name, path in _WS.items()}
        ),
    },
    paper_ws_paths=_WS,
    market=Market.SPOT,
    # An order is changed only by another in its place. A batch is answered with what was taken, and why the rest wasn't is
    # not documented: orders go one by one, at twice the pace of batches. No source but ccxt denies fill-or-kill.
    capabilities=frozenset({
        Capability.CONDITIONAL, Capability.POST_ONLY, Capability.IMMEDIATE_OR_CANCEL, Capability.FILL_OR_KILL,
        Capability.QUERY_BY_CLIENT_ID, Capability.CANCEL_BY_CLIENT_ID, Capability.REFUSES_DUPLICATE_CLIENT_ID,
        Capability.KEY_RIGHTS, Capability.PRIVATE_STREAM, Capability.BALANCE_STREAM,
    }),
    batch_max=1,
    suffix="/USDT",
    candles_max=1000,
    rate_rules=tuple(_rules()),
    # Argument, no such symbol; a price far from the market's.
    errors=ERRORS | codes(ErrorClass.REJECT, "100204 100400 100440") | codes(ErrorClass.RECONCILE, "100503"),
    worded_errors=WORDED
    | {
        # How a used client id is refused here isn't documented. One that is named in a complaint is looked up.
        "100400": (("clientorderid", ErrorClass.RECONCILE),),
    },
    max_leverage=1,
    keys_help=(
        "Tick Read and Spot Trading. Leave withdrawals and transfers unticked. Name the addresses the key may be used from."
    ),
)  # fmt: skip

# The documentation lists 1h to 1d as the lists of candles have them; these were seen on the wire, and by other clients.
STREAM_INTERVALS = {
    60: "1min", 180: "3min", 300: "5min", 900: "15min", 1800: "30min", 3600: "60min", 7200: "2hour", 14400: "4hour",
    21600: "6hour", 28800: "8hour", 43200: "12hour", 86400: "1day",
}  # fmt: skip


def _public(path: str, rule: str) -> Call:
    return Call(method="GET", path=f"/openApi/spot/{path}", is_signed=False, costs=((rule, 1),))


def _signed(method: str, path: str, rule: str, intent: Intent = Intent.READ) -> Call:
    return Call(method=method, path=f"/openApi/spot/v1/{path}", intent=intent, costs=((f"{rule}-ip", 1), (rule, 1)))


INSTRUMENTS = _public("v1/common/symbols", "spot-symbols")
TICKERS = _public("v1/ticker/24hr", "spot-ticker")
CANDLES = _public("v2/market/kline", "spot-klines")
BALANCES = _signed("GET", "account/balance", "spot-balance")
PLACE = _signed("POST", "trade/order", "spot-place", Intent.PLACE)
CANCEL = _signed("POST", "trade/cancel", "spot-cancel", Intent.CANCEL)
CANCEL_ALL = _signed("POST", "trade/cancelOpenOrders", "spot-cancel-all", Intent.CANCEL)
ORDER = _signed("GET", "trade/query", "spot-order")
OPEN_ORDERS = _signed("GET", "trade/openOrders", "spot-lists")
HISTORY = _signed("GET", "trade/historyOrders", "spot-lists")
FILLS = _signed("GET", "trade/myTrades", "spot-fills")
