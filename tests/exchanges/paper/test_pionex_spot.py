"""Spot on Pionex's face of the paper venue, traded by pionex-py, the public's own client, with the verbs it has for it."""

import queue
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pionex_python.internal.generate_signature import ws_signature
from pionex_python.internal.PionexExceptions import REST_Exception
from pionex_python.internal.WebsocketClient import WebsocketClient
from pionex_python.restful.Account import Account
from pionex_python.restful.Common import Common
from pionex_python.restful.Markets import Markets
from pionex_python.restful.Orders import Orders
from pionex_python.websocket.PrivateStream import PrivateStream

from apps.exchanges.connectors.base import Credentials
from cts.domain.synthetic import PROFILES
from tests.exchanges.paper.test_pionex_py import rebased
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC, MOVED = "BTC_USDT", "BTC/USDT:USDT"


@pytest.fixture
def keys(paper_venue: PaperVenueControl) -> Credentials:
    return paper_venue.account("pionex")


@pytest.fixture
def orders(keys: Credentials, paper_venue: PaperVenueControl) -> Any:
    return rebased(Orders(keys.api_key, keys.api_secret), paper_venue)


@pytest.fixture
def account(keys: Credentials, paper_venue: PaperVenueControl) -> Any:
    return rebased(Account(keys.api_key, keys.api_secret), paper_venue)


def coin(account: Any, name: str) -> tuple[Decimal, Decimal]:
    """Free and frozen."""
    rows = account.get_balances_raw()["data"]["balances"]
    row = next(row for row in rows if row["coin"] == name)
    return Decimal(row["free"]), Decimal(row["frozen"])


def test_what_is_not_named_is_spot(paper_venue: PaperVenueControl) -> None:
    common, markets = rebased(Common(), paper_venue), rebased(Markets(), paper_venue)
    listed = common.market_data()["data"]["symbols"]
    assert len(listed) == len(PROFILES)
    info = common.get_symbol_info(BTC)
    assert (info["type"], info["minAmount"], info["basePrecision"], info["enable"]) == ("SPOT", "5", 6, True)
    assert len(markets.get_24hr_ticker(type="SPOT")["data"]["tickers"]) == len(PROFILES)
    assert markets.get_trades(BTC, limit=10)["data"]["trades"][0]["symbol"] == BTC
    book = markets.get_depth(BTC, limit=5)["data"]
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert markets.get_klines_history(BTC, "1M", total=3)[-1]["close"] == "60000"


def test_a_buy_for_an_amount_and_a_sale_of_what_it_bought(orders: Any, account: Any) -> None:
    bought = orders.market_buy(BTC, 600, clientOrderId="buy-1")["data"]
    order = orders.wait_for_order(bought["orderId"])
    assert (order["type"], order["amount"], order["status"], order["clientOrderId"]) == (
        "MARKET",
        "600",
        "CLOSED",
        "buy-1",
    )
    (fill,) = orders.get_fills_by_order_id(bought["orderId"])["data"]["fills"]
    assert (fill["size"], fill["feeCoin"], fill["role"]) == (order["filledSize"], "BTC", "TAKER")
    held, _ = coin(account, "BTC")
    assert held == Decimal(fill["size"]) - Decimal(fill["fee"])
    assert coin(account, "USDT")[0] == 10_000 - Decimal(order["filledAmount"])
    sold = orders.market_sell(BTC, "0.009")["data"]["orderId"]
    (sale,) = orders.get_fills_by_order_id(sold)["data"]["fills"]
    assert (sale["side"], sale["feeCoin"]) == ("SELL", "USDT")
    assert [row["id"] for row in orders.get_fills(BTC)["data"]["fills"]] == [sale["id"], fill["id"]]


def test_a_limit_order_rests_freezes_is_found_and_is_canceled(orders: Any, account: Any) -> None:
    order_id = orders.limit_buy(BTC, 50_000, "0.01", clientOrderId="bid-1")["data"]["orderId"]
    (resting,) = orders.get_open_orders(BTC)["data"]["orders"]
    assert (resting["orderId"], resting["status"], resting["IOC"]) == (order_id, "OPEN", False)
    assert orders.get_order(order_id)["data"] == resting
    assert orders.get_order_by_client_order_id("bid-1")["data"] == resting
    assert coin(account, "USDT") == (Decimal(9500), Decimal(500))
    orders.cancel_order(BTC, order_id)
    assert orders.get_open_orders(BTC)["data"]["orders"] is None
    (closed,) = orders.get_all_orders(BTC)["data"]["orders"]
    assert (closed["orderId"], closed["status"], closed["filledSize"]) == (order_id, "CLOSED", "0")
    assert coin(account, "USDT") == (Decimal(10_000), Decimal(0))
    with pytest.raises(REST_Exception, match="TRADE_ORDER_NOT_FOUND"):
        orders.cancel_order(BTC, order_id)


