"""Pionex spot as data: addresses, codes, calls. https://www.pionex.com/docs/api-docs"""

import msgspec

from apps.exchanges.connectors.pionex.spec import SPEC, OrderCalls
from apps.exchanges.connectors.spec import Call, Capability, Endpoints, Intent
from cts.domain.types import Environment, Market

_WS = {"public": "/wsPub", "private": "/ws"}

SPOT_SPEC = msgspec.structs.replace(
    SPEC,
    environments={
        Environment.LIVE: Endpoints(
            rest="https://api.pionex.com", ws={name: (f"wss://ws.pionex.com{path}",) for name, path in _WS.items()}
        ),
    },
    paper_ws_paths=_WS,
    market=Market.SPOT,
    # Its orders are limit and market, and a flag says that what isn't filled at once is canceled: no more than that.
    capabilities=frozenset(
        {
            Capability.IMMEDIATE_OR_CANCEL,
            Capability.QUERY_BY_CLIENT_ID,
            Capability.REFUSES_DUPLICATE_CLIENT_ID,
            Capability.BATCH_PLACE,
            Capability.PRIVATE_STREAM,
            Capability.BALANCE_STREAM,
        }
    ),
    venue_suffix="_USDT",
    suffix="/USDT",
    max_leverage=1,
)

# All calls share the ten a second; most weigh one here, lists five.
ONE, LIST = 1, 5


def _public(path: str, weight: int = ONE) -> Call:
    return Call(method="GET", path=f"/api/v1/{path}", is_signed=False, costs=(("address", weight),))


def _private(method: str, path: str, intent: Intent = Intent.READ, *, weight: int = ONE) -> Call:
    costs = (("address", weight), ("account", weight))
    return Call(method=method, path=f"/api/v1/{path}", intent=intent, costs=costs)


INSTRUMENTS = _public("common/symbols", LIST)
TICKERS = _public("market/tickers")
BOOKS = _public("market/bookTickers")
CANDLES = _public("market/klines")
BALANCES = _private("GET", "account/balances")
ORDERS = OrderCalls(
    place=_private("POST", "trade/order", Intent.PLACE),
    place_many=_private("POST", "trade/massOrder", Intent.PLACE),
    cancel=_private("DELETE", "trade/order", Intent.CANCEL),
    cancel_all=_private("DELETE", "trade/allOrders", Intent.CANCEL),
    order=_private("GET", "trade/order"),
    order_by_client_id=_private("GET", "trade/orderByClientOrderId"),
    open_orders=_private("GET", "trade/openOrders", weight=LIST),
    history=_private("GET", "trade/allOrders", weight=LIST),
    fills=_private("GET", "trade/fills", weight=LIST),
    fills_of_order=_private("GET", "trade/fillsByOrderId", weight=LIST),
)
