"""Requests and sockets written out by hand, so that a test can spoil any byte of them."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import requests
from websockets.sync.client import ClientConnection

from apps.exchanges.connectors.base import Credentials
from tests.paper_fixtures import PaperVenueControl

Answer = requests.Response


def _sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class RawBybit:
    order_path = "/v5/order/create"
    slug = "bybit"

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.url = f"{venue.url}/bybit"
        self.keys = credentials

    def call(self, method: str, path: str, params: dict[str, Any], *, age_ms: int = 0, timeout: float = 5) -> Answer:
        stamp = str(int(time.time() * 1000) - age_ms)
        payload = urlencode(params) if method == "GET" else json.dumps(params)
        headers = {
            "X-BAPI-API-KEY": self.keys.api_key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": _sign(self.keys.api_secret, f"{stamp}{self.keys.api_key}5000{payload}"),
        }
        url = self.url + path + (f"?{payload}" if method == "GET" else "")
        body = payload.encode() if method == "POST" else None
        return requests.request(method, url, data=body, headers=headers, timeout=timeout)

    def place(self, client_id: str, *, timeout: float = 5, **change: Any) -> Answer:
        order = {
            "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01",
            "price": "59000", "orderLinkId": client_id,
        }  # fmt: skip
        return self.call("POST", self.order_path, order | change, timeout=timeout)

    def balance(self, **options: Any) -> Answer:
        return self.call("GET", "/v5/account/wallet-balance", {"accountType": "UNIFIED"}, **options)

    def code(self, answer: Answer) -> int:
        return int(answer.json()["retCode"])


class RawBinance:
    order_path = "/fapi/v1/order"
    slug = "binance"

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.url = f"{venue.url}/binance"
        self.keys = credentials

    def call(self, method: str, path: str, params: dict[str, Any], *, age_ms: int = 0, timeout: float = 5) -> Answer:
        query = urlencode(params | {"timestamp": int(time.time() * 1000) - age_ms, "recvWindow": 5000})
        url = f"{self.url}{path}?{query}&signature={_sign(self.keys.api_secret, query)}"
        return requests.request(method, url, headers={"X-MBX-APIKEY": self.keys.api_key}, timeout=timeout)

    def place(self, client_id: str, *, timeout: float = 5, **change: Any) -> Answer:
        order = {
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
            "price": "59000", "newClientOrderId": client_id,
        }  # fmt: skip
        return self.call("POST", self.order_path, order | change, timeout=timeout)

    def balance(self, **options: Any) -> Answer:
        return self.call("GET", "/fapi/v3/balance", {}, **options)

    def code(self, answer: Answer) -> int:
        body = answer.json()
        return int(body["code"]) if isinstance(body, dict) and "code" in body else 0


class RawBingx:
    order_path = "/openApi/swap/v2/trade/order"
    slug = "bingx"

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.url = f"{venue.url}/bingx"
        self.keys = credentials

    def call(self, method: str, path: str, params: dict[str, Any], *, age_ms: int = 0, timeout: float = 5) -> Answer:
        """Signed sorted and plain; encoded on its way."""
        fields = params | {"timestamp": int(time.time() * 1000) - age_ms}
        pairs = sorted(fields.items())
        sign = _sign(self.keys.api_secret, "&".join(f"{name}={value}" for name, value in pairs))
        url = f"{self.url}{path}?{urlencode(pairs)}&signature={sign}"
        return requests.request(method, url, headers={"X-BX-APIKEY": self.keys.api_key}, timeout=timeout)

    def place(self, client_id: str, *, timeout: float = 5, **change: Any) -> Answer:
        order = {
            "symbol": "BTC-USDT", "side": "BUY", "positionSide": "BOTH", "type": "LIMIT", "quantity": "0.01",
            "price": "59000", "clientOrderId": client_id,
        }  # fmt: skip
        return self.call("POST", self.order_path, order | change, timeout=timeout)

    def balance(self, **options: Any) -> Answer:
        return self.call("GET", "/openApi/swap/v3/user/balance", {}, **options)

    def data(self, method: str, path: str, **params: Any) -> Any:
        body = self.call(method, path, params).json()
        assert body["code"] == 0, body
        return body["data"]

    def code(self, answer: Answer) -> int:
        return int(answer.json()["code"])


class RawOkx:
    order_path = "/api/v5/trade/order"
    slug = "okx"

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.url = f"{venue.url}/okx"
        self.keys = credentials

    def call(
        self, method: str, path: str, params: Any, *, age_ms: int = 0, timeout: float = 5, **headers: str
    ) -> Answer:
        moment = datetime.fromtimestamp(time.time() - age_ms / 1000, UTC)
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        target = f"{path}?{urlencode(params)}" if method == "GET" and params else path
        body = json.dumps(params) if method == "POST" else ""
        signed = hmac.digest(self.keys.api_secret.encode(), f"{stamp}{method}{target}{body}".encode(), "sha256")
        told = {
            "OK-ACCESS-KEY": self.keys.api_key,
            "OK-ACCESS-SIGN": base64.b64encode(signed).decode(),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self.keys.passphrase,
        }
        return requests.request(method, self.url + target, data=body or None, headers=told | headers, timeout=timeout)

    def place(self, client_id: str, *, timeout: float = 5, **change: Any) -> Answer:
        """One contract: a hundredth of a bitcoin."""
        order = {
            "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1", "px": "59000",
            "clOrdId": client_id,
        }  # fmt: skip
        return self.call("POST", self.order_path, order | change, timeout=timeout)

    def balance(self, **options: Any) -> Answer:
        return self.call("GET", "/api/v5/account/balance", {}, **options)

    def code(self, answer: Answer) -> int:
        """Of a write the item's own."""
        body = answer.json()
        items = [row for row in body["data"] if "sCode" in row]
        return int(items[0]["sCode"] if items else body["code"])


