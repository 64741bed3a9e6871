"""BingX's spot listing, and its spelling of spot orders, trades and balances. Reads only."""

from decimal import Decimal

from apps.exchanges.paper.bingx.rows import POLICY, Row, client_id, status, wire_id
from apps.exchanges.paper.market import spot_of
from cts.domain.matching import wallet
from cts.domain.matching.state import SETTLE, Account, BookStatus, Fill, Order, Rules
from cts.domain.synthetic import PROFILES
from cts.domain.types import OrderType
from cts.domain.units import decimal_text as text

# base: lot step, largest order
_LISTED = {
    "BTC": ("0.00001", "9"),
    "ETH": ("0.0001", "170"),
    "SOL": ("0.001", "3500"),
    "XRP": ("0.01", "250000"),
    "DOGE": ("0.1", "2500000"),
    "BNB": ("0.0001", "650"),
    "ADA": ("0.1", "850000"),
    "AVAX": ("0.001", "20000"),
    "LINK": ("0.001", "25000"),
    "LTC": ("0.001", "5000"),
}
MAX_NOTIONAL = 500_000


def _rules() -> dict[str, Rules]:
    found = {}
    for symbol, profile in PROFILES.items():
        step, high = _LISTED[symbol.split("/")[0]]
        found[spot_of(symbol)] = Rules(
            symbol=spot_of(symbol),
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(step),
            min_quantity=Decimal(step),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(high),
            min_notional=Decimal(5),
            max_open_orders=200,
            max_conditional_orders=100,
        )
    return found


SPOT_RULES = _rules()
SPOT_NAMES = {symbol: symbol.replace("/", "-") for symbol in SPOT_RULES}
SPOT_SYMBOLS = {name: symbol for symbol, name in SPOT_NAMES.items()}


def symbol_row(symbol: str) -> Row:
    """Numbers, not text; the bounds of quantity are deprecated and told all the same."""
    rules = SPOT_RULES[symbol]
    return {
        "symbol": SPOT_NAMES[symbol],
        "minQty": float(rules.min_quantity),
        "maxQty": float(rules.max_quantity),
        "minNotional": float(rules.min_notional),
        "maxNotional": MAX_NOTIONAL,
        "maxMarketNotional": MAX_NOTIONAL,
        "status": 1,
        "tickSize": float(rules.tick_size),
        "stepSize": float(rules.lot_step),
        "apiStateSell": True,
        "apiStateBuy": True,
        "timeOnline": 0,
        "offTime": 0,
        "maintainTime": 0,
        "displayName": SPOT_NAMES[symbol],
    }


def kind(order: Order) -> str:
    is_limit = order.request.order_type is OrderType.LIMIT
    return order.request.attached_as or ("LIMIT" if is_limit else "MARKET")


def status_of(order: Order) -> str:
    """What is over without having been filled is canceled here, whyever it is."""
    if order.status is BookStatus.EXPIRED:
        return "CANCELED"
    return {"CANCELLED": "CANCELED"}.get(status(order), status(order))


def _head(order: Order) -> Row:
    request = order.request
    return {
        "symbol": SPOT_NAMES[request.symbol],
        "orderId": wire_id(order.id),
        "price": text(order.price or Decimal(0)),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled_quantity),
        "cummulativeQuoteQty": text(order.filled_cost),
        "status": status_of(order),
        "type": kind(order),
        "side": request.side.value.upper(),
        "clientOrderID": client_id(order),
    }


def ack_row(order: Order, *, at_ms: int) -> Row:
    """Of an order just placed or canceled."""
    return {**_head(order), "stopPrice": text(order.trigger_price or Decimal(0)), "transactTime": at_ms}


def order_row(order: Order) -> Row:
    """Of a list: the trigger's price has another spelling there."""
    base, quote = wallet.pair(order.request.symbol)
    return {
        **_head(order),
        "StopPrice": text(order.trigger_price or Decimal(0)),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "origQuoteOrderQty": "0",
        "fee": text(-order.fee),
        "feeAsset": base if order.request.side.sign > 0 else quote,
        "avgPrice": float(order.average_price or 0),
    }


def trade_row(fill: Fill) -> Row:
    """The commission is a number, below zero where it was paid."""
    return {
        "symbol": SPOT_NAMES[fill.symbol],
        "id": fill.id,
        "orderId": wire_id(fill.order_id),
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "quoteQty": text(fill.price * fill.quantity),
        "commission": float(-fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": fill.side.sign > 0,
        "isMaker": fill.is_maker,
    }


def balances(account: Account) -> list[tuple[str, Decimal, Decimal]]:
    """(asset, free, locked) of everything ever held."""
    found = []
    for asset in sorted({SETTLE, *account.assets}):
        locked = wallet.reserved(account, asset, policy=POLICY)
        found.append((asset, wallet.total(account, asset, policy=POLICY) - locked, locked))
    return found
