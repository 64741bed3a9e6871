"""OrangeX perpetuals as data: addresses, budgets, codes, calls. https://openapi-docs.orangex.com"""

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

# JSON-RPC over HTTP: the name of the method is told twice, by the path after this prefix and in the body.
PREFIX = "/api/v1"
# One address for everything; who asks for private channels brings a token.
_WS = {"public": "/ws/api/v1", "private": "/ws/api/v1"}
# Our own word for an answer that has neither a result nor an error, as the venue gives for an order it has just taken.
NO_RESULT = "no_result"
# How many bars back the venue tells.
CANDLES_REACH = 1500
# The daily bar is called otherwise on the socket.
SOCKET_RESOLUTIONS = {"D": "1D"}


ERRORS = {
    **codes(ErrorClass.RESIGN, "10000 401 2000 2001"),
    **codes(ErrorClass.AUTH, "403 2010 2033"),
    **codes(ErrorClass.LIMIT, "1005 3029"),
    # Internal errors and time-outs say nothing of what was done.
    **codes(ErrorClass.RECONCILE, f"9999 9900 3013 {NO_RESULT}"),
    **codes(ErrorClass.GONE, "5002 5004 5010"),
    # A method or parameter that doesn't exist, the catalog's filters, the price band, the balance, channels.
    **codes(ErrorClass.REJECT, "1000 8121 1001 8000 3004 5001 5003 5005 5119 5135 5006 5007 5013 5014 5109 5221"),
    **codes(ErrorClass.REJECT, "5907 4006 5901 5902 5903 5904 5905 5906 5998 3401 11000 9902"),
}

SPEC = ExchangeSpec(
    name="orangex",
    label="OrangeX",
    environments={
        Environment.LIVE: Endpoints(
            rest="https://api.orangex.com",
            ws={name: (f"wss://api.orangex.com{path}",) for name, path in _WS.items()},
        ),
    },
    paper_ws_paths=_WS,
    market=Market.LINEAR,
    capabilities=frozenset(
        {
            Capability.LEVERAGE, Capability.MARGIN_MODE, Capability.MARGIN_MODE_PER_SYMBOL, Capability.HEDGE,
            Capability.CONDITIONAL, Capability.REDUCE_ONLY_IN_HEDGE, Capability.POST_ONLY,
            Capability.IMMEDIATE_OR_CANCEL, Capability.FILL_OR_KILL, Capability.KEY_RIGHTS, Capability.PRIVATE_STREAM,
            Capability.BALANCE_STREAM,
        }
    ),
    venue_suffix="-USDT-PERPETUAL",
    channels=frozenset(Channel),
    timeframes={
        60: "1", 180: "3", 300: "5", 900: "15", 1800: "30", 3600: "60", 7200: "120", 14400: "240",
        21600: "360", 43200: "720", 86400: "D",
    },
    candles_max=200,
    rate_rules=(
        # The venue's support names ten requests a second and not whose; no header tells what is left.
        RateRule(name="requests", scope=Scope.IP, limit=10, interval_s=1.0),
        # More than five new sockets a minute may get the address banned.
        RateRule(name="sockets", scope=Scope.IP, limit=5, interval_s=60.0, reserve_ratio=0.0),
    ),
    errors=ERRORS,
    # Refusals come with status 200; what comes with another is the front's word, not the venue's.
    http_errors={403: ErrorClass.BAN},
    visibility_delay_s=5.0,
    heartbeat_s=5.0,
    ban_s=600.0,
    max_client_id=36,
    max_leverage=200,
    docs_url="https://openapi-docs.orangex.com",
    keys_url="https://www.orangex.com",
    keys_help="Allow reading and trading, and leave withdrawals off. What OrangeX calls client id is the key, its client"
    " secret the secret. Choose one-way or hedge mode in OrangeX's own settings: no call changes it. OrangeX has no test"
    " network: such a key trades real money.",
)  # fmt: skip

REQUEST = (("requests", 1),)
SOCKET = (("sockets", 1),)


def _public(name: str) -> Call:
    return Call(method="POST", path=f"{PREFIX}/public/{name}", is_signed=False, costs=REQUEST)


def _private(name: str, intent: Intent = Intent.READ) -> Call:
    return Call(method="POST", path=f"{PREFIX}/private/{name}", intent=intent, costs=REQUEST)


AUTH = _public("auth")
# There is no call for the time: every answer carries it, and this one without a parameter is an empty list.
TIME = _public("tickers")
TICKERS = _public("tickers")
INSTRUMENTS = _public("get_instruments")
FUNDING = _public("get_funding_rate")
FUNDINGS = _public("get_all_capital_rate")
# Asked with a token where there is one: without, the venue may say that there is no such method.
CANDLES = _private("get_tradingview_chart_data")
CANDLES_PUBLIC = _public("get_tradingview_chart_data")
BALANCES = _private("get_assets_info")
POSITIONS = _private("get_positions")
POSITION = _private("get_user_position")
SETTINGS = _private("get_perpetual_user_config")
LEVERAGE = _private("adjust_perpetual_leverage", Intent.SETTING)
MARGIN_MODE = _private("adjust_perpetual_margin_type", Intent.SETTING)
BUY = _private("buy", Intent.PLACE)
SELL = _private("sell", Intent.PLACE)
CANCEL = _private("cancel", Intent.CANCEL)
CANCEL_ALL = _private("cancel_all_by_instrument", Intent.CANCEL)
ORDER = _private("get_order_state")
OPEN_ORDERS = _private("get_open_orders_by_instrument")
OPEN_ORDERS_ALL = _private("get_open_orders_by_currency")
HISTORY = _private("get_order_history_by_instrument")
HISTORY_ALL = _private("get_order_history_by_currency")
FILLS = _private("get_user_trades_by_instrument")
FILLS_OF_ORDER = _private("get_user_trades_by_order")
FILLS_ALL = _private("get_user_trades_by_currency")
