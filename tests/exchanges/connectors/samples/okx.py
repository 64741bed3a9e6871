"""OKX's rows."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, index: int = 0, call: int = 0) -> dict[str, Any]:
    return dict(fixture("okx", name)["calls"][call]["answer"]["data"][index])


# An empty flag is how the venue says that it doesn't apply: no.
PLAIN = {"reduceOnly": "false"}
NESTED: set[str] = set()
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _row("instruments")),
    "ticker": (lambda c: c.parse_ticker, _row("tickers")),
    "mark": (lambda c: lambda row: c.parse_ticker(_row("tickers"), mark=row), _row("tickers", 1, 1)),
    "funding": (lambda c: lambda row: c.parse_ticker(_row("tickers"), funding=row), _row("tickers", call=2)),
    "position": (lambda c: c.parse_position, _row("positions")),
    "order": (lambda c: c.parse_order, _row("order")),
    "stop": (lambda c: c.parse_algo_order, _row("order_conditional") | PLAIN),
    "trailing stop": (lambda c: c.parse_algo_order, _row("open_orders", call=3) | PLAIN),
    "fill": (lambda c: c.parse_fill, _row("fills")),
    "coin": (lambda c: c.parse_balance, _row("balances")["details"][1]),
    "funding rate": (lambda c: c._funding_rate, _row("funding_rates", 1)),
    "funding payment": (lambda c: c._payment, _row("funding_payments", 2)),
}
