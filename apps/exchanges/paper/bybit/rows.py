"""Bybit's listing, and its spelling of orders and fills. Reads only."""

from decimal import Decimal
from typing import Any

from apps.exchanges.paper.bybit.listing import NAMES, POLICY
from cts.domain.matching.events import Refusal
from cts.domain.matching.state import (
    BookStatus,
    Entry,
    Fill,
    Order,
    TriggerBy,
)
from cts.domain.types import OrderType, PositionSide, Side, TimeInForce
from cts.domain.units import decimal_text as text

Row = dict[str, Any]

STATUS = {
    BookStatus.UNTRIGGERED: "Untriggered",
    BookStatus.NEW: "New",
    BookStatus.PARTIALLY_FILLED: "PartiallyFilled",
    BookStatus.FILLED: "Filled",
    BookStatus.CANCELED: "Cancelled",
    BookStatus.EXPIRED: "Cancelled",
    BookStatus.REJECTED: "Rejected",
}
SIDE = {Side.BUY: "Buy", Side.SELL: "Sell"}
TIME_IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
TRIGGER_BY = {TriggerBy.LAST: "LastPrice", TriggerBy.MARK: "MarkPrice"}
REJECT_REASON = {
    Refusal.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Refusal.WOULD_NOT_FILL: "EC_NoImmediateQtyToFill",
    Refusal.INSUFFICIENT_MARGIN: "EC_NoEnoughQtyToFill",
    Refusal.REDUCE_ONLY: "EC_ReduceOnlyOrderNotAllowed",
    "by_user": "EC_PerCancelRequest",
    "no_liquidity": "EC_NoImmediateQtyToFill",
    "reduce_only": "EC_CancelByReduceOnly",
}


def order_id(number: int) -> str:
    """Ids are UUIDs on the wire; this one carries the number."""
    plain = f"{number:032x}"
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def order_number(wire_id: str) -> int:
    try:
        return int(wire_id.replace("-", ""), 16)
    except ValueError:
        return 0


def position_index(leg: PositionSide | None) -> int:
    return 0 if leg is None else 1 if leg is PositionSide.LONG else 2


def category_of(symbol: str) -> str:
    return "linear" if ":" in symbol else "spot"


def order_row(order: Order) -> Row:
    request = order.request
    average = order.average_price
    is_triggered = order.triggered_ms > 0
    return {
        "orderId": order_id(order.id),
        "orderLinkId": request.client_id,
        "blockTradeId": "",
        "symbol": NAMES[request.symbol],
        "price": text(order.price) if order.price is not None else "0",
        "qty": text(order.quantity),
        "side": SIDE[request.side],
        "isLeverage": "",
        "positionIdx": position_index(request.leg),
        "orderStatus": STATUS[order.status],
        "createType": "CreateByUser",
        "cancelType": "CancelByUser" if order.reason == "by_user" else "UNKNOWN",
        "rejectReason": REJECT_REASON.get(order.reason, "EC_NoError"),
        "avgPrice": text(average) if average is not None else "",
        "leavesQty": text(order.remaining if order.status.is_open else Decimal(0)),
        "leavesValue": "0",
        "cumExecQty": text(order.filled_quantity),
        "cumExecValue": text(order.filled_cost),
        "cumExecFee": text(order.fee),
        "closedPnl": "0",
        "timeInForce": TIME_IN_FORCE[request.time_in_force] if request.order_type is OrderType.LIMIT else "IOC",
        "orderType": "Limit" if request.order_type is OrderType.LIMIT else "Market",
        "stopOrderType": request.attached_as or ("Stop" if order.is_conditional and not is_triggered else ""),
        "orderIv": "",
        "triggerPrice": text(order.trigger_price) if order.trigger_price is not None else "",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": (1 if request.is_rising else 2) if order.is_conditional and not request.is_spot else 0,
        "triggerBy": TRIGGER_BY[request.trigger_by] if order.is_conditional else "",
        "lastPriceOnCreated": text(request.base_price) if request.base_price else "",
        "marketUnit": "baseCoin" if request.is_spot and request.order_type is OrderType.MARKET else "",
        "reduceOnly": request.is_reduce_only,
        "closeOnTrigger": request.is_close_position,
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "tpslMode": "",
        "placeType": "",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def fill_row(fill: Fill, *, order: Order | None) -> Row:
    request = order.request if order else None
    rates = (POLICY.taker_fee_rate, POLICY.maker_fee_rate)
    if category_of(fill.symbol) == "spot":
        rates = (POLICY.spot_taker_fee_rate, POLICY.spot_maker_fee_rate)
    return {
        "symbol": NAMES[fill.symbol],
        "orderId": order_id(fill.order_id),
        "orderLinkId": fill.client_id,
        "side": SIDE[fill.side],
        "orderPrice": text(order.price) if order and order.price is not None else "0",
        "orderQty": text(order.quantity) if order else text(fill.quantity),
        "leavesQty": text(order.remaining) if order else "0",
        "createType": "CreateByLiq" if fill.is_liquidation else "CreateByUser",
        "orderType": "Limit" if request and request.order_type is OrderType.LIMIT else "Market",
        "stopOrderType": "Stop" if order and order.is_conditional else "UNKNOWN",
        "execFee": text(fill.fee),
        "feeCurrency": fill.fee_asset if category_of(fill.symbol) == "spot" else "",
        "execId": order_id(fill.id),
        "execPrice": text(fill.price),
        "execQty": text(fill.quantity),
        "execType": "BustTrade" if fill.is_liquidation else "Trade",
        "execValue": text(fill.price * fill.quantity),
        "execTime": str(fill.at_ms),
        "isMaker": fill.is_maker,
        "feeRate": text(rates[fill.is_maker]),
        "tradeIv": "",
        "markIv": "",
        "markPrice": text(fill.price),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": text(fill.closed_quantity),
        "execPnl": text(fill.realized_pnl),
        "seq": fill.id,
    }


def funding_row(entry: Entry) -> Row:
    """Funding is an execution here: a fee, positive when paid."""
    return {
        "symbol": NAMES[entry.symbol],
        "orderId": order_id(entry.id),
        "orderLinkId": "",
        "side": "Buy",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": text(-entry.amount),
        "feeCurrency": "",
        "execId": order_id(entry.id),
        "execPrice": "0",
        "execQty": "0",
        "execType": "Funding",
        "execValue": "0",
        "execTime": str(entry.at_ms),
        "isMaker": False,
        "feeRate": "0",
        "closedSize": "0",
        "seq": entry.id,
    }
