"""What only Pionex's spot connector does: buys at market as limits within reach, lists and streams symbol by symbol."""

import json
import logging
import threading
from decimal import Decimal
from typing import Any

import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.pionex.spot import PionexSpotConnector
from apps.exchanges.connectors.pionex.spot_stream import AWAITED, SpotPrivateDialect
from cts.domain.errors import AuthFailed, PayloadError
from cts.domain.types import OrderRequest, OrderStatus, OrderType, Side
from tests.exchanges.connectors.scripted import fixture, scripted

BTC, ETH = "BTC/USDT", "ETH/USDT"
TIMED = {"result": True, "timestamp": 1_700_000_000_500}
BUY = OrderRequest(
    client_order_id="cid1", symbol=BTC, side=Side.BUY, order_type=OrderType.MARKET, quantity=Decimal("0.01")
)


def call(path: str, data: Any, **terms: Any) -> dict[str, Any]:
    return {"method": "GET", "path": f"/api/v1/{path}", "with": terms, "answer": {**TIMED, "data": data}}


def connected(*calls: dict[str, Any]) -> PionexSpotConnector:
    made = scripted("pionex-spot", list(calls))
    assert isinstance(made, PionexSpotConnector)
    return made


def quotes(bid: str, ask: str) -> dict[str, Any]:
    row = {"symbol": "BTC_USDT", "bidPrice": bid, "bidSize": "1", "askPrice": ask, "askSize": "1"}
    return call("market/bookTickers", {"tickers": [row]}, symbol="BTC_USDT")


def order_row(**changes: Any) -> dict[str, Any]:
    return dict(fixture("pionex-spot", "order")["calls"][0]["answer"]["data"]) | changes


# --- buys at market -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("bid", "ask", "price"),
    [("60000.10", "60000.30", "61800.3"), ("0.001234", "0.001235", "0.001272"), ("3", "4", "4"), ("100", "100", "103")],
)
def test_buy_at_market_is_a_limit_three_percent_up_on_the_grid_of_the_quotes(bid: str, ask: str, price: str) -> None:
    connector = connected(quotes(bid, ask))
    sent = json.loads(connector.order_request_bytes(BUY).body)
    assert (sent["type"], sent["IOC"], sent["price"], sent["size"]) == ("LIMIT", True, price, "0.01")
    connector.close()


def test_buy_at_market_is_told_as_one_and_other_limits_as_limits() -> None:
    connector = connected(quotes("60000.10", "60000.30"))
    connector.order_request_bytes(BUY)
    ours = connector.parse_order(order_row(IOC=True, status="CLOSED"))
    assert (ours.order_type, ours.price, ours.status) == (OrderType.MARKET, None, OrderStatus.CANCELED)
    other = connector.parse_order(order_row(clientOrderId="cid2", IOC=True, status="CLOSED"))
    assert (other.order_type, other.price) == (OrderType.LIMIT, Decimal(60000))


def test_without_a_quote_nothing_is_sent() -> None:
    connector = connected(call("market/bookTickers", {"tickers": None}))
    with pytest.raises(PayloadError, match="askPrice"):
        connector.place(BUY)
    connector.close()


# --- open orders --------------------------------------------------------------------------------------------------------
def balances(**frozen: str) -> dict[str, Any]:
    rows = [{"coin": coin, "free": "1", "frozen": amount} for coin, amount in frozen.items()]
    return call("account/balances", {"balances": rows})


def listed(symbol: str, *orders: dict[str, Any]) -> dict[str, Any]:
    return call("trade/openOrders", {"orders": list(orders) or None}, symbol=symbol)


def test_open_orders_of_all_are_those_of_symbols_used_or_held() -> None:
    sale = order_row(symbol="ETH_USDT", orderId=8, side="SELL", clientOrderId="cid2")
    connector = connected(
        listed("BTC_USDT"),
        balances(ETH="0.5", USDT="0"),
        listed("BTC_USDT", order_row()),
        listed("ETH_USDT", sale),
    )
    assert connector.open_orders(BTC) == []
    assert [order.symbol for order in connector.open_orders()] == [BTC, ETH]
    connector.close()


def test_money_set_aside_for_orders_that_cannot_be_found_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    connector = connected(balances(USDT="500"))
    with caplog.at_level(logging.WARNING):
        assert connector.open_orders() == []
    assert "500 USDT are set aside" in caplog.text
    connector.close()


# --- the account stream ---------------------------------------------------------------------------------------------------
def dialect_of(connector: PionexSpotConnector) -> SpotPrivateDialect:
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    assert isinstance(dialect, SpotPrivateDialect)
    return dialect


def confirm(dialect: SpotPrivateDialect, frames: list[str]) -> bool:
    """Whether the stream is ready then."""
    for frame in frames:
        asked = json.loads(frame)
        told = {name: asked[name] for name in ("topic", "symbol") if name in asked}
        dialect.receive(json.dumps({"type": "SUBSCRIBED", **told}))
    return dialect.is_ready


def test_stream_logs_in_by_its_address() -> None:
    """Signed as pionex-py signs it, which the face is tried with, too."""
    connector = connected()
    assert connector._signer is not None
    address = dialect_of(connector).url(0)
    query = f"key=test-key-1234&timestamp={connector.now_ms()}"
    signature = connector._signer.hex(f"/ws?{query}websocket_auth".encode())
    assert address == f"wss://ws.pionex.com/ws?{query}&signature={signature}"
    keyless = scripted("pionex-spot", credentials=None)
    assert isinstance(keyless, PionexSpotConnector)
    with pytest.raises(AuthFailed):
        dialect_of(keyless).url(0)


def test_stream_listens_to_the_symbols_used_and_is_ready_when_all_are_confirmed() -> None:
    connector = connected(listed("BTC_USDT"))
    connector.open_orders(BTC)
    dialect = dialect_of(connector)
    frames = dialect.opening()
    asked = [(told["topic"], told.get("symbol")) for told in map(json.loads, frames)]
    assert asked == [("BALANCE", None), ("ORDER", "BTC_USDT"), ("FILL", "BTC_USDT")]
    assert [confirm(dialect, frames[:2]), confirm(dialect, frames[2:])] == [False, True]
    more = dialect.subscribe([BTC, ETH])
    assert [json.loads(frame)["symbol"] for frame in more] == ["ETH_USDT", "ETH_USDT"]
    assert dialect.is_ready


def test_stream_of_many_symbols_is_ready_before_the_last_of_them() -> None:
    connector = connected()
    dialect = dialect_of(connector)
    dialect.subscribe([f"C{number:02}/USDT" for number in range(AWAITED + 5)])
    frames = dialect.opening()
    assert len(frames) == 1 + 2 * (AWAITED + 5)
    last = 2 * AWAITED
    assert [confirm(dialect, frames[:last]), confirm(dialect, frames[last : last + 1])] == [False, True]


def test_first_order_in_a_symbol_waits_until_the_stream_hears_of_it() -> None:
    dialect = dialect_of(connected())
    dialect.opening()
    frames = dialect.subscribe([BTC])
    assert not dialect.wait_for("BTC_USDT", within_s=0.01)
    later = threading.Timer(0.05, confirm, args=(dialect, frames))
    later.start()
    assert dialect.wait_for("BTC_USDT", within_s=5)
    later.join()
