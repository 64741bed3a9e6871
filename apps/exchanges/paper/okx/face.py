"""OKX's front: envelope, login, limits and the table of its doors."""

import hmac
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import orjson

from apps.exchanges.paper.face import Call, Face, Member, Params
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.okx import account, algo, market, trade
from apps.exchanges.paper.okx.errors import REFUSALS, OkxError
from apps.exchanges.paper.okx.listing import POLICY, RULES
from apps.exchanges.paper.okx.plans import Plan
from apps.exchanges.paper.okx.socket import PATHS, Session, broadcast
from apps.exchanges.paper.okx.user_stream import private_messages
from apps.exchanges.paper.websocket import Socket
from cts.domain.matching.events import Event, Refused
from cts.domain.matching.state import Account, Order

Handler = Callable[["OkxFace", Call], Any]


class Door(msgspec.Struct, frozen=True, array_like=True):
    """`per_window` requests in two seconds."""

    handler: Handler
    is_signed: bool = False
    per_window: int = 20


DOORS: dict[tuple[str, str], Door] = {
    ("GET", "/api/v5/public/time"): Door(market.time),
    ("GET", "/api/v5/public/instruments"): Door(market.instruments),
    ("GET", "/api/v5/public/mark-price"): Door(market.mark_prices),
    ("GET", "/api/v5/public/funding-rate"): Door(market.funding_rates),
    ("GET", "/api/v5/public/funding-rate-history"): Door(market.funding_history),
    ("GET", "/api/v5/market/ticker"): Door(market.ticker),
    ("GET", "/api/v5/market/tickers"): Door(market.tickers),
    ("GET", "/api/v5/market/candles"): Door(market.candles),
    ("GET", "/api/v5/market/history-candles"): Door(market.candles_old),
    ("GET", "/api/v5/market/books"): Door(market.book),
    ("GET", "/api/v5/market/trades"): Door(market.trades),
    ("GET", "/api/v5/account/instruments"): Door(market.instruments, True),
    ("GET", "/api/v5/account/balance"): Door(account.balance, True, 10),
    ("GET", "/api/v5/account/positions"): Door(account.positions, True, 10),
    ("GET", "/api/v5/account/config"): Door(account.config, True, 5),
    ("GET", "/api/v5/account/bills"): Door(account.bills, True, 10),
    ("GET", "/api/v5/account/bills-archive"): Door(account.bills, True, 10),
    ("GET", "/api/v5/account/leverage-info"): Door(account.leverage_info, True),
    ("GET", "/api/v5/account/trade-fee"): Door(account.fee_rates, True, 5),
    ("POST", "/api/v5/account/set-leverage"): Door(account.set_leverage, True, 40),
    ("POST", "/api/v5/account/set-position-mode"): Door(account.set_position_mode, True, 5),
    ("POST", "/api/v5/trade/order"): Door(trade.place, True, 60),
    ("POST", "/api/v5/trade/batch-orders"): Door(trade.place, True, 60),
    ("POST", "/api/v5/trade/cancel-order"): Door(trade.cancel, True, 60),
    ("POST", "/api/v5/trade/cancel-batch-orders"): Door(trade.cancel, True, 60),
    ("POST", "/api/v5/trade/amend-order"): Door(trade.amend, True, 60),
    ("POST", "/api/v5/trade/amend-batch-orders"): Door(trade.amend, True, 60),
    ("POST", "/api/v5/trade/close-position"): Door(trade.close, True),
    ("GET", "/api/v5/trade/order"): Door(trade.query, True, 60),
    ("GET", "/api/v5/trade/orders-pending"): Door(trade.pending, True, 60),
    ("GET", "/api/v5/trade/orders-history"): Door(trade.history, True, 40),
    ("GET", "/api/v5/trade/orders-history-archive"): Door(trade.history, True),
    ("GET", "/api/v5/trade/fills"): Door(trade.fills, True, 60),
    ("GET", "/api/v5/trade/fills-history"): Door(trade.fills, True, 10),
    ("POST", "/api/v5/trade/order-algo"): Door(algo.place, True),
    ("POST", "/api/v5/trade/cancel-algos"): Door(algo.cancel, True),
    ("POST", "/api/v5/trade/amend-algos"): Door(algo.amend, True),
    ("GET", "/api/v5/trade/order-algo"): Door(algo.query, True),
    ("GET", "/api/v5/trade/orders-algo-pending"): Door(algo.pending, True),
    ("GET", "/api/v5/trade/orders-algo-history"): Door(algo.history, True),
}
WINDOW_MS = 30_000
IDLE_S = 30
# Header, and the code for its absence.
HEADERS = {
    "ok-access-key": (50103, "Request header OK-ACCESS-KEY can't be empty."),
    "ok-access-passphrase": (50104, "Request header OK-ACCESS-PASSPHRASE can't be empty."),
    "ok-access-sign": (50106, "Request header OK-ACCESS-SIGN can't be empty."),
    "ok-access-timestamp": (50107, "Request header OK-ACCESS-TIMESTAMP can't be empty."),
}


