"""Every door of every face against junk, and what must hold of the doors themselves."""

import base64
import hashlib
import hmac
import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from apps.exchanges.paper.binance import face as binance
from apps.exchanges.paper.bingx import face as bingx
from apps.exchanges.paper.bybit import face as bybit
from apps.exchanges.paper.face import Face
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.okx import face as okx
from apps.exchanges.paper.pionex import face as pionex
from apps.exchanges.paper.server import FACES, PaperVenue
from cts.domain.matching.events import Refusal
from tests.exchanges.paper.wire import RawBinance, RawBybit, RawOkx
from tests.paper_fixtures import START_PRICES, PaperVenueControl

DOORS = {
    "bybit": list(bybit.DOORS),
    "binance": list(binance.DOORS),
    "bingx": list(bingx.DOORS),
    "okx": list(okx.DOORS),
    "pionex": list(pionex.DOORS),
}
JUNK = [
    "",
    "0",
    "-1",
    "1e9",
    "NaN",
    "Infinity",
    "0.001",
    "60000",
    "1" * 40,
    "é",
    "null",
    "true",
    "[]",
    "'; --",
    "BTCUSDT",
    "BTC_USDT_PERP",
]
GOOD = {
    "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "59000",
    "settleCoin": "USDT", "accountType": "UNIFIED", "buyLeverage": "5", "sellLeverage": "5", "mode": "0",
    "interval": "1", "limit": "10", "setMarginMode": "REGULAR_MARGIN", "orderLinkId": "x", "stopLoss": "50000",
    "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "algoType": "CONDITIONAL", "triggerPrice": "59000",
    "leverage": "5", "marginType": "CROSSED", "dualSidePosition": "false", "orderId": "1", "algoId": "1",
    "startTime": "1", "endTime": "2", "fromId": "1", "cursor": "1", "positionIdx": "0", "positionSide": "BOTH",
    "triggerDirection": "1", "start": "1", "end": "2", "newClientOrderId": "y", "clientAlgoId": "z", "reduceOnly": "true",
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "tdMode": "cross", "ordType": "limit", "sz": "1", "px": "59000",
    "posSide": "net", "clOrdId": "w", "algoClOrdId": "v", "slTriggerPx": "59000", "slOrdPx": "-1", "ordId": "1",
    "callbackRatio": "0.01", "activePx": "60000", "lever": "5", "mgnMode": "cross", "posMode": "net_mode", "bar": "1m",
    "newSz": "2", "newPx": "58000", "newSlTriggerPx": "58000", "after": "9", "before": "1", "begin": "1",
    "closeFraction": "1", "state": "canceled",
}  # fmt: skip
# Each exchange's own words, also for what several call by the same name.
WORDS = {
    "bybit": {"side": "Buy"},
    "binance": {"side": "BUY"},
    "bingx": {
        "symbol": "BTC-USDT", "side": "BUY", "type": "TRAILING_STOP_MARKET", "interval": "1m", "stopPrice": "59000",
        "priceRate": "0.01", "activationPrice": "61000", "workingType": "CONTRACT_PRICE", "closePosition": "false",
        "batchOrders": '[{"symbol":"BTC-USDT","side":"BUY","type":"LIMIT","quantity":0.01,"price":59000}]',
        "orderIdList": "[1,2]", "tradingUnit": "COIN", "startTs": "1", "endTs": "2", "pageIndex": "1", "pageSize": "10",
        "listenKey": "k", "incomeType": "FUNDING_FEE", "clientOrderId": "w", "stopLoss": "", "marginType": "CROSSED",
    },
    "okx": {"side": "buy", "limit": "10"},
    "pionex": {
        "symbol": "BTC_USDT_PERP", "side": "BUY", "size": "0.01", "clientOrderId": "z", "interval": "1M",
        "isolatedMode": "CROSS", "positionMode": "BUYSELL", "symbols": "BTC_USDT_PERP", "status": "ALL",
        "type": "LIMIT", "orders": "[]", "reduceOnly": "false",
    },
}  # fmt: skip


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[PaperVenue]:
    """Not serving: requests go straight to the faces."""
    venue = PaperVenue(state_path=tmp_path / "doors.sqlite3", start_prices=START_PRICES)
    for slug in venue.faces:
        venue.account_ensure(slug, api_key="key", api_secret="secret", passphrase="passphrase", balance="10000")
    yield venue
    venue.store.close()


