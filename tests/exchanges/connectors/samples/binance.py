"""Binance's rows."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, index: int = 0, call: int = 0) -> dict[str, Any]:
    return dict(fixture("binance", name)["calls"][call]["answer"][index])


def _whole(name: str) -> Any:
    return fixture("binance", name)["calls"][0]["answer"]


NESTED = {"filters"}
ROWS: Rows = {
    "ticker": (lambda c: c.parse_ticker, _row("tickers")),
    "quotes": (lambda c: lambda row: c.parse_ticker(_row("tickers"), book=row), _row("tickers", call=1)),
    "mark": (lambda c: lambda row: c.parse_ticker(_row("tickers"), mark=row), _row("tickers", call=2)),
    "position": (lambda c: c.parse_position, _row("positions")),
    "order": (lambda c: c.parse_order, _whole("order")),
    "stop": (lambda c: c.parse_algo_order, _whole("order_conditional")),
    "fill": (lambda c: c.parse_fill, _row("fills")),
    "balance": (lambda c: c.parse_balance, _row("balances")),
    "instrument": (lambda c: c.parse_instrument, _whole("instruments")["symbols"][0]),
    "trade": (lambda c: c.parse_trade, fixture("binance", "channels")["trades"]["frames"][0][1]),
    "funding rate": (lambda c: c.parse_funding_rate, _row("funding_rates")),
    "funding payment": (lambda c: c.parse_funding_payment, _row("funding_payments")),
}