class OkxFace(Face):
    slug = "okx"
    policy = POLICY
    rules = RULES

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._plans: dict[int, Plan] = {}

    def answer(self, request: Request) -> Response:
        door = DOORS.get((request.method, request.path))
        if door is None:
            return Response(status=404)
        call = Call(request=request, params={}, now_ms=self.now_ms())
        status = 200
        try:
            call.params = _params(request)
            if door.is_signed:
                call.member = self._verify(request)
                self._limit(call, door)
            code, message, data = "0", "", door.handler(self, call)
        except trade.Failed as failed:
            code, message, data = failed.code, "All operations failed" if failed.code == "1" else "", failed.rows
        except OkxError as error:
            code, message, data, status = error.code, error.message, [], error.status
        except Refused as refused:
            (code, message), data = REFUSALS[refused.reason], []
        return _enveloped(code, message, data, status=status)

    def _verify(self, request: Request) -> Member:
        for name, (code, message) in HEADERS.items():
            if not request.headers.get(name):
                raise OkxError(code, message, status=401)
        key, stamp = request.headers["ok-access-key"], request.headers["ok-access-timestamp"]
        member = self.members.get(key)
        if member is None:
            raise OkxError(50119, "API key doesn't exist", status=401)
        try:
            told_ms = datetime.fromisoformat(stamp).timestamp() * 1000
        except ValueError:
            raise OkxError(50112, "Invalid OK-ACCESS-TIMESTAMP", status=401) from None
        if abs(told_ms - self.now_ms()) > WINDOW_MS:
            raise OkxError(50102, "Timestamp request expired", status=401)
        target = f"{request.path}?{request.query}" if request.query else request.path
        wanted = self.signature(member, f"{stamp}{request.method}{target}{request.body.decode('utf-8', 'replace')}")
        if not hmac.compare_digest(wanted.encode(), request.headers["ok-access-sign"].encode()):
            raise OkxError(50113, "Invalid Sign", status=401)
        if not hmac.compare_digest(member.passphrase.encode(), request.headers["ok-access-passphrase"].encode()):
            raise OkxError(50105, "Request header OK-ACCESS-PASSPHRASE incorrect.", status=401)
        return member

    def _limit(self, call: Call, door: Door) -> None:
        """No header tells what is left: whoever asks has to count."""
        used = self.count(call.who, f"{call.request.method} {call.request.path}", window_ms=2000)
        if self.is_limited and used > door.per_window:
            raise OkxError(50011, "Too Many Requests", status=429)

    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response:
        """No header says for how long; a banned address meets what stands in front of the venue."""
        if is_ban:
            return Response(status=403, body=b"<html>Access denied</html>", headers={"Content-Type": "text/html"})
        return _enveloped("50011", "Too Many Requests", [], status=429)

    def timestamp_refused(self) -> Response:
        return _enveloped("50102", "Timestamp request expired", [], status=401)

    def on_second(self, *, now_ms: int) -> None:
        """Whoever sends nothing for thirty seconds, not even a ping, is cut off."""
        for socket in list(self.sockets):
            if time.monotonic() - socket.heard_at > IDLE_S:
                socket.close(4004, "No data received in 30s.")

    def connect(self, request: Request, socket: Socket) -> bool:
        kind = PATHS.get(request.path)
        if kind is None:
            return False
        Session(self, socket, kind=kind)
        return True

    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        return private_messages(self, member, events)

    def broadcast(self, symbol: str) -> None:
        broadcast(self, symbol)

    def signature(self, member: Member, message: str) -> str:
        return b64encode(hmac.digest(member.api_secret.encode(), message.encode(), sha256)).decode()

    # --- what conditional orders were placed as ---------------------------------------------------------------------
    def plan(self, order: Order) -> Plan:
        """Kept beside the orders, which have no room for it, and like them over a restart."""
        if order.id not in self._plans:
            noted = self.store.note(f"okx order {order.id}")
            self._plans[order.id] = (
                msgspec.json.decode(noted, type=Plan) if noted else Plan(kind="conditional", way="sl")
            )
        return self._plans[order.id]

    def plan_expect(self, account: Account, plan: Plan) -> None:
        """Of the order that is about to be made."""
        self._plans[account.number * 1_000_000_000 + account.last_id + 1] = plan

    def plan_keep(self, order: Order, plan: Plan) -> None:
        self._plans[order.id] = plan
        self.store.set_note(f"okx order {order.id}", msgspec.json.encode(plan))


def _enveloped(code: str, message: str, data: Any, *, status: int) -> Response:
    """Times are microseconds here."""
    micros = str(time.time_ns() // 1000)
    body = {"code": code, "msg": message, "data": data, "inTime": micros, "outTime": micros}
    return json_response(body, status=status)


def _params(request: Request) -> Params:
    """Query of a read; of a write the body, which may be a list that its door reads item by item."""
    if request.method == "GET":
        return request.query_pairs()
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise OkxError(50002, "JSON syntax error", status=400) from None
    return {} if isinstance(body, list) else trade.as_params(body)
