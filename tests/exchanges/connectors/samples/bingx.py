"""BingX's rows."""

import json
from typing import Any

from apps.exchanges.connectors.bingx.shapes import READ
from tests.exchanges.connectors.samples import Rows
from tests.exchanges.connectors.scripted import fixture


def _data(name: str, call: int = 0) -> Any:
    """Decoded as an answer is: the venue writes some numbers as numbers."""
    return READ.decode(json.dumps(fixture("bingx", name)["calls"][call]["answer"]))["data"]


NESTED: set[str] = set()
# Older rows don't have it.
ABSENT_IS_NO = {"reduceOnly"}
ROWS: Rows = {
    "instrument": (lambda c: c.parse_instrument, _data("instruments")[0]),
    "ticker": (lambda c: c.parse_ticker, _data("tickers")[0]),
    "premium": (lambda c: lambda row: c.parse_ticker(_data("tickers")[0], premium=row), _data("tickers", 1)[0]),
    "position": (lambda c: c.parse_position, _data("positions")[2]),
    "order": (lambda c: c.parse_order, _data("order")["order"]),
    "stop": (lambda c: c.parse_order, _data("order_conditional")["order"]),
    "trailing": (lambda c: c.parse_order, _data("open_orders")["orders"][2]),
    "fill": (lambda c: c.parse_fill, _data("fills")["fill_history_orders"][0]),
    "funding rate": (lambda c: c.parse_funding_rate, _data("funding_rates")[0]),
    "funding payment": (lambda c: c.parse_funding_payment, _data("funding_payments")[0]),
    "balance": (lambda c: c.parse_balance, _data("balances")[0]),
}
