"""OKX's rows of spot, where they differ."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.samples.okx import PLAIN
from tests.exchanges.connectors.scripted import fixture


def _row(name: str, index: int = 0, call: int = 0) -> dict[str, Any]:
    return dict(fixture("okx-spot", name)["calls"][call]["answer"]["data"][index])


# There are no legs; of the two words for that, the one that isn't empty.
LEGLESS = {"posSide": "net"}
NESTED: set[str] = set()
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _row("instruments")),
    "ticker": (lambda c: c.parse_ticker, _row("tickers")),
    "order": (lambda c: c.parse_order, _row("order") | LEGLESS),
    "stop": (lambda c: c.parse_algo_order, _row("order_conditional") | PLAIN | LEGLESS),
    "fill": (lambda c: c.parse_fill, _row("fills")),
    "coin": (lambda c: c.parse_balance, _row("balances")["details"][1]),
}
