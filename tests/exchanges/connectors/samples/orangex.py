"""OrangeX's rows."""

from typing import Any

from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _result(name: str, call: int = 0) -> Any:
    return fixture("orangex", name)["calls"][call]["answer"]["result"]


NESTED = {"stats"}
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _result("instruments")[0]),
    "ticker": (lambda c: c.parse_ticker, _result("ticker", 1)[0]),
    "position": (lambda c: c.parse_position, _result("positions")[0]),
    "short": (lambda c: c.parse_position, _result("positions")[1]),
    "order": (lambda c: c.parse_order, _result("order")[1]),
    "stop": (lambda c: c.parse_order, _result("order_conditional")[0]),
    "fill": (lambda c: c.parse_fill, _result("fills", 1)["trades"][0]),
    "assets": (lambda c: c.parse_balance, _result("balances")["PERPETUAL"]),
}
