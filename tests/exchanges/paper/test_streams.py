"""The sockets of both faces, read raw: what is public, what is private, what stays silent."""

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from apps.exchanges.connectors.base import Credentials
from tests.exchanges.paper.wire import RawBinance, RawBybit, told
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"


def listen_key(venue: PaperVenueControl, keys: Credentials) -> str:
    answer = requests.post(f"{venue.url}/binance/fapi/v1/listenKey", headers={"X-MBX-APIKEY": keys.api_key}, timeout=5)
    return str(answer.json()["listenKey"])


def user_stream(venue: PaperVenueControl, keys: Credentials) -> Any:
    return connect(f"{venue.ws_url}/binance/private/ws/{listen_key(venue, keys)}")


@pytest.mark.parametrize(
    ("path", "names", "events"),
    [
        ("/public/ws", ["btcusdt@bookTicker", "btcusdt@depth5@100ms"], {"bookTicker", "depthUpdate"}),
        (
            "/market/ws",
            ["btcusdt@aggTrade", "btcusdt@markPrice@1s", "btcusdt@ticker", "btcusdt@kline_1m"],
            {"aggTrade", "markPriceUpdate", "24hrTicker", "kline"},
        ),
        ("/ws", ["btcusdt@bookTicker", "btcusdt@aggTrade"], {"bookTicker", "aggTrade"}),
    ],
)
def test_binance_streams_by_subscribing(
    paper_venue: PaperVenueControl, path: str, names: list[str], events: set[str]
) -> None:
    with connect(f"{paper_venue.ws_url}/binance{path}") as socket:
        socket.send(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 7}))
        assert told(socket, lambda m: "id" in m) == {"result": None, "id": 7}
        moved_ms = int(time.time() * 1000)
        paper_venue.price(BTC, 61_000)
        seen: dict[str, Any] = {}
        while set(seen) != events:
            message = told(socket, lambda m: m["s"] == "BTCUSDT" and m["E"] >= moved_ms)
            seen[message["e"]] = message
        newest: dict[str, Callable[[Any], str]] = {
            "bookTicker": lambda m: m["b"], "depthUpdate": lambda m: m["b"][0][0], "aggTrade": lambda m: m["p"],
            "markPriceUpdate": lambda m: m["p"], "24hrTicker": lambda m: m["c"], "kline": lambda m: m["k"]["c"],
        }  # fmt: skip
        told_prices = [float(newest[kind](message)) for kind, message in seen.items()]
        assert told_prices == pytest.approx([61_000] * len(events), rel=1e-4)


