"""BingX's rows of spot."""

import json
from typing import Any

from apps.exchanges.connectors.bingx.shapes import READ
from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _data(name: str) -> Any:
    """Decoded as an answer is: the venue writes some numbers as numbers."""
    return READ.decode(json.dumps(fixture("bingx-spot", name)["calls"][0]["answer"]))["data"]


def _told(name: str, channel: str) -> Any:
    script = fixture("bingx-spot", name)
    return (script[channel] if channel else script)["frames"][0][1]["data"]


# A listed candle's parts are refused by the names of the parts.
NESTED: set[str] = {"K"}
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _data("instruments")["symbols"][0]),
    "ticker": (lambda c: c.parse_ticker, _data("tickers")[0]),
    "order": (lambda c: c.parse_order, _data("order")),
    "stop": (lambda c: c.parse_order, _data("order_conditional")),
    "fill": (lambda c: c.parse_fill, _data("fills")["fills"][1]),
    "balance": (lambda c: c.parse_balance, _data("balances")["balances"][0]),
    "trade": (lambda c: lambda row: c.parse_trade_event(row, ordinal=0), _told("channels", "trades")),
}
