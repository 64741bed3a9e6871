"""The study of the demonstration: on the synthetic market its lines fire about once or twice a minute on ten symbols."""

from typing import Any

from apps.strategies.services import WIDE

SYMBOLS = [
    "BTC/USDT:USDT",
    "ETH/USDT:USDT",
    "SOL/USDT:USDT",
    "XRP/USDT:USDT",
    "DOGE/USDT:USDT",
    "BNB/USDT:USDT",
    "ADA/USDT:USDT",
    "AVAX/USDT:USDT",
    "LINK/USDT:USDT",
    "LTC/USDT:USDT",
]
STUDY: dict[str, Any] = {
    "timeframe_s": 5,
    "position_cost_ratio": 0.001,
    "fee_ratio": 0.00055,
    "slippage_ratio": 0.0001,
    "position_timeout_s": 7200,
    "lines_per_symbol": 160,
}
RULE_SET = WIDE
