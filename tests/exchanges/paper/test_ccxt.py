"""ccxt trades on the paper venue as on the real ones: what it chokes on is our fault."""

import itertools
from typing import Any

import ccxt
import pytest

from cts.domain.synthetic import PROFILES
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"
EACH = pytest.mark.parametrize("name", ["bybit", "binanceusdm"])


@EACH
def test_markets_are_the_listed_perpetuals_with_their_filters(ccxt_client: Any, name: str) -> None:
    markets = ccxt_client(name).load_markets()
    assert len(markets) == len(PROFILES)
    market = markets[BTC]
    assert (market["swap"], market["linear"], market["settle"], market["contractSize"]) == (True, True, "USDT", 1.0)
    assert market["precision"] == {"amount": 0.001, "price": 0.1} | {
        key: market["precision"][key] for key in market["precision"] if key not in ("amount", "price")
    }
    assert market["limits"]["amount"]["min"] == 0.001


@EACH
def test_public_data_reads_as_one_market(ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    ticker = client.fetch_ticker(BTC)
    book = client.fetch_order_book(BTC, limit=5)
    candles = client.fetch_ohlcv(BTC, "1m", limit=30)
    assert ticker["last"] == 60_000
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["bids"]) == 5
    assert len(candles) == 30
    assert [b[0] - a[0] for a, b in itertools.pairwise(candles)] == [60_000] * 29
    assert candles[-1][4] == 60_000
    assert abs(client.fetch_time() - client.milliseconds()) < 1000
    assert len(client.fetch_tickers()) == len(PROFILES)
    assert abs(client.fetch_funding_rate(BTC)["fundingRate"]) < 0.001
    assert client.fetch_trades(BTC)[-1]["price"] == 60_000


@EACH
def test_a_limit_order_rests_is_found_and_is_canceled(ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    placed = client.create_order(BTC, "limit", "buy", 0.01, 59_000, {"clientOrderId": "mine1"})
    resting = client.fetch_open_orders(BTC)
    assert [(o["id"], o["clientOrderId"], o["price"], o["amount"], o["status"]) for o in resting] == [
        (placed["id"], "mine1", 59_000, 0.01, "open")
    ]
    client.cancel_order(placed["id"], BTC)
    assert client.fetch_open_orders(BTC) == []
    assert [o["status"] for o in client.fetch_canceled_orders(BTC)] == ["canceled"]


@EACH
def test_a_market_order_fills_pays_its_fee_and_holds_a_position(ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    client.set_leverage(10, BTC)
    client.create_order(BTC, "market", "buy", 0.1)
    (trade,) = client.fetch_my_trades(BTC)
    assert (trade["amount"], trade["side"], trade["fee"]["currency"]) == (0.1, "buy", "USDT")
    rate = {"bybit": 0.00055, "binanceusdm": 0.0005}[name]
    assert trade["fee"]["cost"] == pytest.approx(trade["price"] * 0.1 * rate)
    (position,) = client.fetch_positions([BTC])
    assert (position["contracts"], position["side"], position["entryPrice"]) == (0.1, "long", trade["price"])
    balance = client.fetch_balance()["USDT"]
    assert balance["total"] == pytest.approx(10_000 - trade["fee"]["cost"], abs=0.2)
    assert balance["free"] == pytest.approx(10_000 - 600, abs=5)


@EACH
def test_a_stop_waits_triggers_and_closes(paper_venue: PaperVenueControl, ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    client.create_order(BTC, "market", "buy", 0.1)
    stop = client.create_order(BTC, "market", "sell", 0.1, None, {"stopLossPrice": 58_000, "reduceOnly": True})
    (waiting,) = client.fetch_open_orders(BTC, params={"trigger": True})
    assert (waiting["id"], waiting["triggerPrice"], waiting["reduceOnly"]) == (stop["id"], 58_000, True)
    paper_venue.price(BTC, 57_990)
    assert client.fetch_open_orders(BTC, params={"trigger": True}) == []
    assert [p for p in client.fetch_positions([BTC]) if p["contracts"]] == []
    assert [t["side"] for t in client.fetch_my_trades(BTC)] == ["buy", "sell"]
    assert client.fetch_my_trades(BTC)[-1]["price"] == pytest.approx(57_990, rel=1e-4)


@EACH
def test_hedge_mode_holds_both_legs(ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    client.load_markets()
    client.set_position_mode(True, BTC)
    legs = {
        "bybit": ({"positionIdx": 1}, {"positionIdx": 2}),
        "binanceusdm": ({"positionSide": "LONG"}, {"positionSide": "SHORT"}),
    }[name]
    client.create_order(BTC, "market", "buy", 0.1, None, legs[0])
    client.create_order(BTC, "market", "sell", 0.2, None, legs[1])
    held = {p["side"]: p["contracts"] for p in client.fetch_positions([BTC])}
    assert held == {"long": 0.1, "short": 0.2}


REFUSED: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "too large": ({"amount": 1_200_000.0}, {"bybit": 10001, "binanceusdm": -4005}),
    "too small": ({"amount": 0.001, "price": 54_000.0 / 12}, {"bybit": 110094, "binanceusdm": -4164}),
    "no margin": ({"amount": 5.0}, {"bybit": 110007, "binanceusdm": -2019}),
    "nothing to reduce": ({"params": {"reduceOnly": True}}, {"bybit": 110017, "binanceusdm": -2022}),
    "price far off": ({"price": 70_000.0}, {"bybit": 110003, "binanceusdm": -4131}),
}


@EACH
@pytest.mark.parametrize("case", REFUSED)
def test_what_a_venue_refuses_changes_nothing(ccxt_client: Any, name: str, case: str) -> None:
    """By code: ccxt maps Binance's codes to its classes by host name."""
    client = ccxt_client(name)
    change, codes = REFUSED[case]
    order: dict[str, Any] = {"amount": 0.01, "price": 59_000.0, "params": {}, **change}
    with pytest.raises(ccxt.ExchangeError, match=rf'[cC]ode":{codes[name]}\b'):
        client.create_order(BTC, "limit", "buy", order["amount"], order["price"], order["params"])
    assert client.fetch_open_orders(BTC) == []
    assert client.fetch_my_trades(BTC) == []
    assert client.fetch_balance()["USDT"]["total"] == 10_000


@EACH
def test_a_wrong_secret_is_told_as_such(paper_venue: PaperVenueControl, ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    client.secret = "not the secret"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


@EACH
def test_an_old_clock_is_told_as_such(ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    client.load_markets()
    client.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce):
        client.fetch_balance()


@EACH
def test_amending_moves_a_resting_order(ccxt_client: Any, name: str) -> None:
    client = ccxt_client(name)
    placed = client.create_order(BTC, "limit", "buy", 0.01, 59_000)
    client.edit_order(placed["id"], BTC, "limit", "buy", 0.02, 58_500)
    (order,) = client.fetch_open_orders(BTC)
    assert (order["id"], order["amount"], order["price"]) == (placed["id"], 0.02, 58_500)