def test_binance_streams_by_path_and_combined(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/binance/ws/btcusdt@bookTicker") as socket:
        assert told(socket, lambda m: True)["s"] == "BTCUSDT"
    with connect(f"{paper_venue.ws_url}/binance/stream?streams=btcusdt@bookTicker/ethusdt@aggTrade") as socket:
        first = told(socket, lambda m: m["stream"] == "ethusdt@aggTrade")
        assert first["data"]["s"] == "ETHUSDT"


def test_a_stream_on_the_wrong_path_stays_silent(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/binance/market/ws") as socket:
        socket.send(json.dumps({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "ethusdt@aggTrade"], "id": 1}))
        paper_venue.price(BTC, 61_000)
        paper_venue.price("ETH/USDT:USDT", 3_100)
        assert told(socket, lambda m: "e" in m)["e"] == "aggTrade"


def test_binance_user_stream_tells_an_order_in_the_venues_order(paper_venue: PaperVenueControl) -> None:
    keys = paper_venue.account("binance")
    raw = RawBinance(paper_venue, keys)
    with user_stream(paper_venue, keys) as socket:
        raw.place("u1", price="60100")
        messages = [told(socket, lambda m: True) for _ in range(3)]
    assert [m["e"] for m in messages] == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
    new, account, trade = messages
    assert (new["o"]["x"], new["o"]["X"], new["o"]["c"]) == ("NEW", "NEW", "u1")
    assert (trade["o"]["x"], trade["o"]["X"], trade["o"]["l"], trade["o"]["N"]) == ("TRADE", "FILLED", "0.01", "USDT")
    assert account["a"]["P"][0]["pa"] == "0.01"
    assert float(account["a"]["B"][0]["wb"]) == 10_000 - float(trade["o"]["n"])


def test_binance_conditional_orders_live_apart_and_get_a_second_id(paper_venue: PaperVenueControl) -> None:
    keys = paper_venue.account("binance")
    raw = RawBinance(paper_venue, keys)
    raw.place("entry", price="60100")
    stop = {
        "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.01",
        "triggerPrice": "59000", "reduceOnly": "true", "clientAlgoId": "stop1",
    }  # fmt: skip
    plain = raw.call("POST", "/fapi/v1/order", {**stop, "stopPrice": "59000"})
    assert raw.code(plain) == -4120
    with user_stream(paper_venue, keys) as socket:
        algo_id = raw.call("POST", "/fapi/v1/algoOrder", stop).json()["algoId"]
        assert told(socket, lambda m: m["e"] == "ALGO_UPDATE")["o"]["X"] == "NEW"
        by_plain_id = raw.call("GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "origClientOrderId": "stop1"})
        assert raw.code(by_plain_id) == -2013
        raw.call("DELETE", "/fapi/v1/allOpenOrders", {"symbol": "BTCUSDT"})
        assert len(raw.call("GET", "/fapi/v1/openAlgoOrders", {}).json()) == 1
        paper_venue.price(BTC, 58_900)
        states = [told(socket, lambda m: m["e"] == "ALGO_UPDATE")["o"] for _ in range(3)]
    assert [state["X"] for state in states] == ["TRIGGERING", "TRIGGERED", "FINISHED"]
    order_id = int(states[-1]["ai"])
    assert order_id != algo_id
    order = raw.call("GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": order_id}).json()
    assert (order["status"], order["origType"], order["clientOrderId"]) == ("FILLED", "STOP_MARKET", "stop1")
    assert raw.call("GET", "/fapi/v1/algoOrder", {"clientAlgoId": "stop1"}).json()["algoStatus"] == "FINISHED"


def test_hedge_mode_orders_need_their_side_and_no_reduce_only(paper_venue: PaperVenueControl) -> None:
    raw = RawBinance(paper_venue, paper_venue.account("binance"))
    assert raw.code(raw.call("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "true"})) == 200
    assert raw.code(raw.call("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "true"})) == -4059
    assert raw.code(raw.place("h1")) == -4061
    assert raw.code(raw.place("h2", positionSide="LONG", reduceOnly="true")) == -1106
    assert raw.code(raw.place("h3", positionSide="LONG")) == 0


def test_a_client_id_may_serve_again_once_its_order_is_closed_on_binance(paper_venue: PaperVenueControl) -> None:
    raw = RawBinance(paper_venue, paper_venue.account("binance"))
    assert raw.code(raw.place("again")) == 0
    assert raw.code(raw.place("again")) == -4116
    raw.call("DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "origClientOrderId": "again"})
    assert raw.code(raw.place("again")) == 0


def test_bybit_candles_and_books_stream(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/bybit/v5/public/linear") as socket:
        names = ["kline.1.BTCUSDT", "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "orderbook.1.BTCUSDT"]
        socket.send(json.dumps({"op": "subscribe", "req_id": "9", "args": names}))
        assert told(socket, lambda m: m.get("op") == "subscribe")["success"] is True
        paper_venue.price(BTC, 61_000)
        seen: dict[str, Any] = {}
        while set(seen) != set(names):
            message = told(socket, lambda m: "topic" in m)
            seen[message["topic"]] = message["data"]
        assert len(seen["orderbook.50.BTCUSDT"]["b"]) == 50
        assert len(seen["orderbook.1.BTCUSDT"]["a"]) == 1


def test_bybit_private_topics_need_a_login_that_is_right(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/bybit/v5/private") as socket:
        socket.send(json.dumps({"op": "subscribe", "args": ["order"]}))
        assert told(socket, lambda m: True)["success"] is False
        keys = paper_venue.account("bybit")
        socket.send(json.dumps({"op": "auth", "args": [keys.api_key, 9_999_999_999_999, "wrong"]}))
        assert told(socket, lambda m: m.get("op") == "auth")["success"] is False


def test_unknown_socket_paths_are_refused(paper_venue: PaperVenueControl) -> None:
    for path in ("/bybit/v5/public/nothing", "/binance/nowhere", "/mars/ws"):
        with pytest.raises(InvalidStatus) as refusal:
            connect(paper_venue.ws_url + path)
        assert refusal.value.response.status_code == 404


def test_funding_is_told_and_booked_on_both(paper_venue: PaperVenueControl) -> None:
    binance = RawBinance(paper_venue, paper_venue.account("binance"))
    bybit = RawBybit(paper_venue, paper_venue.account("bybit"))
    for raw in (binance, bybit):
        assert raw.code(raw.place("long", price="60100")) == 0
    with user_stream(paper_venue, binance.keys) as socket:
        paper_venue.fund()
        assert told(socket, lambda m: m["e"] == "ACCOUNT_UPDATE")["a"]["m"] == "FUNDING_FEE"
    (income,) = binance.call("GET", "/fapi/v1/income", {"incomeType": "FUNDING_FEE"}).json()
    listed = bybit.call("GET", "/v5/execution/list", {"category": "linear", "execType": "Funding"}).json()
    (execution,) = listed["result"]["list"]
    assert float(income["income"]) == -float(execution["execFee"]) != 0


def test_a_liquidation_is_a_fill_like_any_other(paper_venue: PaperVenueControl) -> None:
    raw = RawBinance(paper_venue, paper_venue.account("binance", balance="100"))
    raw.call("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": 20})
    assert raw.code(raw.place("doomed", type="MARKET", quantity="0.03", price="", timeInForce="")) == 0
    with user_stream(paper_venue, raw.keys) as socket:
        paper_venue.price(BTC, 56_000)
        assert told(socket, lambda m: m["e"] == "ORDER_TRADE_UPDATE")["o"]["x"] == "CALCULATED"
    assert raw.call("GET", "/fapi/v3/positionRisk", {}).json() == []
    assert float(raw.balance().json()[0]["balance"]) >= 0


def test_a_position_stop_on_bybit_is_moved_taken_away_and_goes_with_the_position(
    paper_venue: PaperVenueControl,
) -> None:
    raw = RawBybit(paper_venue, paper_venue.account("bybit"))
    symbol = {"category": "linear", "symbol": "BTCUSDT"}

    def levels() -> tuple[str, str]:
        row = raw.call("GET", "/v5/position/list", symbol).json()["result"]["list"][0]
        return row["takeProfit"], row["stopLoss"]

    def set_levels(**wanted: str) -> int:
        return raw.code(raw.call("POST", "/v5/position/trading-stop", {**symbol, "positionIdx": 0, **wanted}))

    assert set_levels(stopLoss="59000") == 10001
    raw.place("in", price="60100")
    assert set_levels(stopLoss="59000", takeProfit="62000") == 0
    assert levels() == ("62000", "59000")
    assert set_levels(stopLoss="59000") == 34040
    assert set_levels(stopLoss="59500") == 0
    assert set_levels(takeProfit="0") == 0
    assert levels() == ("", "59500")
    assert set_levels(stopLoss="61000") == 10001
    assert set_levels(takeProfit="61000") == 0
    paper_venue.price(BTC, 61_500)
    state = paper_venue.state("bybit", raw.keys)
    assert state["positions"] == []
    assert [order["status"] for order in state["orders"] if order["request"]["attached_as"] == "StopLoss"][
        -1
    ] == "expired"


def test_history_and_live_ticks_are_one_series(moving_paper_venue: PaperVenueControl) -> None:
    """Every tick heard live lies in the bar the history tells for its second, and the last one is its close."""
    heard: dict[int, list[float]] = {}
    with connect(f"{moving_paper_venue.ws_url}/binance/market/ws/btcusdt@aggTrade") as socket:
        while len(heard) < 4:
            trade = told(socket, lambda m: True)
            heard.setdefault(trade["T"] // 1000, []).append(float(trade["p"]))
    whole = sorted(heard)[1:-1]
    path = f"/_history?exchange=binance&symbol={BTC}&timeframe_s=1&since_ms={whole[0] * 1000}&limit={len(whole)}"
    bars = moving_paper_venue.call("GET", path)
    assert [bar[0] for bar in bars] == [second * 1000 for second in whole]
    for bar, second in zip(bars, whole, strict=True):
        assert (max(heard[second]), min(heard[second]), heard[second][-1]) == (bar[2], bar[3], bar[4])


@pytest.mark.parametrize("timeframe_s", [1, 60, 300, 3600])
def test_history_is_ascending_gapless_and_as_long_as_asked(
    moving_paper_venue: PaperVenueControl, timeframe_s: int
) -> None:
    bars = moving_paper_venue.call("GET", f"/_history?symbol={BTC}&timeframe_s={timeframe_s}&limit=500")
    assert len(bars) == 500
    opens = [bar[0] for bar in bars]
    assert opens == list(range(opens[0], opens[0] + 500 * timeframe_s * 1000, timeframe_s * 1000))
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in bars)
    assert all(before[4] == after[1] for before, after in itertools.pairwise(bars))
