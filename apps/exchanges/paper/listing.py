"""The perpetuals a face lists: the market's own symbols under the exchange's filters."""

from collections.abc import Mapping
from decimal import Decimal

from cts.domain.matching.state import Rules
from cts.domain.synthetic import PROFILES

# Lot step, smallest order, largest limit order, largest market order, leverage, maintenance margin.
Listed = tuple[str, str, str, str, int, str]


def perpetual_rules(listed: Mapping[str, Listed], *, min_notional: str, max_open_orders: int = 500) -> dict[str, Rules]:
    """By symbol, from what the exchange lists of each base asset; prices step as the market's do."""
    found = {}
    for symbol, profile in PROFILES.items():
        step, low, high, market, leverage, ratio = listed[symbol.split("/")[0]]
        found[symbol] = Rules(
            symbol=symbol,
            tick_size=Decimal(f"{profile.tick_size:f}").normalize(),
            lot_step=Decimal(step),
            min_quantity=Decimal(low),
            max_quantity=Decimal(high),
            max_market_quantity=Decimal(market),
            min_notional=Decimal(min_notional),
            max_leverage=leverage,
            maintenance_ratio=Decimal(ratio),
            max_open_orders=max_open_orders,
        )
    return found
