"""OKX's spelling of orders, conditional orders and executions. Sizes are contracts, or coins of spot. Reads only."""

from decimal import Decimal
from typing import Any

from apps.exchanges.paper.okx.listing import NAMES, POLICY, contracts, kind_of
from apps.exchanges.paper.okx.plans import Plan
from cts.domain.matching import trailing
from cts.domain.matching.events import Refusal
from cts.domain.matching.state import SETTLE, Account, BookStatus, Entry, Fill, Order, TriggerBy
from cts.domain.types import MarginMode, OrderType, PositionSide, Side, TimeInForce
from cts.domain.units import decimal_text as text

Row = dict[str, Any]

STATES = {
    BookStatus.NEW: "live",
    BookStatus.PARTIALLY_FILLED: "partially_filled",
    BookStatus.FILLED: "filled",
    BookStatus.CANCELED: "canceled",
    BookStatus.EXPIRED: "canceled",
    BookStatus.REJECTED: "canceled",
}
SIDE = {Side.BUY: "buy", Side.SELL: "sell"}
LEG = {None: "net", PositionSide.LONG: "long", PositionSide.SHORT: "short"}
MARGIN = {MarginMode.CROSS: "cross", MarginMode.ISOLATED: "isolated"}
LIMITS = {
    TimeInForce.GTC: "limit",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.POST_ONLY: "post_only",
}
CANCEL_SOURCES = {
    "by_user": "1",
    Refusal.REDUCE_ONLY: "2",
    Refusal.LIQUIDATED: "6",
    Refusal.WOULD_NOT_FILL: "13",
    "no_liquidity": "14",
    Refusal.WOULD_TAKE: "31",
}
TRIGGER_BY = {TriggerBy.LAST: "last", TriggerBy.MARK: "mark"}
# Client ids of the venue's own making, for orders that came without one.
OWN_ID = "venue-"


def client_id(order: Order) -> str:
    return "" if order.request.client_id.startswith(OWN_ID) else order.request.client_id


def has_become(order: Order) -> bool:
    """Whether a conditional order was set off and taken: from then on an ordinary one stands for it."""
    return order.triggered_id > 0 and order.status is not BookStatus.REJECTED


def order_id(order: Order) -> str:
    return str(order.triggered_id or order.id)


def trade_mode(account: Account, symbol: str) -> str:
    return MARGIN[account.margin_mode_of(symbol)] if kind_of(symbol) == "SWAP" else "cash"


def leverage(account: Account, symbol: str) -> str:
    return str(account.leverage(symbol)) if kind_of(symbol) == "SWAP" else ""


def fee_asset(order: Order) -> str:
    """Of spot a fee is taken of what was received."""
    is_base = kind_of(order.request.symbol) == "SPOT" and order.request.side is Side.BUY
    return order.request.symbol.partition("/")[0] if is_base else SETTLE


def flag(value: bool) -> str:
    return "true" if value else "false"


def order_row(account: Account, order: Order, *, fill: Fill | None = None) -> Row:
    request = order.request
    symbol, average, is_algo = request.symbol, order.average_price, order.is_conditional
    return {
        "accFillSz": contracts(symbol, order.filled_quantity),
        "algoClOrdId": client_id(order) if is_algo else "",
        "algoId": str(order.id) if is_algo else "",
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [],
        "avgPx": text(average) if average is not None else "",
        "cTime": str(order.triggered_ms or order.created_ms),
        "cancelSource": "" if order.status.is_open else CANCEL_SOURCES.get(order.reason, ""),
        "cancelSourceReason": "",
        "category": "normal",
        "ccy": "",
        "clOrdId": "" if is_algo else client_id(order),
        "fee": text(-order.fee),
        "feeCcy": fee_asset(order),
        "fillPx": text(fill.price) if fill else "",
        "fillSz": contracts(symbol, fill.quantity) if fill else "0",
        "fillTime": str(fill.at_ms) if fill else "",
        "instId": NAMES[symbol],
        "instType": kind_of(symbol),
        "lever": leverage(account, symbol),
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": order_id(order),
        "ordType": "market" if request.order_type is OrderType.MARKET else LIMITS[request.time_in_force],
        "pnl": text(fill.realized_pnl) if fill else "0",
        "posSide": LEG[request.leg],
        "px": text(order.price) if order.price is not None else "",
        "rebate": "0",
        "rebateCcy": "USDT",
        "reduceOnly": flag(request.is_reduce_only),
        "side": SIDE[request.side],
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": "7" if is_algo else "",
        "state": STATES[order.status],
        "stpId": "",
        "stpMode": "cancel_maker",
        "sz": contracts(symbol, order.quantity),
        "tag": "",
        "tdMode": trade_mode(account, symbol),
        "tgtCcy": "",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeId": str(fill.id) if fill else "",
        "uTime": str(order.updated_ms),
    }


