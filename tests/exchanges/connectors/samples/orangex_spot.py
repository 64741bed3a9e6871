"""OrangeX's rows of spot."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _result(name: str, call: int = 0) -> Any:
    return fixture("orangex-spot", name)["calls"][call]["answer"]["result"]


NESTED = {"stats"}
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _result("instruments")[0]),
    "ticker": (lambda c: c.parse_ticker, _result("ticker")[0]),
    "order": (lambda c: c.parse_order, _result("order")[1]),
    "fill": (lambda c: c.parse_fill, _result("fills", 1)["trades"][0]),
    "coin": (lambda c: c.parse_balance, _result("balances")["SPOT"]["details"][0]),
}
