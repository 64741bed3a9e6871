"""Pionex's rows."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, field: str, index: int = 0, call: int = 0) -> dict[str, Any]:
    return dict(fixture("pionex", name)["calls"][call]["answer"]["data"][field][index])


_TICKER = _row("ticker", "tickers")
NESTED: set[str] = set()
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _row("instruments", "symbols")),
    "ticker": (lambda c: c.parse_ticker, _TICKER),
    "quotes": (lambda c: lambda row: c.parse_ticker(_TICKER, book=row), _row("ticker", "tickers", call=1)),
    "index": (lambda c: lambda row: c.parse_ticker(_TICKER, index=row), _row("ticker", "indexes", call=2)),
    "position": (lambda c: c.parse_position, _row("positions", "positions")),
    "order": (lambda c: c.parse_order, fixture("pionex", "order")["calls"][0]["answer"]["data"]),
    "fill": (lambda c: c.parse_fill, _row("fills", "fills")),
    "coin": (lambda c: c.parse_balance, _row("balances", "balances")),
}