def algo_state(order: Order) -> str:
    if order.status is BookStatus.UNTRIGGERED:
        return "live"
    if has_become(order):
        return "effective"
    return "order_failed" if order.status is BookStatus.REJECTED else "canceled"


def _or_empty(value: Decimal | None) -> str:
    return "" if value is None else text(value)


def algo_row(account: Account, order: Order, *, plan: Plan) -> Row:
    request, became = order.request, order_id(order) if has_become(order) else ""
    is_market, is_closing, is_plain = (
        request.order_type is OrderType.MARKET,
        request.is_close_position,
        plan.kind == "trigger",
    )
    trigger = _or_empty(order.trigger_price)
    is_trailing = request.trail_ratio is not None
    price = "-1" if is_market else _or_empty(order.price)
    way = plan.way
    told = {f"{way}TriggerPx": trigger, f"{way}OrdPx": price, f"{way}TriggerPxType": TRIGGER_BY[request.trigger_by]}
    row = {
        "activePx": trigger if is_trailing else "",
        "actualPx": _or_empty(order.average_price),
        "actualSide": way,
        "actualSz": contracts(request.symbol, order.filled_quantity) if became else "0",
        "algoClOrdId": client_id(order),
        "algoId": str(order.id),
        "attachAlgoOrds": [],
        "cTime": str(order.created_ms),
        "callbackRatio": _or_empty(request.trail_ratio),
        "callbackSpread": "",
        "ccy": "",
        "clOrdId": "",
        "closeFraction": "1" if is_closing else "",
        "failCode": "51008" if algo_state(order) == "order_failed" else "0",
        "instId": NAMES[request.symbol],
        "instType": kind_of(request.symbol),
        "last": "",
        "lever": leverage(account, request.symbol),
        "moveTriggerPx": _or_empty(trailing.stop_price(order)),
        "ordId": became,
        "ordIdList": [became] if became else [],
        "ordPx": price if is_plain else "",
        "ordType": plan.kind,
        "posSide": LEG[request.leg],
        "reduceOnly": flag(request.is_reduce_only),
        "side": SIDE[request.side],
        **dict.fromkeys(("slOrdPx", "slTriggerPx", "slTriggerPxType", "tpOrdPx", "tpTriggerPx", "tpTriggerPxType"), ""),
        "state": algo_state(order),
        "sz": "" if is_closing else contracts(request.symbol, order.quantity),
        "tag": "",
        "tdMode": trade_mode(account, request.symbol),
        "tgtCcy": "",
        "triggerPx": trigger if is_plain else "",
        "triggerPxType": TRIGGER_BY[request.trigger_by] if is_plain else "",
        "triggerTime": str(order.triggered_ms) if order.triggered_ms else "",
        "uTime": str(order.updated_ms),
    }
    return row | told if way else row


def fill_row(fill: Fill, *, order: Order | None) -> Row:
    is_plain = order is None or not order.is_conditional
    is_spot = kind_of(fill.symbol) == "SPOT"
    maker, taker = (
        (POLICY.spot_maker_fee_rate, POLICY.spot_taker_fee_rate)
        if is_spot
        else (POLICY.maker_fee_rate, POLICY.taker_fee_rate)
    )
    return {
        "billId": str(fill.id),
        "clOrdId": fill.client_id if is_plain and not fill.client_id.startswith(OWN_ID) else "",
        "execType": "M" if fill.is_maker else "T",
        "fee": text(-fill.fee),
        "feeCcy": fill.fee_asset or SETTLE,
        "feeRate": text(-(maker if fill.is_maker else taker)),
        "fillIdxPx": text(fill.price),
        "fillMarkPx": text(fill.price),
        "fillPnl": text(fill.realized_pnl),
        "fillPx": text(fill.price),
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillSz": contracts(fill.symbol, fill.quantity),
        "fillTime": str(fill.at_ms),
        "instId": NAMES[fill.symbol],
        "instType": kind_of(fill.symbol),
        "ordId": order_id(order) if order else str(fill.order_id),
        "posSide": LEG[order.request.leg] if order else "net",
        "side": SIDE[fill.side],
        "subType": "1",
        "tag": "",
        "tradeId": str(fill.id),
        "ts": str(fill.at_ms),
    }


def bill_row(entry: Entry) -> Row:
    """Funding, as a line of the account's ledger: 173 paid, 174 received."""
    amount = text(entry.amount)
    return {
        "bal": "",
        "balChg": amount,
        "billId": str(entry.id),
        "ccy": "USDT",
        "clOrdId": "",
        "fee": "0",
        "instId": NAMES[entry.symbol],
        "instType": "SWAP",
        "mgnMode": "cross",
        "ordId": "",
        "pnl": amount,
        "posBal": "0",
        "posBalChg": "0",
        "px": "",
        "subType": "173" if entry.amount < 0 else "174",
        "sz": "",
        "ts": str(entry.at_ms),
        "type": "8",
    }
