"""OrangeX's doors and sockets, byte by byte: what its former name's client never does."""

import hashlib
import hmac
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.orangex import face as orangex
from apps.exchanges.paper.orangex.face import DOORS, OrangeXFace
from apps.exchanges.paper.server import PaperVenue
from tests.exchanges.paper.wire import told
from tests.paper_fixtures import START_PRICES, PaperVenueControl

BTC, NAME = "BTC/USDT:USDT", "BTC-USDT-PERPETUAL"
JUNK: list[Any] = ["", "0", "-1", "1e9", "NaN", "Infinity", "1" * 40, "é", "null", True, [], {}, None, 10**30, NAME]
GOOD: dict[str, Any] = {
    "instrument_name": NAME, "currency": "PERPETUAL", "amount": "0.01", "type": "limit", "price": "59000",
    "asset_type": ["PERPETUAL"], "leverage": "5", "margin_type": "cross", "resolution": "1", "order_id": "1",
    "start_timestamp": "0", "end_timestamp": "9999999999999", "count": 10, "offset": 0, "depth": 5,
    "position_side": "BOTH", "condition_type": "STOP", "trigger_price": "61000", "trigger_price_type": 2,
    "grant_type": "client_credentials", "client_id": "key", "client_secret": "secret", "custom_order_id": "a.b",
}  # fmt: skip


class Raw:
    def __init__(self, venue: PaperVenueControl, keys: Credentials) -> None:
        self.url, self.keys, self.token = f"{venue.url}/orangex/api/v1", keys, ""

    def post(self, name: str, params: dict[str, Any], **change: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 7, "method": f"/{name}", "params": params} | change
        headers = {"Authorization": f"bearer {self.token}"} if self.token else {}
        answer = requests.post(f"{self.url}/{name}", json=body, headers=headers, timeout=5, allow_redirects=False)
        assert answer.status_code == 200
        return answer.json()

    def code(self, name: str, params: dict[str, Any], **change: Any) -> int:
        return int(self.post(name, params, **change).get("error", {}).get("code", 0))

    def sign_in(self) -> "Raw":
        words = {"client_id": self.keys.api_key, "client_secret": self.keys.api_secret}
        self.token = self.post("public/auth", {"grant_type": "client_credentials", **words})["result"]["access_token"]
        return self


@pytest.fixture
def raw(paper_venue: PaperVenueControl) -> Raw:
    return Raw(paper_venue, paper_venue.account("orangex"))


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrangeXFace]:
    """Not serving: requests go straight to it."""
    path = tmp_path_factory.mktemp("orangex") / "doors.sqlite3"
    venue = PaperVenue(state_path=path, start_prices=START_PRICES)
    venue.account_ensure("orangex", api_key="key", api_secret="secret", balance="10000")
    found = venue.faces["orangex"]
    assert isinstance(found, OrangeXFace)
    yield found
    venue.store.close()


def test_no_door_breaks_on_junk(face: OrangeXFace) -> None:
    dice = random.Random(5)
    for name in DOORS:
        for _ in range(40):
            token = face.tokens.issue(face.members["key"], now_ms=face.now_ms())["access_token"]
            params = {field: value for field, value in GOOD.items() if dice.random() < 0.8}
            for field in dice.sample(sorted(params), k=min(3, len(params))):
                params[field] = dice.choice(JUNK)
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}).encode()
            headers = {"authorization": f"bearer {token}"}
            answer = face.answer(Request(method="POST", path=f"/api/v1{name}", query="", headers=headers, body=body))
            assert answer.status == 200
            assert json.loads(answer.body)["usOut"] > 0


@pytest.mark.parametrize("number", ["1" * 40, "1e30", "1e-30", "0." + "1" * 30, "NaN", "-Infinity", "1e999999"])
@pytest.mark.parametrize("field", ["amount", "price", "trigger_price"])
def test_numbers_no_market_knows_are_refused(face: OrangeXFace, field: str, number: str) -> None:
    fills = list(face.members["key"].account.fills)
    token = face.tokens.issue(face.members["key"], now_ms=face.now_ms())["access_token"]
    params = {name: GOOD[name] for name in ("instrument_name", "amount", "price", "condition_type", "trigger_price")}
    body = json.dumps({"method": "/private/buy", "params": params | {field: number}}).encode()
    headers = {"authorization": f"bearer {token}"}
    request = Request(method="POST", path="/api/v1/private/buy", query="", headers=headers, body=body)
    assert "error" in json.loads(face.answer(request).body)
    assert face.members["key"].account.fills == fills


@pytest.mark.wire
def test_three_ways_to_sign_in_and_none_with_a_wrong_word(raw: Raw) -> None:
    key, secret = raw.keys.api_key, raw.keys.api_secret
    stamp = str(int(time.time() * 1000))
    digest = hmac.new(secret.encode(), f"{key}\n{stamp}\nn\n".encode(), hashlib.sha256).hexdigest()
    signed = {"grant_type": "client_signature", "client_id": key, "timestamp": stamp, "nonce": "n"}
    assert raw.code("public/auth", signed | {"signature": digest}) == 10000  # the digest is to be written twice over
    grant = raw.post("public/auth", signed | {"signature": digest.encode().hex()})["result"]
    refresh = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    raw.token = raw.post("public/auth", refresh)["result"]["access_token"]
    assert raw.code("private/get_assets_info", {"asset_type": ["PERPETUAL"]}) == 0
    assert raw.code("public/auth", refresh) == 10000  # good once
    wrong = {"grant_type": "client_credentials", "client_id": key, "client_secret": "wrong"}
    assert raw.code("public/auth", wrong) == 10000
    raw.token = "made up"
    assert raw.code("private/get_assets_info", {"asset_type": ["PERPETUAL"]}) == 10000


