"""Binance's rows of spot."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, index: int = 0) -> dict[str, Any]:
    return dict(fixture("binance-spot", name)["calls"][0]["answer"][index])


def _whole(name: str) -> Any:
    return fixture("binance-spot", name)["calls"][0]["answer"]


NESTED = {"filters"}
ROWS: Rows = {
    "ticker": (lambda c: c.parse_ticker, _row("tickers")),
    "order": (lambda c: c.parse_order, _whole("order")),
    "stop": (lambda c: c.parse_order, _whole("order_conditional")),
    "fill": (lambda c: c.parse_fill, _row("fills")),
    "balance": (lambda c: c.parse_balance, _whole("balances")["balances"][1]),
    "instrument": (lambda c: c.parse_instrument, _whole("instruments")["symbols"][0]),
}