ORDER_PATHS = {
    "bybit": ["/v5/order/create"],
    "binance": ["/fapi/v1/order", "/fapi/v1/algoOrder"],
    "bingx": ["/openApi/swap/v2/trade/order", "/openApi/spot/v1/trade/order"],
    "okx": ["/api/v5/trade/order", "/api/v5/trade/order-algo"],
    "pionex": ["/uapi/v1/trade/order", "/api/v1/trade/order"],
}
NUMBERS = ("qty", "quantity", "size", "price", "triggerPrice", "sz", "px", "slTriggerPx")


def signed(slug: str, method: str, path: str, params: dict[str, str]) -> Request:
    stamp = str(int(time.time() * 1000))
    if slug == "pionex":
        return signed_pionex(method, path, params, stamp=stamp)
    if slug == "bingx":
        pairs = sorted((params | {"timestamp": stamp}).items())
        plain = "&".join(f"{name}={value}" for name, value in pairs)
        sign = hmac.new(b"secret", plain.encode(), hashlib.sha256).hexdigest()
        query = f"{urlencode(pairs)}&signature={sign}"
        return Request(method=method, path=path, query=query, headers={"x-bx-apikey": "key"})
    if slug == "binance":
        query = urlencode(params | {"timestamp": stamp})
        sign = hmac.new(b"secret", query.encode(), hashlib.sha256).hexdigest()
        headers = {"x-mbx-apikey": "key"}
        return Request(method=method, path=path, query=f"{query}&signature={sign}", headers=headers)
    payload = urlencode(params) if method == "GET" else json.dumps(params)
    query, body = (payload, b"") if method == "GET" else ("", payload.encode())
    if slug == "okx":
        iso = datetime.now(UTC).isoformat(timespec="milliseconds")
        told = f"{iso}{method}{path}{f'?{query}' if query else ''}".encode() + body
        sign = base64.b64encode(hmac.digest(b"secret", told, "sha256")).decode()
        headers = {"ok-access-key": "key", "ok-access-timestamp": iso, "ok-access-sign": sign}
        headers["ok-access-passphrase"] = "passphrase"
        return Request(method=method, path=path, query=query, headers=headers, body=body)
    sign = hmac.new(b"secret", f"{stamp}key{payload}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-bapi-api-key": "key", "x-bapi-timestamp": stamp, "x-bapi-sign": sign}
    return Request(method=method, path=path, query=query, headers=headers, body=body)


