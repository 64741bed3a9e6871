"""The tiny venue itself: one account, market orders that fill at once, plain JSON over HTTP."""

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY, SECRET = "tiny-key-0001", "tiny-secret-0001"
PRICE, FEE = 100.0, 0.001


class TinyVenue:
    """`orders` by client id and `legs` by symbol are what a test looks at."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.quantity = 0.0
        venue = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(venue.get(urlsplit(self.path), self.headers.get("X-Sign", "")))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(venue.post(body, self.headers.get("X-Sign", "")))

            def _answer(self, told: dict[str, Any]) -> None:
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, parts: Any, signature: str) -> dict[str, Any]:
        query = dict(parse_qsl(parts.query))
        if parts.path in ("/time", "/symbols", "/tickers", "/candles"):
            return {"ok": True, "data": getattr(self, f"_{parts.path[1:]}")(query)}
        if not _is_signed(parts.query, signature):
            return {"ok": False, "code": "BAD_KEY", "message": "wrong signature"}
        if parts.path == "/order" and query["id"] not in self.orders:
            return {"ok": False, "code": "NO_ORDER", "message": "no such order"}
        return {"ok": True, "data": getattr(self, f"_{parts.path[1:]}")(query)}

    def post(self, body: str, signature: str) -> dict[str, Any]:
        if not _is_signed(body, signature):
            return {"ok": False, "code": "BAD_KEY", "message": "wrong signature"}
        asked = json.loads(body)
        quantity = float(asked["quantity"])
        held = self.quantity * (-1 if asked["side"] == "sell" else 1)
        if asked["reduce_only"] and held + quantity > 1e-9 and held >= 0:
            return {"ok": False, "code": "NO_POSITION", "message": "nothing to reduce"}
        self.quantity += quantity if asked["side"] == "buy" else -quantity
        self.orders[asked["id"]] = {**asked, "state": "filled", "at": _now_ms(), "number": len(self.orders) + 1}
        return {"ok": True, "data": {"number": len(self.orders)}}

    # --- reads ----------------------------------------------------------------------------------------------------
    def _time(self, query: dict[str, str]) -> dict[str, Any]:
        return {"now": _now_ms()}

    def _symbols(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [{"name": "BTCx", "base": "BTC", "tick": "0.01", "step": "0.001", "least": "0.001", "leverage": 10}]

    def _tickers(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [{"name": "BTCx", "last": str(PRICE), "at": _now_ms()}]

    def _candles(self, query: dict[str, str]) -> list[list[Any]]:
        opens = range(int(query["from"]), int(query["to"]) + 1, 60_000)
        return [[at, PRICE, PRICE, PRICE, PRICE, 1] for at in opens]

    def _balance(self, query: dict[str, str]) -> dict[str, Any]:
        return {"total": "10000", "free": "9000"}

    def _positions(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [{"name": "BTCx", "quantity": str(self.quantity), "price": str(PRICE)}] if self.quantity else []

    def _order(self, query: dict[str, str]) -> dict[str, Any]:
        return self.orders[query["id"]]

    def _orders(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return []

    def _fills(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [
            {**order, "price": str(PRICE), "fee": str(float(order["quantity"]) * PRICE * FEE)}
            for order in self.orders.values()
        ]


def _is_signed(text: str, signature: str) -> bool:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest() == signature


def _now_ms() -> int:
    return int(time.time() * 1000)
