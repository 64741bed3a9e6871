"""Binance's spelling of orders, fills and money. Reads only."""

from decimal import Decimal
from typing import Any

from cts.domain.matching import trailing
from cts.domain.matching.state import Account, BookStatus, Entry, EntryKind, Fill, Order, Policy, Rules, TriggerBy
from cts.domain.synthetic import PROFILES
from cts.domain.types import OrderType, PositionMode, PositionSide, TimeInForce
from cts.domain.units import decimal_text as text

Row = dict[str, Any]

POLICY = Policy(
    maker_fee_rate=Decimal("0.0002"),
    taker_fee_rate=Decimal("0.0005"),
    is_client_id_reusable=True,
    is_crossing_refused=True,
    is_wallet_unified=False,
    is_spot_conditional_reserved=True,
)
# base: lot step, min quantity, max quantity, max market quantity, min notional, max leverage, maintenance ratio
_LISTED = {
    "BTC": ("0.001", "0.001", "1000", "120", "50", 125, "0.004"),
    "ETH": ("0.001", "0.001", "10000", "2000", "20", 100, "0.005"),
    "SOL": ("0.01", "0.01", "1000000", "10000", "5", 75, "0.01"),
    "XRP": ("0.1", "0.1", "10000000", "2000000", "5", 75, "0.01"),
    "DOGE": ("1", "1", "50000000", "30000000", "5", 75, "0.01"),
    "BNB": ("0.01", "0.01", "100000", "2000", "5", 75, "0.01"),
    "ADA": ("1", "1", "2000000", "300000", "5", 75, "0.01"),
    "AVAX": ("1", "1", "100000", "5000", "5", 75, "0.01"),
    "LINK": ("0.01", "0.01", "200000", "20000", "20", 75, "0.01"),
    "LTC": ("0.001", "0.001", "10000", "5000", "20", 75, "0.01"),
}


def _rules() -> dict[str, Rules]:
    found = {}
    for symbol, profile in PROFILES.items():
        step, low, high, market, notional, leverage, ratio = _LISTED[symbol.split("/")[0]]
        found[symbol] = Rules(
            symbol=symbol,
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(step),
            min_quantity=Decimal(low),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(market),
            min_notional=Decimal(notional),
            max_leverage=leverage,
            maintenance_ratio=Decimal(ratio),
            max_open_orders=200,
        )
    return found


RULES = _rules()
NAMES = {symbol: symbol.split("/")[0] + "USDT" for symbol in RULES}
SYMBOLS = {name: symbol for symbol, name in NAMES.items()}
STATUS = {
    BookStatus.UNTRIGGERED: "NEW",
    BookStatus.NEW: "NEW",
    BookStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    BookStatus.FILLED: "FILLED",
    BookStatus.CANCELED: "CANCELED",
    BookStatus.EXPIRED: "EXPIRED",
    BookStatus.REJECTED: "EXPIRED",
}
TIME_IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "GTX",
}
WORKING_TYPE = {TriggerBy.LAST: "CONTRACT_PRICE", TriggerBy.MARK: "MARK_PRICE"}
INCOME = {
    EntryKind.DEPOSIT: "TRANSFER",
    EntryKind.REALIZED: "REALIZED_PNL",
    EntryKind.FEE: "COMMISSION",
    EntryKind.FUNDING: "FUNDING_FEE",
    EntryKind.INSURANCE: "INSURANCE_CLEAR",
}


def position_side(leg: PositionSide | None) -> str:
    return "BOTH" if leg is None else leg.value.upper()


def fill_leg(account: Account, fill: Fill, order: Order | None) -> str:
    if order is not None:
        return position_side(order.request.leg)
    return position_side(fill.leg if account.position_mode is PositionMode.HEDGE else None)


def wire_id(order: Order) -> int:
    """The id in the book: a conditional order gets one of its own when it is set off."""
    return order.triggered_id or order.id


