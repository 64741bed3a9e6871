"""Bybit's own SDK on the paper venue, REST and websocket."""

import queue
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pybit import unified_trading
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import WebSocket

from apps.exchanges.paper.bybit import socket
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


def test_an_order_from_placing_to_closed_position(paper_venue: PaperVenueControl, pybit_client: Any) -> None:
    client = pybit_client()
    assert client.get_server_time()["retCode"] == 0
    client.set_leverage(**LINEAR, buyLeverage="5", sellLeverage="5")
    placed = client.place_order(**LINEAR, side="Buy", orderType="Market", qty="0.05", orderLinkId="a1")["result"]
    (order,) = client.get_open_orders(**LINEAR, orderLinkId="a1")["result"]["list"]
    assert (order["orderId"], order["orderStatus"], order["cumExecQty"]) == (placed["orderId"], "Filled", "0.05")
    (position,) = client.get_positions(**LINEAR)["result"]["list"]
    assert (position["side"], position["size"], position["leverage"]) == ("Buy", "0.05", "5")
    paper_venue.price("BTC/USDT:USDT", 61_000)
    client.place_order(**LINEAR, side="Sell", orderType="Market", qty="0.05", reduceOnly=True)
    close, open_ = client.get_executions(**LINEAR)["result"]["list"]
    assert (open_["execType"], close["closedSize"]) == ("Trade", "0.05")
    wallet = client.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"][0]
    gained = (Decimal(close["execPrice"]) - Decimal(open_["execPrice"])) * Decimal("0.05")
    assert Decimal(wallet["walletBalance"]) == 10_000 + gained - Decimal(open_["execFee"]) - Decimal(close["execFee"])


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"qty": "0.0001", "price": "59000"}, 10001),
        ({"qty": "0.01", "price": "59000.05"}, 10001),
        ({"qty": "100", "price": "59000"}, 110007),
        ({"qty": "0.01", "price": "59000", "reduceOnly": True}, 110017),
        ({"qty": "0.01", "price": "59000", "triggerPrice": "59000", "triggerDirection": 1}, 110092),
        ({"qty": "0.01", "price": "59000", "positionIdx": 1}, 10001),
    ],
)
def test_refusals_carry_the_venues_code(pybit_client: Any, order: dict[str, Any], code: int) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        pybit_client().place_order(**LINEAR, side="Buy", orderType="Limit", **order)
    assert refusal.value.status_code == code


def test_a_client_id_is_taken_for_ever(pybit_client: Any) -> None:
    client = pybit_client()
    order = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "59000", "orderLinkId": "one"}
    client.place_order(**order)
    client.cancel_order(**LINEAR, orderLinkId="one")
    with pytest.raises(InvalidRequestError) as refusal:
        client.place_order(**order)
    assert refusal.value.status_code == 110072


def test_post_only_that_would_take_is_accepted_then_canceled(pybit_client: Any) -> None:
    client = pybit_client()
    client.place_order(
        **LINEAR, side="Buy", orderType="Limit", qty="0.01", price="60100", timeInForce="PostOnly", orderLinkId="po"
    )
    (order,) = client.get_order_history(**LINEAR, orderLinkId="po")["result"]["list"]
    assert (order["orderStatus"], order["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")


def test_cancel_all_takes_conditional_orders_too(pybit_client: Any) -> None:
    client = pybit_client()
    client.place_order(**LINEAR, side="Buy", orderType="Limit", qty="0.01", price="59000")
    client.place_order(**LINEAR, side="Buy", orderType="Market", qty="0.01", triggerPrice="61000", triggerDirection=1)
    assert len(client.get_open_orders(**LINEAR)["result"]["list"]) == 2
    assert len(client.cancel_all_orders(**LINEAR)["result"]["list"]) == 2
    assert client.get_open_orders(**LINEAR)["result"]["list"] == []


def test_switching_what_is_already_so_says_so(pybit_client: Any) -> None:
    client = pybit_client()
    client.set_leverage(**LINEAR, buyLeverage="7", sellLeverage="7")
    for verb, arguments, code in (
        (client.set_leverage, {**LINEAR, "buyLeverage": "7", "sellLeverage": "7"}, 110043),
        (client.switch_position_mode, {**LINEAR, "mode": 0}, 110025),
    ):
        with pytest.raises(InvalidRequestError) as refusal:
            verb(**arguments)
        assert refusal.value.status_code == code


@pytest.fixture
def sockets(paper_venue: PaperVenueControl, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WebSocket]:
    """pybit's WebSocket pointed at the venue; it knows hosts only by name.

    It notes a subscription after sending it, so on a busy machine the confirmation must not be too quick for it.
    """
    base = f"{paper_venue.ws_url}/bybit"
    monkeypatch.setattr(unified_trading, "PUBLIC_WSS", base + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr(unified_trading, "PRIVATE_WSS", base + "/v5/private")
    monkeypatch.setattr(socket, "ACK_DELAY_S", 0.3)

    def open_(channel: str, **keys: str) -> WebSocket:
        return WebSocket(testnet=False, channel_type=channel, **keys)

    return open_


def test_websockets_tell_ticks_orders_fills_positions_and_wallet(
    paper_venue: PaperVenueControl, pybit_client: Any, sockets: Callable[..., WebSocket]
) -> None:
    credentials = paper_venue.account("bybit")
    told: dict[str, queue.Queue[Any]] = {
        name: queue.Queue() for name in ("ticker", "order", "fill", "position", "wallet")
    }
    public = sockets("linear")
    private = sockets("private", api_key=credentials.api_key, api_secret=credentials.api_secret)
    try:
        public.ticker_stream("BTCUSDT", told["ticker"].put)
        private.order_stream(told["order"].put)
        private.execution_stream(told["fill"].put)
        private.position_stream(told["position"].put)
        private.wallet_stream(told["wallet"].put)
        assert told["ticker"].get(timeout=5)["data"]["lastPrice"] == "60000"
        client = pybit_client(credentials)
        while paper_venue.call("GET", "/_health")["exchanges"]["bybit"]["private_topics"] < 4:
            time.sleep(0.02)
        client.place_order(**LINEAR, side="Sell", orderType="Market", qty="0.05", orderLinkId="ws1")
        states = [told["order"].get(timeout=5)["data"][0]["orderStatus"] for _ in range(2)]
        assert states == ["New", "Filled"]
        fill = told["fill"].get(timeout=5)["data"][0]
        assert (fill["orderLinkId"], fill["execQty"], fill["side"]) == ("ws1", "0.05", "Sell")
        position = told["position"].get(timeout=5)["data"][0]
        assert (position["side"], position["size"]) == ("Sell", "0.05")
        coin = told["wallet"].get(timeout=5)["data"][0]["coin"][0]
        assert Decimal(coin["walletBalance"]) == 10_000 - Decimal(fill["execFee"])
        paper_venue.price("BTC/USDT:USDT", 59_500)
        newest = told["ticker"].get(timeout=5)
        while newest["data"]["lastPrice"] != "59500":
            newest = told["ticker"].get(timeout=5)
    finally:
        public.exit()
        private.exit()
