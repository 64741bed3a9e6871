"""Bybit's rows of spot, where they differ."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, index: int = 0) -> dict[str, Any]:
    return dict(fixture("bybit-spot", name)["calls"][0]["answer"]["result"]["list"][index])


NESTED = {"lotSizeFilter", "priceFilter"}
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _row("instruments")),
    "ticker": (lambda c: c.parse_ticker, _row("tickers")),
    "order": (lambda c: c.parse_order, _row("order")),
    "fill": (lambda c: c.parse_fill, _row("fills")),
    "trade": (lambda c: c.parse_trade, fixture("bybit-spot", "channels")["trades"]["frames"][0][1]["data"][0]),
}
