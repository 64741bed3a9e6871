"""Bybit's rows."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, index: int = 0) -> dict[str, Any]:
    return dict(fixture("bybit", name)["calls"][0]["answer"]["result"]["list"][index])


NESTED = {"lotSizeFilter", "priceFilter", "leverageFilter"}
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _row("instruments")),
    "ticker": (lambda c: c.parse_ticker, _row("tickers")),
    "position": (lambda c: c.parse_position, _row("positions")),
    "order": (lambda c: c.parse_order, _row("order")),
    "stop": (lambda c: c.parse_order, _row("order_conditional")),
    "fill": (lambda c: c.parse_fill, _row("fills")),
    "coin": (lambda c: lambda row: c.parse_balance(row, {}), _row("balances")["coin"][0]),
    "trade": (lambda c: c.parse_trade, fixture("bybit", "channels")["trades"]["frames"][0][1]["data"][0]),
    "funding rate": (lambda c: c.parse_funding_rate, _row("funding_rates")),
    "funding payment": (lambda c: c.parse_funding_payment, _row("funding_payments")),
}