def signed_pionex(method: str, path: str, params: dict[str, str], *, stamp: str) -> Request:
    terms = (params if method == "GET" else {}) | {"timestamp": stamp}
    body = "" if method == "GET" else json.dumps(params)
    plain = "&".join(f"{name}={terms[name]}" for name in sorted(terms))
    sign = hmac.new(b"secret", f"{method}{path}?{plain}{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"pionex-key": "key", "pionex-signature": sign}
    return Request(method=method, path=path, query=urlencode(terms), headers=headers, body=body.encode())


@pytest.mark.parametrize("slug", sorted(DOORS))
def test_no_door_breaks_on_junk(venue: PaperVenue, slug: str) -> None:
    """A door that raises anything but a refusal would answer 500 on the wire; here it fails the test."""
    dice = random.Random(5)
    face: Face = venue.faces[slug]
    before = venue.faces[slug].members["key"].account.balance
    for method, path in DOORS[slug]:
        for _ in range(60):
            params = {name: value for name, value in (GOOD | WORDS[slug]).items() if dice.random() < 0.8}
            for name in dice.sample(sorted(params), k=min(3, len(params))):
                params[name] = dice.choice(JUNK)
            answer = face.answer(signed(slug, method, path, params))
            assert answer.status in (200, 400, 401, 429)
            json.loads(answer.body)
    assert face.members["key"].account.balance <= before


@pytest.mark.parametrize("slug", sorted(DOORS))
@pytest.mark.parametrize("number", ["1" * 40, "1e30", "1e-30", "0." + "1" * 30, "NaN", "-Infinity", "1e999999"])
def test_numbers_no_market_knows_are_refused(venue: PaperVenue, slug: str, number: str) -> None:
    face = venue.faces[slug]
    for path, name in itertools.product(ORDER_PATHS[slug], NUMBERS):
        params = {**GOOD, **WORDS[slug], name: number}
        if path.endswith("order-algo"):
            params["ordType"] = "conditional"
        if "/spot/" in path:
            params["type"] = "LIMIT"
        assert json.loads(face.answer(signed(slug, "POST", path, params)).body) != {}
    assert face.members["key"].account.fills == []


def test_every_refusal_has_a_code_on_every_face() -> None:
    never_raised = {Refusal.LIQUIDATED}
    accepted_then_canceled = {Refusal.WOULD_TAKE, Refusal.WOULD_NOT_FILL}
    told_by_its_own_door = {Refusal.HAS_POSITION, Refusal.HAS_ORDERS}
    has_no_trail = {Refusal.TRAIL}
    lacking = {
        "bybit": accepted_then_canceled,
        "binance": told_by_its_own_door,
        "bingx": set(),
        "okx": accepted_then_canceled,
        "pionex": accepted_then_canceled | has_no_trail,
        "orangex": accepted_then_canceled | has_no_trail,
    }
    assert set(lacking) == {face.slug for face in FACES}
    for slug, missing in lacking.items():
        codes = import_module(f"apps.exchanges.paper.{slug}.errors").REFUSALS
        assert set(codes) == set(Refusal) - never_raised - missing, slug


@pytest.mark.wire
def test_a_limited_venue_refuses_the_eleventh_order_of_a_second(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "limited.sqlite3", start_prices=START_PRICES, is_limited=True)
    control = PaperVenueControl(venue.start_in_thread())
    try:
        fast = RawBybit(control, control.account("bybit"))
        answers = [fast.place(f"r{number}") for number in range(12)]
        assert [fast.code(answer) for answer in answers] == [0] * 10 + [10006] * 2
        assert [answer.headers["X-Bapi-Limit-Status"] for answer in answers[:10]] == [str(9 - n) for n in range(10)]
        calm = RawBinance(control, control.account("binance"))
        counts = [int(calm.place(f"b{number}").headers["X-MBX-ORDER-COUNT-10S"]) for number in range(3)]
        assert counts == [1, 2, 3]
        silent = RawOkx(control, control.account("okx"))
        codes = [silent.code(silent.call("GET", "/api/v5/account/config", {})) for _ in range(6)]
        assert codes == [0] * 5 + [50011]
    finally:
        venue.stop()


def start(state: Path) -> tuple["subprocess.Popen[str]", PaperVenueControl]:
    code = (
        "import sys; from apps.exchanges.paper.server import PaperVenue;"
        "venue = PaperVenue(state_path=sys.argv[1], start_prices={'BTC/USDT:USDT': 60000.0});"
        "print(venue.start_in_thread(), flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, PaperVenueControl(process.stdout.readline().strip())


@pytest.mark.wire
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """SIGKILL while orders pour in: every answered one is there afterwards, and none half."""
    process, control = start(tmp_path / "killed.sqlite3")
    keys = control.account("bybit")
    raw = RawBybit(control, keys)
    acknowledged = []
    for number in itertools.count():
        if number == 60:
            process.send_signal(signal.SIGKILL)
        try:
            answer = raw.place(f"k{number}", price="60100")
        except requests.ConnectionError:
            break
        acknowledged.append(f"k{number}")
        assert raw.code(answer) == 0
    process.wait(5)
    process, control = start(tmp_path / "killed.sqlite3")
    try:
        state = control.state("bybit", keys)
        known = [order["client_id"] for order in state["orders"]]
        assert known[: len(acknowledged)] == acknowledged
        assert len(known) <= len(acknowledged) + 1
        filled = {fill["client_id"] for fill in state["fills"]}
        assert filled == {order["client_id"] for order in state["orders"] if order["status"] == "filled"}
        total = sum(float(entry["amount"]) for entry in state["ledger"])
        assert float(state["balance"]) == pytest.approx(total, abs=1e-6)
    finally:
        process.kill()
        process.wait(5)
