"""pionex-py, the public's own client of Pionex, on the paper venue. It is made for spot, which has a file of its own: its market
data, its stream and its generic signed call are what perpetuals share."""

import itertools
import queue
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from pionex_python.internal.PionexExceptions import REST_Exception
from pionex_python.internal.RestClient import RestClient
from pionex_python.internal.WebsocketClient import WebsocketClient
from pionex_python.restful.Common import Common
from pionex_python.restful.Markets import Markets
from pionex_python.websocket.PublicStream import PublicStream

from apps.exchanges.connectors.base import Credentials
from cts.domain.synthetic import PROFILES
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC, NAME = "BTC/USDT:USDT", "BTC_USDT_PERP"
Verb = Callable[..., Any]


def rebased(client: Any, venue: PaperVenueControl) -> Any:
    """Only the host differs. Its addresses end in a slash and its paths begin with one: the venue gets both."""
    client.base_url = f"{venue.url}/pionex/"
    return client


@pytest.fixture
def markets(paper_venue: PaperVenueControl) -> Any:
    return rebased(Markets(), paper_venue)


class Trader:
    """The client's signed call, by the paths of perpetuals."""

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.client = rebased(RestClient(credentials.api_key, credentials.api_secret), venue)

    def get(self, path: str, **params: Any) -> Any:
        return self.client._send_request("GET", f"/uapi/v1/{path}", **params)["data"]

    def write(self, method: str, path: str, **body: Any) -> Any:
        return self.client._send_request(method, f"/uapi/v1/{path}", data=body).get("data")

    def place(self, kind: str = "LIMIT", **change: Any) -> int:
        order = {"symbol": NAME, "side": "BUY", "type": kind, "size": "0.01"}
        if kind != "MARKET_QTY":
            order["price"] = "59000"
        return int(self.write("POST", "trade/order", **order | change)["orderId"])


@pytest.fixture
def trader(paper_venue: PaperVenueControl) -> Trader:
    return Trader(paper_venue, paper_venue.account("pionex"))


def refused(verb: Verb, *args: Any, **params: Any) -> str:
    with pytest.raises(REST_Exception) as caught:
        verb(*args, **params)
    return str(caught.value.code)


def test_markets_are_the_listed_perpetuals_with_their_filters(paper_venue: PaperVenueControl) -> None:
    common = rebased(Common(), paper_venue)
    assert len(common.list_symbols(market_type="PERP")) == len(PROFILES)
    info = common.get_symbol_info(NAME)
    assert (info["quoteStep"], info["baseStep"], info["minNotional"]) == ("0.1", "0.0001", "5")


def test_public_data_reads_as_one_market(markets: Any) -> None:
    (ticker,) = markets.get_24hr_ticker(symbol=NAME)["data"]["tickers"]
    assert ticker["close"] == "60000"
    assert len(markets.get_24hr_ticker(type="PERP")["data"]["tickers"]) == len(PROFILES)
    assert markets.get_price(NAME, market_type="PERP") == pytest.approx(60_000, rel=1e-4)
    book = markets.get_depth(NAME, limit=5)["data"]
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert markets.get_trades(NAME, limit=10)["data"]["trades"][0]["price"] == "60000"


def test_candles_page_backwards(markets: Any) -> None:
    candles = markets.get_klines_history(NAME, "1M", total=700)
    assert len(candles) == 700
    assert {after["time"] - before["time"] for before, after in itertools.pairwise(candles)} == {60_000}
    assert candles[-1]["close"] == "60000"


def test_a_limit_order_rests_is_found_and_is_canceled(trader: Trader) -> None:
    order_id = trader.place(clientOrderId="mine-1")
    assert order_id > 2**53
    (resting,) = trader.get("trade/openOrders", symbol=NAME)["orders"]
    assert (resting["orderId"], resting["clientOrderId"], resting["status"]) == (order_id, "mine-1", "OPEN")
    assert trader.get("trade/orderByClientOrderId", symbol=NAME, clientOrderId="mine-1") == resting
    trader.write("DELETE", "trade/order", symbol=NAME, orderId=order_id)
    assert trader.get("trade/openOrders", symbol=NAME)["orders"] is None
    (closed,) = trader.get("trade/historyOrders", symbol=NAME)["orders"]
    assert (closed["orderId"], closed["status"], closed["filledSize"]) == (order_id, "CLOSED", "0")
    assert refused(trader.write, "DELETE", "trade/order", symbol=NAME, orderId=order_id) == "TRADE_ORDER_NOT_FOUND"


