"""Requests and sockets written out by hand, so that a test can spoil any byte of them."""

import hashlib
import hmac
import json
import time
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


Raw = RawBybit | RawBinance | RawPionex
RAW: dict[str, type[RawBybit] | type[RawBinance] | type[RawPionex]] = {
    "bybit": RawBybit,
    "binance": RawBinance,
    "pionex": RawPionex,
}


def told(socket: ClientConnection, wanted: Any, *, timeout_s: float = 5) -> Any:
    """The next message for which `wanted` holds; earlier ones are skipped."""
    deadline = time.monotonic() + timeout_s
    while True:
        message = json.loads(socket.recv(timeout=max(0.01, deadline - time.monotonic())))
        if wanted(message):
            return message
