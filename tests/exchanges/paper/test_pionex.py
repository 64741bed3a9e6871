"""Pionex's face as its own documents describe it: every field of every row, the sockets' manners, and the ban."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.signing import Signer
from apps.exchanges.paper.pionex import face as front
from apps.exchanges.paper.server import PaperVenue
from tests.exchanges.paper.wire import RawPionex, told
from tests.paper_fixtures import START_PRICES, PaperVenueControl

pytestmark = pytest.mark.wire
NAME = "BTC_USDT_PERP"
BTC = "BTC/USDT:USDT"
SCHEMAS = json.loads((Path(__file__).parents[3] / "fixtures" / "venues" / "pionex" / "schemas.json").read_text())


def assert_told_as_documented(schema: str, row: dict[str, Any], *, nested: frozenset[str] = frozenset()) -> None:
    """All fields of the document, each of its kind, and none beside them."""
    wanted = SCHEMAS[schema]
    words = {name: allowed.split() for name, allowed in wanted.get("words", {}).items()}
    names = {name for kind in ("int", "decimal", "text", "bool") for name in wanted.get(kind, "").split()}
    assert set(row) - nested == names | set(words), schema
    for name in wanted.get("int", "").split():
        assert type(row[name]) is int, (schema, name)
    for name in wanted.get("bool", "").split():
        assert type(row[name]) is bool, (schema, name)
    for name in wanted.get("text", "").split():
        assert isinstance(row[name], str), (schema, name)
    for name in wanted.get("decimal", "").split():
        assert isinstance(row[name], str), (schema, name)
        float(row[name])
    for name, allowed in words.items():
        assert row[name] in allowed, (schema, name)


@pytest.fixture
def raw(paper_venue: PaperVenueControl) -> RawPionex:
    return RawPionex(paper_venue, paper_venue.account("pionex"))


def data(raw: RawPionex, path: str, **params: Any) -> Any:
    body = raw.call("GET", path, params).json()
    assert body["result"] is True, body
    assert body["timestamp"] > 10**12
    return body["data"]


PUBLIC: list[tuple[str, dict[str, Any], str, str]] = [
    ("common/symbols", {"type": "PERP"}, "symbols", "FuturesSymbolInfo"),
    ("market/tickers", {"symbol": NAME}, "tickers", "Ticker"),
    ("market/bookTickers", {"type": "PERP"}, "tickers", "BookTicker"),
    ("market/indexes", {}, "indexes", "FuturesIndex"),
    ("market/klines", {"symbol": NAME, "interval": "60M"}, "klines", "Kline"),
]


@pytest.mark.parametrize(("path", "params", "field", "schema"), PUBLIC)
def test_public_rows_have_the_documented_fields(
    raw: RawPionex, path: str, params: dict[str, Any], field: str, schema: str
) -> None:
    for row in data(raw, f"/api/v1/{path}", **params)[field]:
        assert_told_as_documented(schema, row)


def test_trades_and_tiers_have_the_documented_fields(raw: RawPionex) -> None:
    for row in data(raw, "/api/v1/market/trades", symbol=NAME)["trades"]:
        assert_told_as_documented("MarketTrade", row)
    for table in data(raw, "/api/v1/common/riskTable")["symbols"]:
        for tier in table["rows"]:
            assert_told_as_documented("RiskTier", tier)


def test_funding_rates_come_newest_first_and_before_the_end(raw: RawPionex) -> None:
    (newest,) = data(raw, "/api/v1/market/fundingRates", symbol=NAME)["rates"]
    rates = data(raw, "/api/v1/market/fundingRates", symbol=NAME, limit=5, endTime=newest["fundingTime"])["rates"]
    times = [rate["fundingTime"] for rate in rates]
    assert times == sorted(times, reverse=True)
    assert len(times) == 5
    assert times[0] < newest["fundingTime"]


@pytest.mark.parametrize("mode", ["BUYSELL", "OPENCLOSE"])
@pytest.mark.parametrize("margin", ["CROSS", "ISOLATED"])
def test_private_rows_have_the_documented_fields(
    paper_venue: PaperVenueControl, raw: RawPionex, mode: str, margin: str
) -> None:
    raw.call("POST", "/uapi/v1/account/positionMode", {"positionMode": mode})
    raw.call("POST", "/uapi/v1/trade/isolatedMode", {"symbol": NAME, "isolatedMode": margin})
    assert data(raw, "/uapi/v1/trade/isolatedMode", symbol=NAME)["isolatedMode"] == margin
    leg: dict[str, Any] = {"positionSide": "LONG"} if mode == "OPENCLOSE" else {}
    assert raw.code(raw.place("resting", **leg)) == 0
    assert raw.code(raw.place("taking", type="MARKET_QTY", **leg)) == 0
    paper_venue.fund()
    for order in (
        *data(raw, "/uapi/v1/trade/openOrders")["orders"],
        *data(raw, "/uapi/v1/trade/historyOrders", symbol=NAME)["orders"],
    ):
        assert_told_as_documented("Order", order)
    (fill,) = data(raw, "/uapi/v1/trade/fills", symbol=NAME)["fills"]
    assert_told_as_documented("Fill", fill)
    (fee,) = data(raw, "/uapi/v1/trade/fundingFee")["fundings"]
    assert_told_as_documented("FundingFeeRecord", fee)
    (position,) = data(raw, "/uapi/v1/account/positions")["positions"]
    assert_told_as_documented("Position", position)
    detail = data(raw, "/uapi/v1/account/detail")
    assert_told_as_documented("AccountDetailBalance", detail["balances"][0])
    assert_told_as_documented("AccountDetailPosition", detail["positions"][0], nested=frozenset({"balances"}))
    margins = detail["positions"][0]["balances"]
    isolates = data(raw, "/uapi/v1/account/balances")["isolates"]
    if margin == "CROSS":
        assert margins is isolates is None
        return
    assert_told_as_documented("IsolatedMargin", margins[0])
    assert_told_as_documented("AccountBalance", isolates[0]["balances"][0])
    assert isolates[0]["isolatedMode"] == ("ISOLATED_LONG" if leg else "ISOLATED_BOTH")


def login(venue: PaperVenueControl, keys: Credentials) -> ClientConnection:
    socket = connect(f"{venue.ws_url}/pionex/wsUA")
    now_ms = int(time.time() * 1000)
    signature = Signer(keys.api_secret).hex(f"{now_ms}websocket_auth".encode())
    socket.send(json.dumps({"op": "auth", "args": [keys.api_key, now_ms, signature]}))
    return socket


def subscribe(socket: ClientConnection, topic: str, **terms: Any) -> None:
    socket.send(json.dumps({"op": "SUBSCRIBE", "topic": topic, **terms}))
    assert told(socket, lambda m: m.get("type") in ("SUBSCRIBED", "ERROR")) == {
        "type": "SUBSCRIBED", "topic": topic, **({"symbol": terms["symbol"]} if "symbol" in terms else {})
    }  # fmt: skip


def test_private_messages_have_the_documented_fields(paper_venue: PaperVenueControl, raw: RawPionex) -> None:
    with login(paper_venue, raw.keys) as socket:
        for topic in ("ORDER", "FILL", "POSITION"):
            subscribe(socket, topic, symbol="ALL")
        subscribe(socket, "BALANCE")
        raw.place("taking", type="MARKET_QTY")
        messages = [told(socket, lambda m: "topic" in m) for _ in range(5)]
    # An execution comes before the state it leads to, and says nothing of whose order it was.
    assert [message["topic"] for message in messages] == ["ORDER", "FILL", "ORDER", "POSITION", "BALANCE"]
    for message, schema in zip(
        messages,
        ("FuturesOrderRecord", "FuturesFillRecord", "FuturesOrderRecord", "FuturesPositionRecord"),
        strict=False,
    ):
        assert_told_as_documented(schema, message["data"])
    assert messages[-1]["data"]["type"] == "CROSS"
    assert_told_as_documented("AccountBalance", messages[-1]["data"]["balances"][0])


def test_frames_are_bytes_and_the_book_chains(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/pionex/wsPub") as socket:
        subscribe(socket, "ORDERBOOK", symbol=NAME)
        whole = told(socket, lambda m: m.get("topic") == "ORDERBOOK")["data"]
        levels = dict(map(tuple, whole["bids"] + whole["asks"]))
        number = whole["number"]
        for price in (60_100, 59_900):
            paper_venue.price(BTC, price)
            change = told(socket, lambda m: m.get("topic") == "ORDERBOOK")["data"]
            assert (change["action"], change["prevNumber"]) == ("UPDATE", number)
            number = change["number"]
            levels |= dict(map(tuple, change["bids"] + change["asks"]))
        kept = {price for price, size in levels.items() if size != "0"}
        book = paper_venue.call("GET", f"/pionex/api/v1/market/depth?symbol={NAME}&limit=50")["data"]
        assert kept == {price for price, _ in book["bids"] + book["asks"]}
        subscribe(socket, "TRADE", symbol=NAME)
        assert isinstance(socket.recv(timeout=5), bytes)
        trade = told(socket, lambda m: m.get("topic") == "TRADE")["data"][0]
        assert_told_as_documented("TradeRecord", {**trade, "type": trade["type"]})
        subscribe(socket, "INDEX", symbol=NAME)
        assert_told_as_documented("IndexRecord", told(socket, lambda m: m.get("topic") == "INDEX")["data"][0])


def test_what_a_socket_may_not_is_told(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/pionex/wsPub") as socket:
        for message in (
            {"op": "SUBSCRIBE", "topic": "DEPTH", "symbol": NAME},
            {"op": "SUBSCRIBE", "topic": "TICKER", "symbol": NAME},
            {"op": "SUBSCRIBE", "topic": "ORDER", "symbol": "ALL"},
            {"nothing": 1},
        ):
            socket.send(json.dumps(message))
            assert told(socket, lambda m: True)["type"] == "ERROR"
    with connect(f"{paper_venue.ws_url}/pionex/wsUA") as socket:
        socket.send(json.dumps({"op": "SUBSCRIBE", "topic": "ORDER", "symbol": "ALL"}))
        assert told(socket, lambda m: True)["code"] == "APIKEY_LOST"
        for args, code in ((["nobody", 1, "x"], "INVALID_APIKEY"), ("junk", "INVALID_APIKEY")):
            socket.send(json.dumps({"op": "auth", "args": args}))
            assert told(socket, lambda m: True)["code"] == code


def test_a_client_id_is_forgotten_after_two_hours(paper_venue: PaperVenueControl, raw: RawPionex) -> None:
    later_ms = 2 * 3_600_000 + 60_000
    known = {"symbol": NAME, "clientOrderId": "once"}
    order_id = raw.place("once").json()["data"]["orderId"]
    raw.call("DELETE", raw.order_path, {"symbol": NAME, "orderId": order_id})
    assert raw.code(raw.call("GET", "/uapi/v1/trade/orderByClientOrderId", known)) == 0
    paper_venue.faults("pionex", "", "clock_skew", skew_ms=later_ms)
    absent = raw.call("GET", "/uapi/v1/trade/orderByClientOrderId", known, age_ms=-later_ms)
    assert raw.code(absent) == "TRADE_ORDER_NOT_FOUND"
    by_id = raw.call("GET", raw.order_path, {"symbol": NAME, "orderId": order_id}, age_ms=-later_ms)
    assert by_id.json()["data"]["clientOrderId"] == "once"
    order = {"symbol": NAME, "side": "BUY", "type": "LIMIT", "size": "0.01", "price": "59000", "clientOrderId": "once"}
    assert raw.code(raw.call("POST", raw.order_path, order, age_ms=-later_ms)) == 0


def test_more_than_five_messages_a_second_end_the_connection(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/pionex/wsPub") as socket:
        for _ in range(6):
            socket.send(json.dumps({"op": "PONG", "timestamp": 1}))
        assert told(socket, lambda m: m.get("type") == "ERROR")["code"] == "TOO_MANY_MESSAGES"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


def test_a_client_that_never_answers_the_heartbeat_is_cut_off(
    paper_venue: PaperVenueControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "PING_S", 1)
    with connect(f"{paper_venue.ws_url}/pionex/wsPub") as silent, connect(f"{paper_venue.ws_url}/pionex/wsPub") as kind:
        for _ in range(3):
            ping = told(kind, lambda m: m.get("op") == "PING")
            kind.send(json.dumps({"op": "PONG", "timestamp": ping["timestamp"]}))
            told(silent, lambda m: m.get("op") == "PING")
        with pytest.raises(ConnectionClosed) as caught:
            silent.recv(timeout=5)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1000
        assert told(kind, lambda m: m.get("op") == "PING")


def test_a_limited_venue_closes_for_a_minute_at_the_third_call_of_a_second(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "limited.sqlite3", start_prices=START_PRICES, is_limited=True)
    control = PaperVenueControl(venue.start_in_thread())
    try:
        raw = RawPionex(control, control.account("pionex"))
        face = venue.faces["pionex"]
        assert isinstance(face, front.PionexFace)
        member = face.members[raw.keys.api_key]
        member.uses["weight"].append((int(time.time() * 1000), 5))
        assert raw.balance().headers["x-ratelimit-tokens"] == "0"
        member.uses["weight"].append((int(time.time() * 1000), 5))
        assert [raw.balance().status_code for _ in range(2)] == [429, 429]
        # A minute, and ten seconds for having knocked again.
        left_ms = face._banned_until[raw.keys.api_key] - int(time.time() * 1000)
        assert 65_000 < left_ms <= 70_000
    finally:
        venue.stop()