def conditional_type(order: Order) -> str:
    """Stop or take profit, by the way the price has to go for this side."""
    request = order.request
    if request.trail_ratio is not None:
        return "TRAILING_STOP_MARKET"
    is_stop = request.is_rising == (request.side.sign > 0)
    name = "STOP" if is_stop else "TAKE_PROFIT"
    return name if request.order_type is OrderType.LIMIT else f"{name}_MARKET"


def order_row(order: Order) -> Row:
    request = order.request
    average = order.average_price or Decimal(0)
    kind = "LIMIT" if request.order_type is OrderType.LIMIT else "MARKET"
    return {
        "orderId": wire_id(order),
        "symbol": NAMES[request.symbol],
        "status": STATUS[order.status],
        "clientOrderId": request.client_id,
        "price": text(order.price or Decimal(0)),
        "avgPrice": text(average),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled_quantity),
        "cumQty": text(order.filled_quantity),
        "cumQuote": text(order.filled_cost),
        "timeInForce": TIME_IN_FORCE[request.time_in_force],
        "type": kind,
        "reduceOnly": request.is_reduce_only,
        "closePosition": request.is_close_position,
        "side": request.side.value.upper(),
        "positionSide": position_side(request.leg),
        "stopPrice": text(order.trigger_price or Decimal(0)),
        "workingType": WORKING_TYPE[request.trigger_by],
        "priceProtect": False,
        "origType": conditional_type(order) if order.is_conditional else kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def algo_status(order: Order) -> str:
    if order.status is BookStatus.REJECTED:
        return "REJECTED"
    if order.status is BookStatus.UNTRIGGERED:
        return "NEW"
    if not order.triggered_ms:
        return "CANCELED" if order.status is BookStatus.CANCELED else "EXPIRED"
    return "TRIGGERED" if order.status.is_open else "FINISHED"


def algo_row(order: Order) -> Row:
    request = order.request
    is_trailing = request.trail_ratio is not None
    return {
        "algoId": order.id,
        "clientAlgoId": request.client_id,
        "algoType": "CONDITIONAL",
        "orderType": conditional_type(order),
        "symbol": NAMES[request.symbol],
        "side": request.side.value.upper(),
        "positionSide": position_side(request.leg),
        "timeInForce": TIME_IN_FORCE[request.time_in_force],
        "quantity": text(order.quantity),
        "algoStatus": algo_status(order),
        "actualOrderId": str(order.triggered_id) if order.triggered_id else "",
        "actualPrice": text(order.average_price or Decimal(0)),
        "actualQty": text(order.filled_quantity),
        "triggerPrice": text((trailing.stop_price(order) if is_trailing else order.trigger_price) or Decimal(0)),
        "price": text(order.price or Decimal(0)),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": WORKING_TYPE[request.trigger_by],
        "priceMatch": "NONE",
        "closePosition": request.is_close_position,
        "priceProtect": False,
        "reduceOnly": request.is_reduce_only,
        "activatePrice": text(order.trigger_price) if is_trailing and order.trigger_price else "",
        "callbackRate": text(request.trail_ratio * 100) if request.trail_ratio else "",
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": 0,
    }


def trade_row(account: Account, fill: Fill) -> Row:
    order = account.order(fill.order_id)
    return {
        "symbol": NAMES[fill.symbol],
        "id": fill.id,
        "orderId": wire_id(order) if order else fill.order_id,
        "side": fill.side.value.upper(),
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "realizedPnl": text(fill.realized_pnl),
        "quoteQty": text(fill.price * fill.quantity),
        "commission": text(fill.fee),
        "commissionAsset": "USDT",
        "time": fill.at_ms,
        "positionSide": fill_leg(account, fill, order),
        "buyer": fill.side.sign > 0,
        "maker": fill.is_maker,
    }


def income_row(entry: Entry) -> Row:
    return {
        "symbol": NAMES.get(entry.symbol, ""),
        "incomeType": INCOME[entry.kind],
        "income": text(entry.amount),
        "asset": "USDT",
        "info": INCOME[entry.kind],
        "time": entry.at_ms,
        "tranId": entry.id,
        "tradeId": str(entry.fill_id) if entry.fill_id else "",
    }
