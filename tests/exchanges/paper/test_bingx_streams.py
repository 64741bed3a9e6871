"""BingX's face over its sockets: packed frames, one topic a subscription, the account by its listen key."""

import gzip
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.exchanges.paper.wire import RawBingx
from tests.paper_fixtures import START_PRICES, PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"
TRADE = "/openApi/swap/v2/trade/"
LISTEN = "/openApi/user/auth/userDataStream"


@pytest.fixture
def raw(paper_venue: PaperVenueControl) -> RawBingx:
    return RawBingx(paper_venue, paper_venue.account("bingx"))


def told(socket: ClientConnection, wanted: Callable[[Any], object], *, timeout_s: float = 7) -> Any:
    """The next packed message for which `wanted` holds; pings are answered on the way."""
    deadline = time.monotonic() + timeout_s
    while True:
        frame = socket.recv(timeout=max(0.01, deadline - time.monotonic()))
        assert isinstance(frame, bytes)
        text = gzip.decompress(frame)
        if text == b"Ping":
            socket.send("Pong")
        message = "Ping" if text == b"Ping" else json.loads(text)
        if wanted(message):
            return message


def public(venue: PaperVenueControl) -> ClientConnection:
    return connect(f"{venue.ws_url}/bingx/swap-market")


def subscribe(socket: ClientConnection, topic: str) -> int:
    socket.send(json.dumps({"id": topic, "reqType": "sub", "dataType": topic}))
    return int(told(socket, lambda m: m != "Ping" and m.get("id") == topic)["code"])


def user_stream(venue: PaperVenueControl, raw: RawBingx) -> ClientConnection:
    key = raw.call("POST", LISTEN, {}).json()["listenKey"]
    return connect(f"{venue.ws_url}/bingx/swap-market?listenKey={key}")


def test_every_frame_is_packed_and_the_ping_is_one(paper_venue: PaperVenueControl) -> None:
    with public(paper_venue) as socket:
        assert told(socket, lambda m: m == "Ping") == "Ping"


@pytest.mark.parametrize(
    ("kind", "price"),
    [
        ("ticker", lambda d: d["c"]), ("lastPrice", lambda d: d["c"]), ("markPrice", lambda d: d["p"]),
        ("bookTicker", lambda d: d["b"]), ("trade", lambda d: d[0]["p"]), ("kline_1m", lambda d: d[0]["c"]),
        ("depth20@500ms", lambda d: d["bids"][0][0]), ("depth5", lambda d: d["asks"][-1][0]),
    ],
)  # fmt: skip
def test_each_topic_tells_the_moved_price(
    paper_venue: PaperVenueControl, kind: str, price: Callable[[Any], str]
) -> None:
    with public(paper_venue) as socket:
        assert subscribe(socket, f"BTC-USDT@{kind}") == 0
        paper_venue.price(BTC, 61_000)

        def has_moved(message: Any) -> bool:
            is_data = message != "Ping" and message.get("dataType") == f"BTC-USDT@{kind}"
            return is_data and float(price(message["data"])) == pytest.approx(61_000, rel=1e-4)

        assert told(socket, has_moved)["code"] == 0


def test_topics_nobody_knows_and_too_many_are_refused(paper_venue: PaperVenueControl) -> None:
    with public(paper_venue) as socket:
        for topic in ("NOPE-USDT@ticker", "btc-usdt@ticker", "BTC-USDT@nope", "BTC-USDT"):
            assert subscribe(socket, topic) == 80015
        kinds = [f"kline_{interval}" for interval in ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h")]
        kinds += [f"depth{depth}{speed}" for depth in (5, 10, 20, 50) for speed in ("", "@200ms", "@500ms")]
        names = [symbol.split("/")[0] + "-USDT" for symbol in START_PRICES]
        topics = [f"{name}@{kind}" for kind, name in itertools.product(kinds, names)][:201]
        assert [subscribe(socket, topic) for topic in topics] == [0] * 200 + [80403]
        socket.send(json.dumps({"id": "u", "reqType": "unsub", "dataType": topics[0]}))
        assert told(socket, lambda m: m != "Ping" and m.get("id") == "u")["code"] == 0
        assert subscribe(socket, topics[200]) == 0


def test_a_listen_key_opens_the_account_stream_until_it_is_closed(
    paper_venue: PaperVenueControl, raw: RawBingx
) -> None:
    key = raw.call("POST", LISTEN, {}).json()["listenKey"]
    assert raw.call("POST", LISTEN, {}).json()["listenKey"] == key
    assert raw.code(raw.call("PUT", LISTEN, {"listenKey": key})) == 0
    assert raw.code(raw.call("PUT", LISTEN, {"listenKey": "other"})) == 100400
    assert raw.code(raw.call("DELETE", LISTEN, {"listenKey": key})) == 0
    with pytest.raises(InvalidStatus):
        connect(f"{paper_venue.ws_url}/bingx/swap-market?listenKey={key}")


def test_the_account_stream_tells_order_fill_and_position(paper_venue: PaperVenueControl, raw: RawBingx) -> None:
    with user_stream(paper_venue, raw) as socket:
        raw.place("U1", price="60100")
        new, filled, account = (
            told(socket, lambda m: m != "Ping" and m["e"] != "ACCOUNT_CONFIG_UPDATE") for _ in range(3)
        )
    assert (new["o"]["x"], new["o"]["X"], new["o"]["c"], new["o"]["T"]) == ("NEW", "NEW", "u1", 0)
    assert (filled["o"]["x"], filled["o"]["X"], filled["o"]["z"]) == ("TRADE", "FILLED", "0.01")
    assert float(filled["o"]["n"]) < 0
    assert filled["o"]["td"]
    assert (account["a"]["m"], account["a"]["P"][0]["pa"], account["a"]["P"][0]["ps"]) == ("ORDER", "0.01", "LONG")
    assert float(account["a"]["B"][0]["wb"]) == 10_000 + float(filled["o"]["n"])


def test_settings_are_told_again_and_again(paper_venue: PaperVenueControl, raw: RawBingx) -> None:
    raw.data("POST", TRADE + "leverage", symbol="ETH-USDT", side="BOTH", leverage=7)
    with user_stream(paper_venue, raw) as socket:
        config = told(socket, lambda m: m != "Ping" and m["e"] == "ACCOUNT_CONFIG_UPDATE")
    assert (config["ac"]["s"], config["ac"]["l"], config["ac"]["mt"]) == ("ETH-USDT", 7, "cross")


def test_whoever_answers_no_ping_is_cut_off(monkeypatch: pytest.MonkeyPatch, paper_venue: PaperVenueControl) -> None:
    monkeypatch.setattr("apps.exchanges.paper.bingx.socket.PONG_WITHIN_S", 0.5)
    with public(paper_venue) as socket, pytest.raises(ConnectionClosed):
        list(socket)
