"""Pionex's listing, and its spelling of orders, fills and funding. Reads only."""

from decimal import Decimal
from typing import Any

from apps.exchanges.paper.listing import perpetual_rules
from cts.domain.matching.state import Account, Entry, Fill, Order, Policy, Request
from cts.domain.types import MarginMode, OrderType, PositionMode, PositionSide, Side, TimeInForce
from cts.domain.units import decimal_text as text

Row = dict[str, Any]

POLICY = Policy(
    maker_fee_rate=Decimal("0.0002"),
    taker_fee_rate=Decimal("0.0005"),
    spot_maker_fee_rate=Decimal("0.0005"),
    spot_taker_fee_rate=Decimal("0.0005"),
    is_wallet_unified=False,
)
# base: lot step, min quantity, max quantity, max market quantity, max leverage, maintenance ratio
_LISTED = {
    "BTC": ("0.0001", "0.0001", "1000", "120", 100, "0.005"),
    "ETH": ("0.001", "0.001", "8000", "2000", 100, "0.005"),
    "SOL": ("0.01", "0.01", "70000", "8000", 75, "0.01"),
    "XRP": ("0.1", "0.1", "4000000", "500000", 75, "0.01"),
    "DOGE": ("1", "1", "30000000", "4000000", 75, "0.01"),
    "BNB": ("0.01", "0.01", "9000", "1500", 50, "0.01"),
    "ADA": ("1", "1", "8000000", "1000000", 50, "0.01"),
    "AVAX": ("0.1", "0.1", "150000", "20000", 50, "0.01"),
    "LINK": ("0.1", "0.1", "200000", "25000", 50, "0.01"),
    "LTC": ("0.01", "0.01", "45000", "6000", 50, "0.01"),
}
# Order and trade ids go beyond what a double can hold.
ID_BASE = 11_000_000_000_000_000


RULES = perpetual_rules(_LISTED, min_notional="5", max_open_orders=200)
NAMES = {symbol: symbol.split("/")[0] + "_USDT_PERP" for symbol in RULES}
SYMBOLS = {name: symbol for symbol, name in NAMES.items()}

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
SIDE = {side: word for word, side in SIDES.items()}
LEGS = {"BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
LEG = {leg: word for word, leg in LEGS.items()}
MODES = {"BUYSELL": PositionMode.ONE_WAY, "OPENCLOSE": PositionMode.HEDGE}
MODE = {mode: word for word, mode in MODES.items()}
FORCES = {
    "LIMIT": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "POSTONLY": TimeInForce.POST_ONLY,
}
FORCE = {force: word for word, force in FORCES.items()}


def wire_id(number: int) -> int:
    return ID_BASE + number


def own_id(number: int) -> int:
    return number - ID_BASE


def type_word(request: Request) -> str:
    return FORCE[request.time_in_force] if request.order_type is OrderType.LIMIT else "MARKET_QTY"


def isolated_word(account: Account, symbol: str, leg: PositionSide | None) -> str:
    if account.margin_mode_of(symbol) is MarginMode.CROSS:
        return "CROSS"
    return f"ISOLATED_{LEG[leg]}" if account.position_mode is PositionMode.HEDGE else "ISOLATED_BOTH"


def order_row(account: Account, order: Order) -> Row:
    """`size` is what was left after a reduce-only order was trimmed, `origSize` what was asked for."""
    request = order.request
    is_system = request.client_id.startswith("liquidation")
    return {
        "orderId": wire_id(order.id),
        "symbol": NAMES[request.symbol],
        "type": type_word(request),
        "positionMode": MODE[account.position_mode],
        "isolatedMode": isolated_word(account, request.symbol, request.leg),
        "side": SIDE[request.side],
        "positionSide": LEG[request.leg],
        "price": text(order.price) if order.price is not None else "0",
        "origSize": text(request.quantity),
        "size": text(order.quantity),
        "amount": "",
        "filledSize": text(order.filled_quantity),
        "filledAmount": text(order.filled_cost),
        "status": "OPEN" if order.status.is_open else "CLOSED",
        "reduceOnly": request.is_reduce_only and request.leg is None,
        "clientOrderId": "" if is_system else request.client_id,
        "source": "SYSTEM" if is_system else "API",
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
    }


def fill_row(fill: Fill) -> Row:
    """It names neither the client's id nor the leg."""
    return {
        "id": wire_id(fill.id),
        "orderId": wire_id(fill.order_id),
        "symbol": NAMES[fill.symbol],
        "side": SIDE[fill.side],
        "role": "MAKER" if fill.is_maker else "TAKER",
        "price": text(fill.price),
        "size": text(fill.quantity),
        "fee": text(fill.fee),
        "feeCoin": "USDT",
        "feeType": "LIQUIDATION" if fill.is_liquidation else "TRADING",
        "timestamp": fill.at_ms,
    }


def funding_row(account: Account, entry: Entry, *, rate: Decimal) -> Row:
    """A fee: positive when paid."""
    is_cross = account.margin_mode_of(entry.symbol) is MarginMode.CROSS
    return {
        "symbol": NAMES[entry.symbol],
        "isolatedMode": "CROSS" if is_cross else "ISOLATED",
        "fundingFee": text(-entry.amount),
        "fundingCoin": "USDT",
        "timestamp": entry.at_ms,
        "fundingRate": text(rate),
    }
