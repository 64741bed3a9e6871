"""BingX's spelling of orders, fills and money. Reads only."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from cts.domain.matching.state import Account, BookStatus, Entry, EntryKind, Fill, Order, Policy, Rules, TriggerBy
from cts.domain.synthetic import PROFILES
from cts.domain.types import OrderType, PositionMode, PositionSide, TimeInForce
from cts.domain.units import decimal_text as text

Row = dict[str, Any]

POLICY = Policy(
    maker_fee_rate=Decimal("0.0002"),
    taker_fee_rate=Decimal("0.0005"),
    is_crossing_refused=True,
    is_wallet_unified=False,
)
# base: decimals of quantities, max quantity, max leverage, maintenance ratio
_LISTED = {
    "BTC": (4, "200", 125, "0.004"),
    "ETH": (2, "5000", 125, "0.005"),
    "SOL": (2, "100000", 75, "0.01"),
    "XRP": (1, "5000000", 75, "0.01"),
    "DOGE": (0, "20000000", 75, "0.01"),
    "BNB": (2, "10000", 75, "0.01"),
    "ADA": (0, "5000000", 75, "0.01"),
    "AVAX": (2, "100000", 75, "0.01"),
    "LINK": (2, "200000", 75, "0.01"),
    "LTC": (2, "50000", 75, "0.01"),
}
# Ids of orders lie beyond what a float holds exactly.
_ID_BASE = 1_900_000_000_000_000_000
# Of an order whose client id isn't kept: the kind it was asked for as, which no client may write.
KEPT_APART = "~"
_SINGAPORE = timezone(timedelta(hours=8))


def _rules() -> dict[str, Rules]:
    found = {}
    for symbol, profile in PROFILES.items():
        decimals, largest, leverage, ratio = _LISTED[symbol.split("/")[0]]
        step = Decimal(1).scaleb(-decimals)
        found[symbol] = Rules(
            symbol=symbol,
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=step,
            min_quantity=step,
            max_quantity=Decimal(largest),
            max_market_quantity=Decimal(largest),
            min_notional=Decimal(2),
            max_leverage=leverage,
            maintenance_ratio=Decimal(ratio),
            max_open_orders=200,
            max_conditional_orders=100,
        )
    return found


RULES = _rules()
NAMES = {symbol: symbol.split("/")[0] + "-USDT" for symbol in RULES}
SYMBOLS = {name: symbol for symbol, name in NAMES.items()}
TIME_IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
WORKING_TYPE = {TriggerBy.LAST: "CONTRACT_PRICE", TriggerBy.MARK: "MARK_PRICE"}
INCOME = {
    EntryKind.DEPOSIT: "TRANSFER",
    EntryKind.REALIZED: "REALIZED_PNL",
    EntryKind.FEE: "TRADING_FEE",
    EntryKind.FUNDING: "FUNDING_FEE",
    EntryKind.INSURANCE: "INSURANCE_CLEAR",
}


def wire_id(number: int) -> int:
    return _ID_BASE + number


def order_number(raw: str) -> int:
    return int(raw) - _ID_BASE if raw.isdigit() and len(raw) < 25 else 0


def status(order: Order) -> str:
    """What waits for its trigger is new; what rests is pending."""
    if order.status is BookStatus.NEW:
        return "PENDING" if order.request.order_type is OrderType.LIMIT else "NEW"
    return {
        BookStatus.UNTRIGGERED: "NEW",
        BookStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
        BookStatus.FILLED: "FILLED",
        BookStatus.CANCELED: "CANCELLED",
        BookStatus.EXPIRED: "EXPIRED",
        BookStatus.REJECTED: "FAILED",
    }[order.status]


def client_id(order: Order) -> str:
    return "" if order.request.client_id.startswith(KEPT_APART) else order.request.client_id


def kind(order: Order) -> str:
    if order.request.client_id.startswith(KEPT_APART) and order.is_conditional:
        return order.request.client_id.split(KEPT_APART)[1]
    if order.request.client_id.startswith("liquidation"):
        return "LIQUIDATION"
    return "LIMIT" if order.request.order_type is OrderType.LIMIT else "MARKET"


def position_side(leg: PositionSide | None) -> str:
    return "BOTH" if leg is None else leg.value.upper()


def fill_leg(account: Account, fill: Fill, order: Order | None) -> str:
    if order is not None:
        return position_side(order.request.leg)
    return position_side(fill.leg if account.position_mode is PositionMode.HEDGE else None)


def _trail(order: Order) -> Row:
    ratio = order.request.trail_ratio
    return (
        {} if ratio is None else {"priceRate": text(ratio), "activationPrice": text(order.trigger_price or Decimal(0))}
    )


def order_row(order: Order, *, leverage: int) -> Row:
    """Where a trailing stop would be set off now isn't told."""
    request = order.request
    is_waiting = order.is_conditional and request.trail_ratio is None
    return {
        "symbol": NAMES[request.symbol],
        "orderId": wire_id(order.id),
        "side": request.side.value.upper(),
        "positionSide": position_side(request.leg),
        "type": kind(order),
        "origQty": text(order.quantity),
        "price": text(order.price or Decimal(0)),
        "executedQty": text(order.filled_quantity),
        "avgPrice": text(order.average_price or Decimal(0)),
        "cumQuote": text(order.filled_cost),
        "stopPrice": text(order.trigger_price or Decimal(0)) if is_waiting else "",
        "profit": "",
        "commission": text(-order.fee),
        "status": status(order),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "clientOrderId": client_id(order),
        "leverage": f"{leverage}X",
        "takeProfit": {"type": "", "quantity": 0, "stopPrice": 0, "price": 0, "workingType": ""},
        "stopLoss": {"type": "", "quantity": 0, "stopPrice": 0, "price": 0, "workingType": ""},
        "advanceAttr": 0,
        "positionID": 0,
        "takeProfitEntrustPrice": 0,
        "stopLossEntrustPrice": 0,
        "orderType": "",
        "workingType": WORKING_TYPE[request.trigger_by],
        "onlyOnePosition": request.leg is None,
        "reduceOnly": request.is_reduce_only,
        "stopGuaranteed": "false",
        "closePosition": "true" if request.is_close_position else "",
        "timeInForce": TIME_IN_FORCE[request.time_in_force],
        **_trail(order),
    }


