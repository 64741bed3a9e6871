"""Pionex's rows of spot."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, field: str, index: int = 0, call: int = 0) -> dict[str, Any]:
    return dict(fixture("pionex-spot", name)["calls"][call]["answer"]["data"][field][index])


_TICKER = _row("ticker", "tickers")
NESTED: set[str] = set()
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _row("instruments", "symbols")),
    "ticker": (lambda c: c.parse_ticker, _TICKER),
    "quotes": (lambda c: lambda row: c.parse_ticker(_TICKER, book=row), _row("ticker", "tickers", call=1)),
    "order": (lambda c: c.parse_order, fixture("pionex-spot", "order")["calls"][0]["answer"]["data"]),
    "bought for an amount": (lambda c: c.parse_order, _row("open_orders", "orders", 1)),
    "fill": (lambda c: c.parse_fill, _row("fills", "fills")),
    "coin": (lambda c: c.parse_balance, _row("balances", "balances")),
}
