"""What the lives on the paper venue share."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from cts.domain.types import OrderRequest, OrderType, Side

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def order(client_id: str, order_type: OrderType = OrderType.MARKET, **changes: Any) -> OrderRequest:
    wanted = OrderRequest(
        client_order_id=client_id, symbol=BTC, side=Side.BUY, order_type=order_type, quantity=Decimal("0.01")
    )
    return msgspec.structs.replace(wanted, **changes)


def eventually(claim: Callable[[], object], *, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)
