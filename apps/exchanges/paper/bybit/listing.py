"""What Bybit lists, perpetuals and spot: filters, fees, names."""

from decimal import Decimal

from apps.exchanges.paper.listing import perpetual_rules
from apps.exchanges.paper.market import spot_of
from cts.domain.matching.state import Policy, Rules
from cts.domain.synthetic import PROFILES

POLICY = Policy(maker_fee_rate=Decimal("0.0002"), taker_fee_rate=Decimal("0.00055"), is_wallet_unified=True)
# base: lot step, min quantity, max quantity, max market quantity, max leverage, maintenance ratio
_LISTED = {
    "BTC": ("0.001", "0.001", "1190", "500", 100, "0.005"),
    "ETH": ("0.01", "0.01", "7240", "3000", 100, "0.005"),
    "SOL": ("0.1", "0.1", "79770", "20000", 100, "0.01"),
    "XRP": ("0.1", "0.1", "4000000", "1000000", 75, "0.01"),
    "DOGE": ("1", "1", "36000000", "8000000", 75, "0.01"),
    "BNB": ("0.01", "0.01", "9000", "3000", 75, "0.01"),
    "ADA": ("1", "1", "8000000", "2000000", 75, "0.01"),
    "AVAX": ("0.1", "0.1", "150000", "40000", 75, "0.01"),
    "LINK": ("0.1", "0.1", "200000", "50000", 75, "0.01"),
    "LTC": ("0.1", "0.1", "45000", "12000", 75, "0.01"),
}
# base: precision and smallest order, largest limit order, largest market order
_SPOT_LISTED = {
    "BTC": ("0.000001", "83", "41"),
    "ETH": ("0.00001", "2600", "1300"),
    "SOL": ("0.001", "32000", "16000"),
    "XRP": ("0.01", "3000000", "1500000"),
    "DOGE": ("0.1", "16000000", "8000000"),
    "BNB": ("0.0001", "2200", "1100"),
    "ADA": ("0.01", "3200000", "1600000"),
    "AVAX": ("0.001", "120000", "60000"),
    "LINK": ("0.001", "180000", "90000"),
    "LTC": ("0.00001", "28000", "14000"),
}


def _spot_rules() -> dict[str, Rules]:
    found = {}
    for symbol, profile in PROFILES.items():
        step, high, market = _SPOT_LISTED[symbol.split("/")[0]]
        found[spot_of(symbol)] = Rules(
            symbol=spot_of(symbol),
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(step),
            min_quantity=Decimal(step),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(market),
            min_notional=Decimal(5),
            max_conditional_orders=30,
        )
    return found


_LINEAR, _SPOT = perpetual_rules(_LISTED, min_notional="5"), _spot_rules()
RULES = _LINEAR | _SPOT
NAMES = {symbol: symbol.split("/")[0] + "USDT" for symbol in RULES}
# By category, then by name.
SYMBOLS = {
    "linear": {NAMES[symbol]: symbol for symbol in _LINEAR},
    "spot": {NAMES[symbol]: symbol for symbol in _SPOT},
}