def test_what_is_not_to_wait_is_canceled(orders: Any) -> None:
    far = orders.limit_buy(BTC, 58_000, "0.01", IOC=True)["data"]["orderId"]
    order = orders.get_order(far)["data"]
    assert (order["status"], order["filledSize"], order["IOC"]) == ("CLOSED", "0", True)


def test_an_order_fills_in_parts_as_the_market_comes_through(paper_venue: PaperVenueControl, orders: Any) -> None:
    order_id = orders.limit_buy("DOGE_USDT", "0.19", 50_000)["data"]["orderId"]
    paper_venue.price("DOGE/USDT:USDT", 0.18999)
    assert Decimal(orders.get_order(order_id)["data"]["filledSize"]) > 0


def test_a_batch_is_taken_whole_and_canceled_whole(orders: Any) -> None:
    batch = [
        {"side": "BUY", "type": "LIMIT", "size": "0.01", "price": p, "clientOrderId": p} for p in ("50000", "49000")
    ]
    told = orders.new_multiple_order(BTC, batch)["data"]["orderIds"]
    assert [row["clientOrderId"] for row in told] == ["50000", "49000"]
    wrong = [batch[0] | {"clientOrderId": "a"}, batch[1] | {"clientOrderId": "b", "size": "100"}]
    with pytest.raises(REST_Exception, match="TRADE_NOT_ENOUGH_MONEY"):
        orders.new_multiple_order(BTC, wrong)
    assert len(orders.get_open_orders(BTC)["data"]["orders"]) == 2
    orders.cancel_all_orders(BTC)
    assert orders.get_open_orders(BTC)["data"]["orders"] is None


def test_what_the_venue_refuses_changes_nothing(orders: Any) -> None:
    orders.limit_buy(BTC, 50_000, "0.001", clientOrderId="once")
    for code, terms in {
        "TRADE_REPEAT_CLIENT_ORDER_ID": {"clientOrderId": "once"},
        "TRADE_SIZE_FILTER_DENIED": {"size": "0.0000015"},
        "TRADE_AMOUNT_FILTER_DENIED": {"size": "0.00001"},
        "TRADE_PRICE_FILTER_DENIED": {"price": "50000.05"},
        "TRADE_NOT_ENOUGH_MONEY": {"size": "1"},
        "TRADE_INVALID_SYMBOL": {"symbol": "BTC_USDT_PERP"},
        "TRADE_PARAMETER_ERROR": {"clientOrderId": "no good"},
    }.items():
        order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "price": "50000", "size": "0.001"}
        with pytest.raises(REST_Exception, match=code):
            orders.new_order(order=order | terms)
    with pytest.raises(REST_Exception, match="TRADE_NOT_ENOUGH_MONEY"):
        orders.market_sell(BTC, "0.001")
    assert len(orders.get_open_orders(BTC)["data"]["orders"]) == 1


@pytest.fixture
def stream(keys: Credentials, paper_venue: PaperVenueControl) -> Iterator[Any]:
    class Rebased(PrivateStream):  # type: ignore[misc]
        """Only the host differs: what is signed and sent is the client's."""

        def initialize_client(self) -> WebsocketClient:
            key, stamp = keys.api_key, str(int(time.time() * 1000))
            query = f"key={key}&timestamp={stamp}&signature={ws_signature(key, keys.api_secret, stamp)}"
            return WebsocketClient(f"{paper_venue.ws_url}/pionex/ws?{query}", self._on_message)

    opened = Rebased(keys.api_key, keys.api_secret)
    yield opened
    opened.ws_client.close()
    opened.ws_client.join(5)


def test_the_account_stream_tells_orders_fills_and_balances(orders: Any, stream: Any) -> None:
    told: dict[str, queue.Queue[Any]] = {name: queue.Queue() for name in ("ORDER", "FILL", "BALANCE")}
    for topic, heard in told.items():
        stream.subscribe(heard.put, topic, *([] if topic == "BALANCE" else [BTC]))
    time.sleep(0.2)
    order_id = orders.limit_buy(BTC, 60_100, "0.01")["data"]["orderId"]
    assert told["FILL"].get(timeout=5)["orderId"] == order_id
    assert [told["ORDER"].get(timeout=5)["status"] for _ in range(2)] == ["OPEN", "CLOSED"]
    coins = {row["coin"]: row for row in told["BALANCE"].get(timeout=5)["balances"]}
    assert Decimal(coins["BTC"]["free"]) > Decimal("0.0099")