@pytest.mark.wire
def test_token_ends(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.exchanges.paper.orangex.sign_in.LIFE_S", 1)
    raw.sign_in()
    assert raw.code("private/get_assets_info", {"asset_type": ["ALL"]}) == 0
    time.sleep(1.1)
    assert raw.code("private/get_assets_info", {"asset_type": ["ALL"]}) == 10000


@pytest.mark.wire
def test_method_stands_in_path_and_body_and_words_have_their_shapes(raw: Raw) -> None:
    raw.sign_in()
    assert raw.code("private/cancel_by_id", {"order_id": "1"}) == 1000
    assert raw.code("private/buy", {}, method="/private/sell") == 8000
    assert raw.code("private/get_assets_info", {"asset_type": "PERPETUAL"}) == 1001
    assert raw.code("public/get_order_book", {}) == 8000
    assert raw.code("public/get_order_book", {"instrument_name": "BTCUSDT"}) == 5001
    assert raw.post("public/tickers", {})["result"] == []
    assert requests.get(f"{raw.url}/private/buy", timeout=5).json()["error"]["code"] == 1000
    assert requests.post(raw.url, timeout=5, allow_redirects=False).status_code == 302


@pytest.mark.wire
def test_limited_venue_refuses_the_eleventh_request_of_a_second_and_the_sixth_socket(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "limited.sqlite3", start_prices=START_PRICES, is_limited=True)
    control = PaperVenueControl(venue.start_in_thread())
    try:
        fast = Raw(control, control.account("orangex")).sign_in()
        codes = [fast.code("private/get_account_msg", {}) for _ in range(40)]
        assert codes[:10] == [0] * 10
        assert 1005 in codes
        url = f"{control.ws_url}/orangex/ws/api/v1"
        opened = [connect(url) for _ in range(5)]
        with pytest.raises(InvalidStatus):
            connect(url)
        for socket in opened:
            socket.close()
    finally:
        venue.stop()


@pytest.mark.wire
def test_book_is_told_as_changes_that_follow_the_list_one_by_one(paper_venue: PaperVenueControl, raw: Raw) -> None:
    with connect(f"{paper_venue.ws_url}/orangex/ws/api/v1") as socket:
        channels = {"channels": [f"book.{NAME}.raw"]}
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "/public/subscribe", "params": channels}))
        answer = told(socket, lambda m: "result" in m)
        assert (answer["id"], answer["result"]) == ("1", channels["channels"])
        seed = raw.post("public/get_order_book", {"instrument_name": NAME, "depth": 0})["result"]
        book = {side: {float(p): float(q) for p, q in seed[side]} for side in ("bids", "asks")}
        for step, price in enumerate((60_010, 60_005.5), start=1):
            paper_venue.price(BTC, price)
            change = told(socket, lambda m: m.get("method") == "subscription")["params"]["data"]
            assert change["change_id"] == seed["version"] + step
            for side, levels in book.items():
                for action, level, amount in change[side]:
                    assert action in ("new", "delete")
                    levels.pop(float(level), None) if action == "delete" else levels.update(
                        {float(level): float(amount)}
                    )
        now = raw.post("public/get_order_book", {"instrument_name": NAME, "depth": 0})["result"]
        assert now["version"] == seed["version"] + 2
        assert book == {side: {float(p): float(q) for p, q in now[side]} for side in ("bids", "asks")}


@pytest.mark.wire
def test_one_unknown_channel_refuses_the_frame_and_private_ones_need_a_token(
    paper_venue: PaperVenueControl, raw: Raw
) -> None:
    with connect(f"{paper_venue.ws_url}/orangex/ws/api/v1") as socket:

        def ask(method: str, *channels: str, **more: str) -> Any:
            params = {"channels": list(channels), **more}
            socket.send(json.dumps({"jsonrpc": "2.0", "id": 5, "method": method, "params": params}))
            return told(socket, lambda m: m.get("id") == "5")

        bad = ask("/public/subscribe", f"ticker.{NAME}.raw", f"ticker.{NAME}.100ms")["error"]
        assert (bad["code"], bad["data"]) == (3401, {"channel": f"ticker.{NAME}.100ms"})
        assert ask("public/subscribe")["error"]["code"] == 1000
        assert ask("/private/subscribe", "user.asset.PERPETUAL", access_token="none")["error"]["code"] == 10000
        token = raw.sign_in().token
        assert ask("/private/subscribe", "user.asset.PERPETUAL", access_token=token)["result"]
        socket.send("{")
        assert told(socket, lambda m: "error" in m)["error"]["code"] == 9902
        socket.send("PING")
        assert socket.recv(timeout=5) == "PONG"


@pytest.mark.wire
def test_silent_socket_is_cut_whatever_it_is_told(
    paper_venue: PaperVenueControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orangex, "SILENT_S", 1.5)
    with connect(f"{paper_venue.ws_url}/orangex/ws/api/v1", ping_interval=None) as socket:
        params = {"channels": ["price_index.btc_usdt"]}
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "/public/subscribe", "params": params}))
        told(socket, lambda m: m.get("method") == "subscription")
        with pytest.raises(ConnectionClosed):
            told(socket, lambda m: False, timeout_s=15)
