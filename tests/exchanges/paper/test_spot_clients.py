"""Clients nobody here wrote on the paper venue's spot markets: ccxt on three venues, Bybit's own SDK."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from pybit.exceptions import InvalidRequestError

from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
COIN, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


@pytest.fixture(params=["bybit", "binance", "bingx", "okx"])
def client(request: pytest.FixtureRequest, ccxt_client: Any) -> Any:
    made = ccxt_client(request.param, defaultType="spot", fetchMarkets={"types": ["spot"]})
    made.load_markets()
    return made


def test_market_is_listed_with_its_filters(client: Any) -> None:
    market = client.market(COIN)
    assert (market["spot"], market["base"], market["quote"], market["active"]) == (True, "BTC", "USDT", True)
    assert market["precision"]["price"] > 0
    assert 0 < market["precision"]["amount"] <= 0.01
    assert market["limits"]["cost"]["min"] == (None if client.id == "okx" else 5)
    ticker = client.fetch_ticker(COIN)
    assert ticker["last"] == 60_000
    assert ticker["bid"] <= ticker["last"] <= ticker["ask"]
    candles = client.fetch_ohlcv(COIN, "1m", limit=5)
    assert [row[0] for row in candles] == sorted(row[0] for row in candles)
    book = client.fetch_order_book(COIN, limit=5)
    assert book["bids"][0][0] < book["asks"][0][0]


def test_money_changes_into_a_coin_and_back(client: Any) -> None:
    before = client.fetch_balance()
    assert (before["USDT"]["total"], before.get("BTC")) in [
        (10_000, None),
        (10_000, {"free": 0, "used": 0, "total": 0}),
    ]
    client.create_market_buy_order_with_cost(COIN, 600)
    (bought,) = client.fetch_my_trades(COIN)
    assert (bought["side"], bought["fee"]["currency"]) == ("buy", "BTC")
    assert 590 < bought["cost"] <= 600
    held = client.fetch_balance()
    assert held["BTC"]["total"] == pytest.approx(bought["amount"] - bought["fee"]["cost"], abs=1e-9)
    assert held["USDT"]["total"] == pytest.approx(10_000 - bought["cost"], abs=1e-6)
    sold = client.create_order(COIN, "market", "sell", 0.005)
    told = client.fetch_order(sold["id"], COIN, {"acknowledged": True})
    assert (told["status"], told["filled"]) == ("closed", 0.005)
    assert client.fetch_my_trades(COIN)[-1]["fee"]["currency"] == "USDT"


def test_resting_order_sets_money_aside_and_is_canceled(client: Any, paper_venue: PaperVenueControl) -> None:
    placed = client.create_order(COIN, "limit", "buy", 0.01, 50_000, {"postOnly": True})
    (resting,) = client.fetch_open_orders(COIN)
    assert (resting["id"], resting["price"], resting["amount"], resting["status"]) == (
        placed["id"],
        50_000,
        0.01,
        "open",
    )
    assert client.fetch_balance()["USDT"]["used"] == 500
    client.cancel_order(placed["id"], COIN)
    assert client.fetch_open_orders(COIN) == []
    assert client.fetch_balance()["USDT"]["free"] == 10_000
    half = client.create_order(COIN, "limit", "buy", 0.1, 59_000)
    paper_venue.price(PERPETUAL, 58_999)
    assert client.fetch_order(half["id"], COIN, {"acknowledged": True})["status"] == "closed"


def test_stop_waits_and_sells(client: Any, paper_venue: PaperVenueControl) -> None:
    client.create_order(COIN, "limit", "buy", 0.01, 61_000)
    client.create_order(COIN, "market", "sell", 0.009, None, {"stopLossPrice": 59_000})
    paper_venue.price(PERPETUAL, 58_990)
    assert [trade["side"] for trade in client.fetch_my_trades(COIN)] == ["buy", "sell"]


def test_errors_are_of_the_class_their_readers_expect(client: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(COIN, "limit", "buy", 5, 59_000)
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(COIN, "market", "sell", 1)
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("123456789", COIN)
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_the_venues_own_sdk_trades_bybits_spot(pybit_client: Any, paper_venue: PaperVenueControl) -> None:
    client, spot = pybit_client(), {"category": "spot", "symbol": "BTCUSDT"}
    (listed,) = client.get_instruments_info(**spot)["result"]["list"]
    assert listed["lotSizeFilter"]["minOrderAmt"] == "5"
    client.place_order(**spot, side="Buy", orderType="Market", qty="600", orderLinkId="cost")
    client.place_order(**spot, side="Buy", orderType="Market", qty="0.01", marketUnit="baseCoin", orderLinkId="base")
    newest, oldest = client.get_executions(**spot)["result"]["list"]
    assert (newest["execQty"], newest["feeCurrency"], newest["orderLinkId"]) == ("0.01", "BTC", "base")
    assert Decimal(590) < Decimal(oldest["execValue"]) <= 600
    stop = {"side": "Sell", "orderType": "Market", "qty": "0.01", "triggerPrice": "59000", "orderFilter": "StopOrder"}
    client.place_order(**spot, **stop, orderLinkId="stop")
    (waiting,) = client.get_open_orders(**spot)["result"]["list"]
    assert (waiting["stopOrderType"], waiting["orderStatus"]) == ("Stop", "Untriggered")
    with pytest.raises(InvalidRequestError):
        client.cancel_order(**spot, orderLinkId="stop")
    client.cancel_order(**spot, orderLinkId="stop", orderFilter="StopOrder")
    batch = [
        {
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": quantity,
            "price": "50000",
            "orderLinkId": name,
        }
        for name, quantity in (("b1", "0.01"), ("b2", "50"))
    ]
    answer = client.place_batch_order(category="spot", request=batch)
    assert [entry["code"] for entry in answer["retExtInfo"]["list"]] == [0, 170131]
    wallet = {c["coin"]: c for c in client.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"]}
    assert wallet["USDT"]["locked"] == "500"
    assert Decimal(wallet["BTC"]["walletBalance"]) > Decimal("0.019")