def test_a_market_order_fills_pays_its_fee_and_holds_a_position(trader: Trader) -> None:
    assert trader.write("POST", "account/leverage", symbol=NAME, leverage="10")["leverage"] == "10"
    order_id = trader.place("MARKET_QTY", size="0.1")
    order = trader.get("trade/order", symbol=NAME, orderId=order_id)
    assert (order["status"], order["filledSize"], order["size"]) == ("CLOSED", "0.1", "0.1")
    (fill,) = trader.get("trade/fillsByOrderId", symbol=NAME, orderId=order_id)["fills"]
    assert (fill["role"], fill["size"], fill["feeCoin"]) == ("TAKER", "0.1", "USDT")
    assert Decimal(fill["fee"]) == Decimal(fill["price"]) * Decimal("0.1") * Decimal("0.0005")
    (position,) = trader.get("account/positions")["positions"]
    assert (position["netSize"], position["positionSide"], position["leverage"]) == ("0.1", "LONG", "10")
    assert position["avgPrice"] == fill["price"]
    (coin,) = trader.get("account/balances")["balances"]
    assert Decimal(coin["free"]) + Decimal(coin["frozen"]) == 10_000 - Decimal(fill["fee"])


def test_an_order_fills_in_parts_as_the_market_comes_through(paper_venue: PaperVenueControl, trader: Trader) -> None:
    trader.write("POST", "account/leverage", symbol="DOGE_USDT_PERP", leverage="75")
    order_id = trader.place(symbol="DOGE_USDT_PERP", size="1000000", price="0.19")
    paper_venue.price("DOGE/USDT:USDT", 0.18999)
    order = trader.get("trade/order", symbol="DOGE_USDT_PERP", orderId=order_id)
    assert order["status"] == "OPEN"
    assert 0 < Decimal(order["filledSize"]) < 1_000_000


def test_reduce_only_orders_are_trimmed_to_what_is_held(trader: Trader) -> None:
    assert refused(trader.place, side="SELL", price="61000", reduceOnly=True) == "TRADE_OPERATION_DENIED"
    trader.place("MARKET_QTY")
    order_id = trader.place(side="SELL", size="0.05", price="61000", reduceOnly=True)
    order = trader.get("trade/order", symbol=NAME, orderId=order_id)
    assert (order["origSize"], order["size"], order["reduceOnly"]) == ("0.05", "0.01", True)


def test_hedge_mode_holds_both_legs(trader: Trader) -> None:
    trader.write("POST", "account/positionMode", positionMode="OPENCLOSE")
    assert trader.get("account/positionMode")["positionMode"] == "OPENCLOSE"
    assert refused(trader.place) == "TRADE_PARAMETER_ERROR"
    trader.place("MARKET_QTY", positionSide="LONG")
    trader.place("MARKET_QTY", positionSide="SHORT", side="SELL", size="0.02")
    held = {leg["positionSide"]: leg["netSize"] for leg in trader.get("account/positions")["positions"]}
    assert held == {"LONG": "0.01", "SHORT": "-0.02"}
    assert refused(trader.place, "MARKET_QTY", positionSide="LONG", side="SELL", reduceOnly=True) == (
        "TRADE_PARAMETER_ERROR"
    )
    assert refused(trader.write, "POST", "account/positionMode", positionMode="BUYSELL") == "TRADE_OPERATION_DENIED"


