"""What OKX lists, perpetuals and spot: filters, fees, names, and how many base coins a unit of size is."""

from decimal import Decimal

from apps.exchanges.paper.market import spot_of
from cts.domain.matching.state import ZERO, Policy, Rules
from cts.domain.synthetic import PROFILES
from cts.domain.units import decimal_text as text

POLICY = Policy(
    maker_fee_rate=Decimal("0.0002"),
    taker_fee_rate=Decimal("0.0005"),
    spot_maker_fee_rate=Decimal("0.0008"),
    spot_taker_fee_rate=Decimal("0.001"),
    is_wallet_unified=True,
)
# base: base coins of a contract, and in contracts: lot and least size, largest, largest at market; leverage; ratio
_LISTED = {
    "BTC": ("0.01", "0.01", "100000000", "12000", 100, "0.004"),
    "ETH": ("0.1", "0.01", "100000000", "20000", 100, "0.004"),
    "SOL": ("1", "0.01", "100000000", "30000", 50, "0.0065"),
    "XRP": ("100", "0.01", "100000000", "40000", 50, "0.0065"),
    "DOGE": ("1000", "0.01", "100000000", "10000", 50, "0.0065"),
    "BNB": ("0.01", "1", "100000000", "60000", 50, "0.0065"),
    "ADA": ("100", "0.1", "100000000", "50000", 50, "0.0065"),
    "AVAX": ("1", "1", "100000000", "25000", 50, "0.01"),
    "LINK": ("1", "0.1", "100000000", "30000", 50, "0.01"),
    "LTC": ("1", "0.1", "100000000", "20000", 50, "0.01"),
}
# base: lot, least size, largest limit order, in coins
_SPOT_LISTED = {
    "BTC": ("0.00000001", "0.00001", "9999999999"),
    "ETH": ("0.000001", "0.0001", "9999999999"),
    "SOL": ("0.000001", "0.001", "9999999999"),
    "XRP": ("0.000001", "1", "9999999999"),
    "DOGE": ("0.000001", "10", "9999999999"),
    "BNB": ("0.000001", "0.001", "9999999999"),
    "ADA": ("0.000001", "1", "9999999999"),
    "AVAX": ("0.000001", "0.01", "9999999999"),
    "LINK": ("0.000001", "0.1", "9999999999"),
    "LTC": ("0.000001", "0.01", "9999999999"),
}


def _rules() -> dict[str, Rules]:
    found = {}
    for symbol, profile in PROFILES.items():
        size, lot, high, market, leverage, ratio = _LISTED[symbol.split("/")[0]]
        step = Decimal(size) * Decimal(lot)
        found[symbol] = Rules(
            symbol=symbol,
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=step,
            min_quantity=step,
            max_quantity=Decimal(size) * Decimal(high),
            max_market_quantity=Decimal(size) * Decimal(market),
            min_notional=ZERO,
            max_leverage=leverage,
            maintenance_ratio=Decimal(ratio),
            max_conditional_orders=100,
        )
    return found


def _spot_rules() -> dict[str, Rules]:
    """No least value; of what is done at market the largest is told in quote, and far beyond any book here."""
    found = {}
    for perpetual, profile in PROFILES.items():
        symbol = spot_of(perpetual)
        lot, low, high = _SPOT_LISTED[symbol.split("/")[0]]
        found[symbol] = Rules(
            symbol=symbol,
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(lot),
            min_quantity=Decimal(low),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(high),
            min_notional=ZERO,
            max_conditional_orders=100,
        )
    return found


_SWAPS, _COINS = _rules(), _spot_rules()
RULES = _SWAPS | _COINS
KINDS = {"SWAP": _SWAPS, "SPOT": _COINS}
SIZES = {symbol: Decimal(_LISTED[symbol.split("/")[0]][0]) for symbol in _SWAPS} | dict.fromkeys(_COINS, Decimal(1))
NAMES = {symbol: f"{symbol.split('/')[0]}-USDT-SWAP" for symbol in _SWAPS} | {
    symbol: symbol.replace("/", "-") for symbol in _COINS
}
SYMBOLS = {name: symbol for symbol, name in NAMES.items()}


def kind_of(symbol: str) -> str:
    return "SWAP" if symbol in _SWAPS else "SPOT"


def contracts(symbol: str, quantity: Decimal) -> str:
    """A quantity as sizes are told: contracts of a swap, coins of spot."""
    return text(quantity / SIZES[symbol])
