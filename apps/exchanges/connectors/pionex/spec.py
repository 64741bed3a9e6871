"""Pionex perpetuals as data: address, budgets, codes, calls. https://www.pionex.com/docs/api-docs"""

from typing import NamedTuple

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

_WS = {"public": "/wsPub", "private": "/wsUA"}
# The venue counts ten weights a second; here a call of five is followed by the next after three quarters of one, so that
# one that is half a second late on its way still meets no third in its second: that would close the address for a
# minute, to exits as well. So nobody may run ahead, and nothing is held in reserve.
_AT_ONCE, _SPACING_S = 5, 0.75


ERRORS = {
    **codes(ErrorClass.RESIGN, "INVALID_TIMESTAMP"),
    **codes(
        ErrorClass.AUTH,
        "APIKEY_LOST SIGNATURE_LOST IP_NOT_WHITELISTED INVALID_APIKEY INVALIE_APIKEY INVALID_SIGNATURE APIKEY_EXPIRED "
        "PERMISSION_DENIED",
    ),
    # An earlier try arrived.
    **codes(ErrorClass.RECONCILE, "TRADE_REPEAT_CLIENT_ORDER_ID"),
    **codes(ErrorClass.GONE, "TRADE_ORDER_NOT_FOUND"),
    **codes(
        ErrorClass.REJECT,
        "TRADE_INVALID_SYMBOL TRADE_INVAILD_SYMBOL TRADE_PARAMETER_ERROR TRADE_OPERATION_DENIED TRADE_NOT_ENOUGH_MONEY "
        "TRADE_PRICE_FILTER_DENIED TRADE_SIZE_FILTER_DENIED TRADE_AMOUNT_FILTER_DENIED TRADE_OPEN_ORDER_EXCEED_LIMIT "
        "MARKET_INVALID_SYMBOL MARKET_PARAMETER_ERROR MARKET_INVALID_TIME",
    ),
}

SPEC = ExchangeSpec(
    name="pionex",
    label="Pionex",
    environments={
        Environment.LIVE: Endpoints(
            rest="https://api.pionex.com", ws={name: (f"wss://ws.pionex.com{path}",) for name, path in _WS.items()}
        ),
    },
    paper_ws_paths=_WS,
    market=Market.LINEAR,
    capabilities=frozenset(
        {
            Capability.LEVERAGE,
            Capability.MARGIN_MODE,
            Capability.MARGIN_MODE_PER_SYMBOL,
            Capability.HEDGE,
            Capability.POSITION_MODE_SET,
            Capability.POST_ONLY,
            Capability.IMMEDIATE_OR_CANCEL,
            Capability.FILL_OR_KILL,
            Capability.QUERY_BY_CLIENT_ID,
            Capability.REFUSES_DUPLICATE_CLIENT_ID,
            Capability.BATCH_PLACE,
            Capability.FUNDING_HISTORY,
            Capability.FUNDING_PAYMENTS,
            Capability.PRIVATE_STREAM,
            Capability.BALANCE_STREAM,
        }
    ),
    venue_suffix="_USDT_PERP",
    channels=frozenset({Channel.TICKERS, Channel.TRADES, Channel.BOOK_TOP}),
    batch_max=20,
    # M is minutes here.
    timeframes={
        60: "1M", 300: "5M", 900: "15M", 1800: "30M", 3600: "60M", 14400: "4H", 28800: "8H", 43200: "12H", 86400: "1D",
    },
    candles_max=500,
    rate_rules=(
        RateRule(name="address", scope=Scope.IP, limit=_AT_ONCE, interval_s=_SPACING_S, reserve_ratio=0.0),
        RateRule(name="account", scope=Scope.ACCOUNT, limit=_AT_ONCE, interval_s=_SPACING_S, reserve_ratio=0.0),
    ),
    errors=ERRORS,
    # Too many requests close the address for a minute, and every further one for ten seconds more.
    http_errors={429: ErrorClass.BAN},
    visibility_delay_s=2.0,
    heartbeat_s=15.0,
    ban_s=60.0,
    max_client_id=64,
    max_leverage=100,
    docs_url="https://www.pionex.com/docs/api-docs",
    keys_url="https://www.pionex.com/en/my-account/api",
    keys_help="Tick “Enable reading” and “Enable trading”, and leave “Enable transfer” off. Enter this machine's address in"
    " the key's IP whitelist. Pionex has no test network: such a key trades real money.",
)  # fmt: skip

# Every call about perpetuals weighs five of the ten a second.
WEIGHT = 5


class OrderCalls(NamedTuple):
    """The doors for orders, of which each market has its own."""

    place: Call
    place_many: Call
    cancel: Call
    cancel_all: Call
    order: Call
    order_by_client_id: Call
    open_orders: Call
    history: Call
    fills: Call
    fills_of_order: Call


def _public(path: str) -> Call:
    return Call(method="GET", path=f"/api/v1/{path}", is_signed=False, costs=(("address", WEIGHT),))


def _private(method: str, path: str, intent: Intent = Intent.READ) -> Call:
    costs = (("address", WEIGHT), ("account", WEIGHT))
    return Call(method=method, path=f"/uapi/v1/{path}", intent=intent, costs=costs)


INSTRUMENTS = _public("common/symbols")
TIERS = _public("common/riskTable")
TICKERS = _public("market/tickers")
BOOKS = _public("market/bookTickers")
INDEXES = _public("market/indexes")
CANDLES = _public("market/klines")
FUNDING_RATES = _public("market/fundingRates")
BALANCES = _private("GET", "account/detail")
POSITIONS = _private("GET", "account/positions")
POSITION_MODE = _private("GET", "account/positionMode")
POSITION_MODE_SET = _private("POST", "account/positionMode", Intent.SETTING)
LEVERAGE = _private("POST", "account/leverage", Intent.SETTING)
MARGIN_MODE = _private("POST", "trade/isolatedMode", Intent.SETTING)
ORDERS = OrderCalls(
    place=_private("POST", "trade/order", Intent.PLACE),
    place_many=_private("POST", "trade/massOrder", Intent.PLACE),
    cancel=_private("DELETE", "trade/order", Intent.CANCEL),
    cancel_all=_private("DELETE", "trade/allOrders", Intent.CANCEL),
    order=_private("GET", "trade/order"),
    order_by_client_id=_private("GET", "trade/orderByClientOrderId"),
    open_orders=_private("GET", "trade/openOrders"),
    history=_private("GET", "trade/historyOrders"),
    fills=_private("GET", "trade/fills"),
    fills_of_order=_private("GET", "trade/fillsByOrderId"),
)
FUNDING_PAYMENTS = _private("GET", "trade/fundingFee")
