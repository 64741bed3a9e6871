"""Pionex's spot listing, and its spelling of spot orders, trades and balances. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.market import spot_of
from apps.exchanges.paper.pionex.rows import POLICY, SIDE, Row, wire_id
from cts.domain.matching import wallet
from cts.domain.matching.state import SETTLE, Account, Fill, Order, Rules
from cts.domain.synthetic import PROFILES
from cts.domain.types import OrderType, TimeInForce
from cts.domain.units import decimal_text as text

# base: decimals of quantities, least size, largest limit order, largest sale at market
_LISTED = {
    "BTC": (6, "0.000001", "200", "20"),
    "ETH": (5, "0.00001", "3000", "300"),
    "SOL": (3, "0.001", "50000", "5000"),
    "XRP": (1, "0.1", "4000000", "400000"),
    "DOGE": (0, "1", "20000000", "2000000"),
    "BNB": (4, "0.0001", "10000", "1000"),
    "ADA": (1, "0.1", "5000000", "500000"),
    "AVAX": (3, "0.001", "100000", "10000"),
    "LINK": (3, "0.001", "200000", "20000"),
    "LTC": (4, "0.0001", "40000", "4000"),
}
# How an order was asked for, kept with it: the venue tells a buy at market by its amount.
AMOUNT = "amount "


def _rules() -> dict[str, Rules]:
    found = {}
    for perpetual, profile in PROFILES.items():
        symbol = spot_of(perpetual)
        digits, low, high, dumping = _LISTED[symbol.split("/")[0]]
        found[symbol] = Rules(
            symbol=symbol,
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(1).scaleb(-digits),
            min_quantity=Decimal(low),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(dumping),
            min_notional=Decimal(5),
            max_open_orders=200,
        )
    return found


SPOT_RULES = _rules()
SPOT_NAMES = {symbol: symbol.replace("/", "_") for symbol in SPOT_RULES}
SPOT_SYMBOLS = {name: symbol for symbol, name in SPOT_NAMES.items()}


def listing(symbol: str) -> Row:
    rules, (base, _, quote) = SPOT_RULES[symbol], symbol.partition("/")
    return {
        "symbol": SPOT_NAMES[symbol],
        "type": "SPOT",
        "baseCurrency": base,
        "quoteCurrency": quote,
        "basePrecision": _LISTED[base][0],
        "quotePrecision": max(0, -int(rules.tick_size.as_tuple().exponent)),
        "amountPrecision": 8,
        "minAmount": text(rules.min_notional),
        "minTradeSize": text(rules.min_quantity),
        "maxTradeSize": text(rules.max_quantity),
        "minTradeDumping": text(rules.min_quantity),
        "maxTradeDumping": text(rules.max_market_quantity),
        "enable": True,
        "buyCeiling": "1.1",
        "sellFloor": "0.9",
    }


def order_row(order: Order) -> Row:
    request = order.request
    base, quote = wallet.pair(request.symbol)
    is_market = request.order_type is OrderType.MARKET
    amount = request.attached_as.removeprefix(AMOUNT) if request.attached_as.startswith(AMOUNT) else ""
    return {
        "orderId": wire_id(order.id),
        "symbol": SPOT_NAMES[request.symbol],
        "type": "MARKET" if is_market else "LIMIT",
        "side": SIDE[request.side],
        "price": text(order.price) if order.price is not None else "0",
        "size": "0" if amount else text(order.quantity),
        "amount": amount,
        "filledSize": text(order.filled_quantity),
        "filledAmount": text(order.filled_cost),
        "fee": text(order.fee),
        "feeCoin": base if request.side.sign > 0 else quote,
        "status": "OPEN" if order.status.is_open else "CLOSED",
        "IOC": not is_market and request.time_in_force is TimeInForce.IOC,
        "clientOrderId": request.client_id,
        "source": "API",
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
    }


def fill_row(fill: Fill) -> Row:
    """It doesn't name the client's id."""
    return {
        "id": wire_id(fill.id),
        "orderId": wire_id(fill.order_id),
        "symbol": SPOT_NAMES[fill.symbol],
        "side": SIDE[fill.side],
        "role": "MAKER" if fill.is_maker else "TAKER",
        "price": text(fill.price),
        "size": text(fill.quantity),
        "fee": text(fill.fee),
        "feeCoin": fill.fee_asset,
        "timestamp": fill.at_ms,
    }


def balance_rows(account: Account) -> list[Row]:
    """By coin: everything ever held."""
    rows = []
    for asset in sorted({SETTLE, *account.assets}):
        frozen = wallet.reserved(account, asset, policy=POLICY)
        free = wallet.total(account, asset, policy=POLICY) - frozen
        rows.append({"coin": asset, "free": f"{free:.8f}", "frozen": f"{frozen:.8f}"})
    return rows
