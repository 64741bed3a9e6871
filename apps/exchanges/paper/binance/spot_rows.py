"""Binance's spot listing, and its spelling of spot orders, trades and balances. Reads only."""

from decimal import Decimal
from typing import Any

from apps.exchanges.paper.binance.rows import POLICY, STATUS, Row
from apps.exchanges.paper.market import spot_of
from cts.domain.matching import wallet
from cts.domain.matching.events import Refusal
from cts.domain.matching.state import SETTLE, Account, Fill, Order, Rules
from cts.domain.synthetic import PROFILES
from cts.domain.types import OrderType, TimeInForce
from cts.domain.units import decimal_text as text

# base: lot step and smallest order, largest order, largest market order
_LISTED = {
    "BTC": ("0.00001", "9000", "110"),
    "ETH": ("0.0001", "9000", "1800"),
    "SOL": ("0.001", "90000", "20000"),
    "XRP": ("0.1", "922327", "900000"),
    "DOGE": ("1", "9000000", "5000000"),
    "BNB": ("0.001", "900000", "2500"),
    "ADA": ("0.1", "900000", "800000"),
    "AVAX": ("0.01", "90000", "30000"),
    "LINK": ("0.01", "90000", "40000"),
    "LTC": ("0.001", "90000", "10000"),
}


def _rules() -> dict[str, Rules]:
    found = {}
    for symbol, profile in PROFILES.items():
        step, high, market = _LISTED[symbol.split("/")[0]]
        found[spot_of(symbol)] = Rules(
            symbol=spot_of(symbol),
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(step),
            min_quantity=Decimal(step),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(market),
            min_notional=Decimal(5),
            max_open_orders=200,
            max_conditional_orders=5,
        )
    return found


SPOT_RULES = _rules()
SPOT_NAMES = {symbol: symbol.replace("/", "") for symbol in SPOT_RULES}
SPOT_SYMBOLS = {name: symbol for symbol, name in SPOT_NAMES.items()}
REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Refusal.PRICE_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_BAND: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Refusal.QUANTITY_STEP: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.QUANTITY_TOO_SMALL: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.QUANTITY_TOO_LARGE: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.NOTIONAL_TOO_SMALL: (-1013, "Filter failure: NOTIONAL"),
    Refusal.TRIGGER_SIDE: (-2010, "Stop price would trigger immediately."),
    Refusal.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Refusal.TOO_MANY_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
}
TIME_IN_FORCE = {TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


def symbol_row(symbol: str) -> Row:
    rules, (base, quote) = SPOT_RULES[symbol], wallet.pair(symbol)
    step, tick = text(rules.lot_step), text(rules.tick_size)
    filters: list[dict[str, Any]] = [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": text(rules.max_quantity), "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": text(rules.max_market_quantity), "stepSize": "0"},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "1.1",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.9",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(rules.min_notional),
            "applyMinToMarket": True,
            "maxNotional": "9000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_open_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": rules.max_conditional_orders},
    ]
    return {
        "symbol": SPOT_NAMES[symbol],
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }


def kind_of(order: Order) -> str:
    request = order.request
    is_limit = request.order_type is OrderType.LIMIT
    if order.is_conditional:
        is_stop = request.is_rising == (request.side.sign > 0)
        return ("STOP_LOSS" if is_stop else "TAKE_PROFIT") + ("_LIMIT" if is_limit else "")
    return ("LIMIT_MAKER" if request.time_in_force is TimeInForce.POST_ONLY else "LIMIT") if is_limit else "MARKET"


def force_of(order: Order) -> str:
    request = order.request
    return TIME_IN_FORCE.get(request.time_in_force, "GTC") if request.order_type is OrderType.LIMIT else "GTC"


def order_row(order: Order) -> Row:
    request = order.request
    return {
        "symbol": SPOT_NAMES[request.symbol],
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": request.client_id,
        "price": text(order.price or Decimal(0)),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled_quantity),
        "cummulativeQuoteQty": text(order.filled_cost),
        "status": STATUS[order.status],
        "timeInForce": force_of(order),
        "type": kind_of(order),
        "side": request.side.value.upper(),
        "stopPrice": text(order.trigger_price or Decimal(0)),
        "icebergQty": "0",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.is_active or not order.status.is_open,
        "workingTime": order.triggered_ms or order.created_ms,
        "origQuoteOrderQty": "0",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def trade_row(fill: Fill) -> Row:
    return {
        "symbol": SPOT_NAMES[fill.symbol],
        "id": fill.id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "quoteQty": text(fill.price * fill.quantity),
        "commission": text(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": fill.side.sign > 0,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def balances(account: Account) -> list[tuple[str, Decimal, Decimal]]:
    """(asset, free, locked) of everything ever held."""
    found = []
    for asset in sorted({SETTLE, *account.assets}):
        locked = wallet.reserved(account, asset, policy=POLICY)
        found.append((asset, wallet.total(account, asset, policy=POLICY) - locked, locked))
    return found