class RawPionex:
    order_path = "/uapi/v1/trade/order"
    slug = "pionex"

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.url = f"{venue.url}/pionex"
        self.keys = credentials

    def call(self, method: str, path: str, params: dict[str, Any], *, age_ms: int = 0, timeout: float = 5) -> Answer:
        stamp = {"timestamp": int(time.time() * 1000) - age_ms}
        terms = params | stamp if method == "GET" else stamp
        query = "&".join(f"{name}={terms[name]}" for name in sorted(terms))
        body = "" if method == "GET" else json.dumps(params)
        signature = _sign(self.keys.api_secret, f"{method}{path}?{query}{body}")
        headers = {"PIONEX-KEY": self.keys.api_key, "PIONEX-SIGNATURE": signature}
        url = f"{self.url}{path}?{query}"
        return requests.request(method, url, data=body.encode() or None, headers=headers, timeout=timeout)

    def place(self, client_id: str, *, timeout: float = 5, **change: Any) -> Answer:
        order = {
            "symbol": "BTC_USDT_PERP", "side": "BUY", "type": "LIMIT", "size": "0.01", "price": "59000",
            "clientOrderId": client_id,
        }  # fmt: skip
        return self.call("POST", self.order_path, order | change, timeout=timeout)

    def balance(self, **options: Any) -> Answer:
        return self.call("GET", "/uapi/v1/account/detail", {}, **options)

    def code(self, answer: Answer) -> int | str:
        body = answer.json()
        return 0 if body["result"] else str(body["code"])


class RawOrangex:
    """Signs in once for a key; what the sign-in is refused with is the answer to the call."""

    order_path = "/api/v1/private/buy"
    slug = "orangex"

    def __init__(self, venue: PaperVenueControl, credentials: Credentials) -> None:
        self.url = f"{venue.url}/orangex"
        self.keys = credentials
        self.token, self._signed_in = "", Credentials(api_key="", api_secret="")
        self._sign_in()

    def _sign_in(self) -> Answer:
        words = {"client_id": self.keys.api_key, "client_secret": self.keys.api_secret}
        answer = self._post("/api/v1/public/auth", {"grant_type": "client_credentials", **words})
        if "result" in answer.json():
            self.token, self._signed_in = answer.json()["result"]["access_token"], self.keys
        return answer

    def _post(self, path: str, params: dict[str, Any], *, timeout: float = 5) -> Answer:
        body = {"jsonrpc": "2.0", "id": 7, "method": path.removeprefix("/api/v1"), "params": params}
        return requests.post(
            self.url + path, json=body, headers={"Authorization": f"bearer {self.token}"}, timeout=timeout
        )

    def call(self, path: str, params: dict[str, Any], *, timeout: float = 5) -> Answer:
        if self.keys != self._signed_in and self.code(refused := self._sign_in()):
            return refused
        return self._post(path, params, timeout=timeout)

    def place(self, client_id: str, *, timeout: float = 5, **change: Any) -> Answer:
        order = {
            "instrument_name": "BTC-USDT-PERPETUAL", "amount": "0.01", "type": "limit", "price": "59000",
            "time_in_force": "good_til_cancelled", "custom_order_id": client_id,
        }  # fmt: skip
        return self.call(self.order_path, order | change, timeout=timeout)

    def balance(self) -> Answer:
        return self.call("/api/v1/private/get_assets_info", {"asset_type": ["PERPETUAL"]})

    def code(self, answer: Answer) -> int:
        return int(answer.json().get("error", {}).get("code", 0))


Raw = RawBybit | RawBinance | RawBingx | RawOkx | RawOrangex | RawPionex
# Those whose every request is signed for its time.
Timed = RawBybit | RawBinance | RawBingx | RawOkx | RawPionex
RAW: dict[
    str,
    type[RawBybit] | type[RawBinance] | type[RawBingx] | type[RawOkx] | type[RawOrangex] | type[RawPionex],
] = {
    "bybit": RawBybit,
    "binance": RawBinance,
    "bingx": RawBingx,
    "okx": RawOkx,
    "orangex": RawOrangex,
    "pionex": RawPionex,
}


def told(socket: ClientConnection, wanted: Any, *, timeout_s: float = 5) -> Any:
    """The next message for which `wanted` holds; earlier ones are skipped."""
    deadline = time.monotonic() + timeout_s
    while True:
        message = json.loads(socket.recv(timeout=max(0.01, deadline - time.monotonic())))
        if wanted(message):
            return message