def fill_row(account: Account, fill: Fill) -> Row:
    """Of the history of trades. Local time, as the venue writes it there."""
    order = account.order(fill.order_id)
    at = datetime.fromtimestamp(fill.at_ms / 1000, _SINGAPORE)
    return {
        "symbol": NAMES[fill.symbol],
        "qty": text(fill.quantity),
        "price": text(fill.price),
        "quoteQty": text(fill.price * fill.quantity),
        "commission": text(-fill.fee),
        "commissionAsset": "USDT",
        "orderId": str(wire_id(fill.order_id)),
        "tradeId": str(fill.id),
        "filledTime": f"{at:%Y-%m-%dT%H:%M:%S}.{fill.at_ms % 1000:03d}+08:00",
        "side": fill.side.value.upper(),
        "positionSide": fill_leg(account, fill, order),
        "role": "maker" if fill.is_maker else "taker",
        "realisedPNL": text(fill.realized_pnl),
    }


def fill_order_row(account: Account, fill: Fill, *, is_in_contracts: bool) -> Row:
    """Of the older list of trades, which has no trade id; a contract is the least one may trade."""
    order = account.order(fill.order_id)
    row = fill_row(account, fill)
    unit = RULES[fill.symbol].min_quantity if is_in_contracts else Decimal(1)
    at = datetime.fromtimestamp(fill.at_ms / 1000, UTC)
    return {
        "filledTm": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "volume": text(fill.quantity / unit),
        "price": row["price"],
        "amount": row["quoteQty"],
        "commission": row["commission"],
        "currency": "USDT",
        "orderId": row["orderId"],
        "liquidatedPrice": "0.00",
        "liquidatedMarginRatio": "0.00",
        "filledTime": row["filledTime"].replace("+08:00", "+0800"),
        "clientOrderID": client_id(order) if order else "",
        "symbol": row["symbol"],
        "side": row["side"],
        "positionSide": row["positionSide"],
        "type": kind(order) if order else "MARKET",
    }


def income_row(entry: Entry) -> Row:
    return {
        "symbol": NAMES.get(entry.symbol, ""),
        "incomeType": INCOME[entry.kind],
        "income": text(entry.amount),
        "asset": "USDT",
        "info": INCOME[entry.kind].replace("_", " ").title(),
        "time": entry.at_ms,
        "tranId": f"{entry.id}_0_0_{entry.at_ms}",
        "tradeId": str(entry.fill_id) if entry.fill_id else "",
    }