def test_a_batch_is_taken_whole_or_not_at_all(trader: Trader) -> None:
    orders = [
        {"side": "BUY", "type": "LIMIT", "size": "0.01", "price": p, "clientOrderId": p} for p in ("59000", "58000")
    ]
    told = trader.write("POST", "trade/massOrder", symbol=NAME, orders=orders)["orderIds"]
    assert [row["clientOrderId"] for row in told] == ["59000", "58000"]
    wrong = [orders[0] | {"clientOrderId": "a"}, orders[1] | {"clientOrderId": "b", "size": "1000"}]
    assert refused(trader.write, "POST", "trade/massOrder", symbol=NAME, orders=wrong) == "TRADE_NOT_ENOUGH_MONEY"
    market = [{"side": "BUY", "type": "MARKET_QTY", "size": "0.01"}]
    assert refused(trader.write, "POST", "trade/massOrder", symbol=NAME, orders=market) == "TRADE_PARAMETER_ERROR"
    assert len(trader.get("trade/openOrders")["orders"]) == 2
    trader.write("DELETE", "trade/allOrders", symbol=NAME)
    assert trader.get("trade/openOrders")["orders"] is None


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too large": ({"size": "2000"}, "TRADE_SIZE_FILTER_DENIED"),
    "off the step": ({"size": "0.00015"}, "TRADE_SIZE_FILTER_DENIED"),
    "off the tick": ({"price": "59000.05"}, "TRADE_PRICE_FILTER_DENIED"),
    "price far off": ({"price": "70000"}, "TRADE_PRICE_FILTER_DENIED"),
    "too small": ({"size": "0.0001", "price": "1000"}, "TRADE_AMOUNT_FILTER_DENIED"),
    "no margin": ({"size": "10"}, "TRADE_NOT_ENOUGH_MONEY"),
    "a stop": ({"type": "STOP_MARKET"}, "TRADE_PARAMETER_ERROR"),
    "no price": ({"price": "0"}, "TRADE_PARAMETER_ERROR"),
    "no such symbol": ({"symbol": "NO_USDT_PERP"}, "TRADE_INVALID_SYMBOL"),
    "a name too long": ({"clientOrderId": "x" * 65}, "TRADE_PARAMETER_ERROR"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_venue_refuses_changes_nothing(trader: Trader, case: str) -> None:
    change, code = REFUSED[case]
    assert refused(trader.place, **change) == code
    assert trader.get("trade/openOrders")["orders"] is None
    assert trader.get("trade/fills", symbol=NAME)["fills"] is None


def test_a_client_id_stays_taken_when_its_order_is_gone(trader: Trader) -> None:
    first = trader.place(clientOrderId="once")
    assert refused(trader.place, clientOrderId="once") == "TRADE_REPEAT_CLIENT_ORDER_ID"
    trader.write("DELETE", "trade/order", symbol=NAME, orderId=first)
    assert refused(trader.place, clientOrderId="once") == "TRADE_REPEAT_CLIENT_ORDER_ID"


def test_wrong_keys_signatures_clocks_and_routes_are_told_as_such(
    paper_venue: PaperVenueControl, trader: Trader, markets: Any
) -> None:
    account = paper_venue.account("pionex")
    liar = Trader(paper_venue, Credentials(api_key=account.api_key, api_secret="not the secret"))
    nobody = Trader(paper_venue, Credentials(api_key="nobody", api_secret="not the secret"))
    assert refused(liar.get, "account/balances") == "INVALID_SIGNATURE"
    assert refused(nobody.get, "account/balances") == "INVALID_APIKEY"
    assert refused(trader.get, "account/nothing") == "HTTP_404"
    # Documented by another name, and absent by that one.
    assert refused(markets._send_request, "GET", "/api/v1/market/bookTicker") == "HTTP_404"
    assert refused(markets.get_depth, "NO_USDT_PERP") == "MARKET_INVALID_SYMBOL"
    assert refused(markets.get_trades, NAME, limit=5) == "MARKET_PARAMETER_ERROR"
    paper_venue.faults("pionex", "", "clock_skew", skew_ms=60_000)
    assert refused(trader.get, "account/balances") == "INVALID_TIMESTAMP"
    paper_venue.clear_faults()
    paper_venue.faults("pionex", "", "rate_limit_429")
    assert refused(trader.get, "account/balances") == "HTTP_429"


@pytest.fixture
def stream(paper_venue: PaperVenueControl) -> Iterator[Any]:
    class Rebased(PublicStream):  # type: ignore[misc]
        def initialize_client(self) -> WebsocketClient:
            return WebsocketClient(f"{paper_venue.ws_url}/pionex/wsPub", self._on_message)

    opened = Rebased()
    yield opened
    opened.ws_client.close()
    opened.ws_client.join(5)
    assert not opened.ws_client.is_alive()


def test_the_public_stream_tells_trades_books_and_index(paper_venue: PaperVenueControl, stream: Any) -> None:
    told: dict[str, queue.Queue[Any]] = {name: queue.Queue() for name in ("TRADE", "DEPTH", "ORDERBOOK", "INDEX")}
    for topic, heard in told.items():
        stream.subscribe(heard.put, topic, NAME, limit=5 if topic == "DEPTH" else None)
    time.sleep(0.1)
    newest: dict[str, Any] = {}
    deadline = time.monotonic() + 10
    while len(newest) < len(told):
        assert time.monotonic() < deadline, f"heard only {sorted(newest)}"
        paper_venue.price(BTC, 61_000 + len(newest))
        for topic, heard in told.items():
            if topic not in newest and not heard.empty():
                newest[topic] = heard.get()
    assert Decimal(newest["TRADE"][0]["price"]) >= 60_000
    assert len(newest["DEPTH"]["bids"]) == 5
    assert newest["ORDERBOOK"]["number"] > newest["ORDERBOOK"]["prevNumber"]
    assert newest["INDEX"][0]["symbol"] == NAME
