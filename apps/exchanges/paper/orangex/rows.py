"""OrangeX's listing, and its spelling of orders and trades. Reads only."""

from decimal import Decimal
from typing import Any

from apps.exchanges.paper.listing import perpetual_rules
from apps.exchanges.paper.market import spot_of
from cts.domain.matching.events import Refusal
from cts.domain.matching.state import BookStatus, Fill, Order, Policy, Request, Rules, TriggerBy
from cts.domain.types import OrderType, PositionSide, Side, TimeInForce
from cts.domain.units import decimal_text as text

Row = dict[str, Any]

LOW_RATE, HIGH_RATE = "0.5", "1.5"
POLICY = Policy(
    maker_fee_rate=Decimal("0.0002"),
    taker_fee_rate=Decimal("0.0006"),
    spot_maker_fee_rate=Decimal("0.0008"),
    spot_taker_fee_rate=Decimal("0.001"),
    price_band_ratio=Decimal(HIGH_RATE) - 1,
    is_wallet_unified=False,
)
# base: lot step, min quantity (not everywhere one step), max quantity, max market quantity, max leverage, maintenance
_LISTED = {
    "BTC": ("0.001", "0.001", "1000", "500", 200, "0.004"),
    "ETH": ("0.01", "0.01", "10000", "3000", 200, "0.004"),
    "SOL": ("0.1", "0.1", "100000", "20000", 100, "0.01"),
    "XRP": ("0.1", "1", "4000000", "1000000", 75, "0.01"),
    "DOGE": ("1", "10", "36000000", "8000000", 75, "0.01"),
    "BNB": ("0.01", "0.01", "9000", "3000", 75, "0.01"),
    "ADA": ("1", "1", "8000000", "2000000", 75, "0.01"),
    "AVAX": ("0.1", "0.1", "150000", "40000", 75, "0.01"),
    "LINK": ("0.1", "0.1", "200000", "50000", 75, "0.01"),
    "LTC": ("0.01", "0.1", "45000", "12000", 75, "0.01"),
}
# base: lot step, least size, largest of spot
_SPOT_LISTED = {
    "BTC": ("0.00001", "0.0001", "200"),
    "ETH": ("0.0001", "0.001", "3000"),
    "SOL": ("0.01", "0.01", "50000"),
    "XRP": ("0.1", "1", "4000000"),
    "DOGE": ("1", "10", "20000000"),
    "BNB": ("0.001", "0.01", "9000"),
    "ADA": ("0.1", "1", "8000000"),
    "AVAX": ("0.01", "0.1", "150000"),
    "LINK": ("0.01", "0.1", "200000"),
    "LTC": ("0.001", "0.01", "45000"),
}


def _spot_rules() -> dict[str, Rules]:
    found = {}
    for symbol, rules in PERPETUALS.items():
        step, low, high = _SPOT_LISTED[symbol.split("/")[0]]
        found[spot_of(symbol)] = Rules(
            symbol=spot_of(symbol),
            tick_size=rules.tick_size,
            lot_step=Decimal(step),
            min_quantity=Decimal(low),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(high),
            min_notional=Decimal(5),
            max_open_orders=500,
        )
    return found


PERPETUALS = perpetual_rules(_LISTED, min_notional="10")
COINS = _spot_rules()
RULES = PERPETUALS | COINS
# What the venue calls currencies, with the kind of each.
LISTS = {"PERPETUAL": PERPETUALS, "SPOT": COINS}
NAMES = {symbol: f"{symbol.split('/')[0]}-USDT-{currency}" for currency, rules in LISTS.items() for symbol in rules}
SYMBOLS = {name: symbol for symbol, name in NAMES.items()}
NUMBERS = {name: 28 + index for index, name in enumerate(SYMBOLS)}

STATE = {
    BookStatus.UNTRIGGERED: "open",
    BookStatus.NEW: "open",
    BookStatus.PARTIALLY_FILLED: "open",
    BookStatus.FILLED: "filled",
    BookStatus.CANCELED: "canceled",
    BookStatus.EXPIRED: "canceled",
    BookStatus.REJECTED: "rejected",
}
SIDE = {Side.BUY: "buy", Side.SELL: "sell"}
FORCE = {TimeInForce.GTC: "GTC", TimeInForce.POST_ONLY: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
WRONG_MODE = "wrong_mode"
ERROR_CODES = {WRONG_MODE: 5998, Refusal.INSUFFICIENT_MARGIN.value: 5907, Refusal.INSUFFICIENT_BALANCE.value: 5907}
# Ids on the wire are far beyond what a float can hold.
_FIRST_ID = 828_697_200_000_000_000
# Parts a client id of the wire from the kind of condition and from what makes it unique: the venue takes one twice.
_PART = "|"


def currency_of(symbol: str) -> str:
    return "PERPETUAL" if symbol in PERPETUALS else "SPOT"


def order_id(number: int) -> str:
    return str(_FIRST_ID + number)


def order_number(wire_id: str) -> int:
    return int(wire_id) - _FIRST_ID if wire_id.isascii() and wire_id.isdigit() and len(wire_id) < 20 else 0


def unique_id(wire_id: str, condition: str, number: int) -> str:
    return _PART.join((wire_id, condition, str(number)))


def client_id(unique: str) -> str:
    return unique.partition(_PART)[0]


def natural_condition(side: Side, *, is_rising: bool) -> str:
    """A stop goes with the move it waits for; what goes against it is touched."""
    return "STOP" if (side is Side.BUY) is is_rising else "IF_TOUCHED"


def condition(request: Request) -> str:
    """As it was asked for: a stop may wait for the other direction, too."""
    if _PART in request.client_id:
        return request.client_id.split(_PART)[1]
    return natural_condition(request.side, is_rising=request.is_rising)


def leg_word(leg: PositionSide | None) -> str:
    return "BOTH" if leg is None else "LONG" if leg is PositionSide.LONG else "SHORT"


def order_row(order: Order) -> Row:
    request = order.request
    is_limit = request.order_type is OrderType.LIMIT
    average = order.average_price
    row = {
        "instrId": NUMBERS[NAMES[request.symbol]],
        "currency": currency_of(request.symbol),
        "kind": currency_of(request.symbol).lower(),
        "direction": SIDE[request.side],
        "amount": text(order.quantity),
        "price": text(order.price) if is_limit and order.price is not None else "-1",
        "advanced": "usdt",
        "source": "api",
        "mmp": False,
        "version": 1,
        "order_id": order_id(order.id),
        "custom_order_id": client_id(request.client_id),
        "order_state": STATE[order.status],
        "instrument_name": NAMES[request.symbol],
        "show_name": request.symbol.split("/")[0] + "USDT",
        "filled_amount": text(order.filled_quantity),
        "average_price": text(average) if average is not None else "0",
        "order_type": "limit" if is_limit else "market",
        "time_in_force": FORCE[request.time_in_force] if is_limit else "GTC",
        "post_only": request.time_in_force is TimeInForce.POST_ONLY,
        "reduce_only": request.is_reduce_only,
        "condition_type": "NORMAL",
        "trigger_touch": order.triggered_ms > 0,
        "trigger_price_type": 1,
        "stop_loss_price": "0",
        "stop_loss_type": 1,
        "take_profit_price": "0",
        "take_profit_type": 1,
        "error_code": ERROR_CODES.get(order.reason, 0),
        "creation_timestamp": order.created_ms,
        "last_update_timestamp": order.updated_ms,
        "position_side": leg_word(request.leg),
    }
    if order.trigger_price is not None:
        row["condition_type"] = condition(request)
        row["trigger_price"] = text(order.trigger_price)
        row["trigger_price_type"] = 2 if request.trigger_by is TriggerBy.LAST else 1
    return row


def fill_row(fill: Fill, *, order: Order | None) -> Row:
    """A trade names its leg, but not the client's id of its order."""
    request = order.request if order else None
    return {
        "instrId": NUMBERS[NAMES[fill.symbol]],
        "direction": SIDE[fill.side],
        "amount": text(fill.quantity),
        "price": text(fill.price),
        "timestamp": fill.at_ms,
        "role": "maker" if fill.is_maker else "taker",
        "rpl": text(fill.realized_pnl),
        "positionSide": leg_word(request.leg if request else None),
        "fee": text(fill.fee),
        "feeCoupon": "0",
        "feeActual": text(fill.fee),
        "feeReal": text(fill.fee),
        "source": "api",
        "trade_id": str(fill.id),
        "order_id": order_id(fill.order_id),
        "instrument_name": NAMES[fill.symbol],
        "show_name": fill.symbol.split("/")[0] + "USDT",
        "order_type": "limit" if request and request.order_type is OrderType.LIMIT else "market",
        "fee_use_coupon": False,
        "fee_coin_type": fill.fee_asset,
        "index_price": "",
        "mark_price": text(fill.price),
        "self_trade": False,
    }
