"""Bybit's front: envelope, login, limits and the table of its doors."""

import hmac
import time
from collections.abc import Callable

import msgspec
import orjson

from apps.exchanges.paper.bybit import account, batch, history, market, trade
from apps.exchanges.paper.bybit.errors import BybitError, told
from apps.exchanges.paper.bybit.listing import POLICY, RULES
from apps.exchanges.paper.bybit.rows import Row
from apps.exchanges.paper.bybit.socket import Session, broadcast
from apps.exchanges.paper.bybit.user_stream import private_messages
from apps.exchanges.paper.face import Call, Face, Member, Params
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.websocket import Socket
from cts.domain.matching.events import Event, Refused

Handler = Callable[["BybitFace", Call], Row]


class Door(msgspec.Struct, frozen=True, array_like=True):
    handler: Handler
    is_signed: bool = False
    per_second: int = 50


DOORS: dict[tuple[str, str], Door] = {
    ("GET", "/v5/market/time"): Door(market.time),
    ("GET", "/v5/market/instruments-info"): Door(market.instruments),
    ("GET", "/v5/market/tickers"): Door(market.tickers),
    ("GET", "/v5/market/kline"): Door(market.klines),
    ("GET", "/v5/market/orderbook"): Door(market.orderbook),
    ("GET", "/v5/market/recent-trade"): Door(market.recent_trades),
    ("GET", "/v5/market/funding/history"): Door(market.funding_history),
    ("GET", "/v5/market/risk-limit"): Door(market.risk_limit),
    ("GET", "/v5/account/wallet-balance"): Door(account.wallet, True),
    ("GET", "/v5/account/info"): Door(account.info, True),
    ("GET", "/v5/account/fee-rate"): Door(account.fee_rate, True, 10),
    ("POST", "/v5/account/set-margin-mode"): Door(account.set_margin_mode, True, 5),
    ("GET", "/v5/position/list"): Door(account.positions, True),
    ("POST", "/v5/position/set-leverage"): Door(account.set_leverage, True, 10),
    ("POST", "/v5/position/switch-mode"): Door(account.switch_mode, True, 10),
    ("POST", "/v5/position/trading-stop"): Door(account.trading_stop, True, 10),
    ("POST", "/v5/order/create"): Door(trade.create, True, 10),
    ("POST", "/v5/order/amend"): Door(trade.amend, True, 10),
    ("POST", "/v5/order/cancel"): Door(trade.cancel, True, 10),
    ("POST", "/v5/order/create-batch"): Door(batch.create, True, 10),
    ("POST", "/v5/order/amend-batch"): Door(batch.amend, True, 10),
    ("POST", "/v5/order/cancel-batch"): Door(batch.cancel, True, 10),
    ("POST", "/v5/order/cancel-all"): Door(history.cancel_all, True, 10),
    ("GET", "/v5/order/realtime"): Door(history.realtime, True),
    ("GET", "/v5/order/history"): Door(history.history, True),
    ("GET", "/v5/execution/list"): Door(history.executions, True),
    ("GET", "/v5/user/query-api"): Door(account.query_api, True, 10),
    ("GET", "/v5/asset/coin/query-info"): Door(account.coin_info, True, 5),
}
IDLE_S = 600
SOCKETS = {"/v5/public/linear": "linear", "/v5/public/spot": "spot", "/v5/private": ""}


class BybitFace(Face):
    slug = "bybit"
    policy = POLICY
    rules = RULES

    def answer(self, request: Request) -> Response:
        door = DOORS.get((request.method, request.path))
        if door is None:
            return Response(status=404)
        call = Call(request=request, params={}, now_ms=self.now_ms())
        headers: dict[str, str] = {}
        try:
            call.params = _params(request)
            if door.is_signed:
                call.member = self._verify(request)
                headers = self._limit(call, door)
            code, message, result = 0, "OK", door.handler(self, call)
        except BybitError as error:
            code, message, result = error.code, error.message, {}
        except Refused as refused:
            (code, message), result = told(refused.reason, category=call.params.get("category", "")), {}
        return self._enveloped(code, message, result, now_ms=call.now_ms, headers=headers)

    def _enveloped(self, code: int, message: str, result: Row, *, now_ms: int, headers: Params) -> Response:
        # A batch brings the codes of its entries along.
        aside = result.pop("retExtInfo", {})
        body = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": aside, "time": now_ms}
        return json_response(body, headers=headers)

    def _verify(self, request: Request) -> Member:
        """Key, clock, signature; in this order, as the codes show."""
        key = request.headers.get("x-bapi-api-key", "")
        stamp = request.headers.get("x-bapi-timestamp", "")
        window = request.headers.get("x-bapi-recv-window", "") or "5000"
        member = self.members.get(key)
        if member is None:
            raise BybitError(10003, "API key is invalid.")
        if not stamp.isdigit() or not window.isdigit():
            raise BybitError(10001, "params error: timestamp or recv_window invalid")
        now_ms = self.now_ms()
        if not now_ms - int(window) <= int(stamp) < now_ms + 1000:
            raise BybitError(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
            )
        payload = request.query if request.method == "GET" else request.body.decode()
        wanted = member.signature(f"{stamp}{key}{request.headers.get('x-bapi-recv-window', '')}{payload}")
        if not hmac.compare_digest(wanted, request.headers.get("x-bapi-sign", "")):
            raise BybitError(10004, "error sign! please check your signature generation algorithm.")
        return member

    def _limit(self, call: Call, door: Door) -> Params:
        used = self.count(call.who, call.request.path, window_ms=1000)
        if self.is_limited and used > door.per_second:
            raise BybitError(10006, "Too many visits. Exceeded the API Rate Limit.")
        return {
            "X-Bapi-Limit": str(door.per_second),
            "X-Bapi-Limit-Status": str(max(0, door.per_second - used)),
            "X-Bapi-Limit-Reset-Timestamp": str(call.now_ms + 1000),
        }

    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response:
        """Too many requests of a key are told in the body, with the reset time; a banned address gets a bare 403."""
        if is_ban:
            return Response(status=403, body=b"access too frequent", headers={"Content-Type": "text/plain"})
        now_ms = self.now_ms()
        headers = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0"}
        if retry_after_s is not None:
            headers["X-Bapi-Limit-Reset-Timestamp"] = str(now_ms + retry_after_s * 1000)
        return self._enveloped(
            10006, "Too many visits. Exceeded the API Rate Limit.", {}, now_ms=now_ms, headers=headers
        )

    def timestamp_refused(self) -> Response:
        message = "invalid request, please check your server timestamp or recv_window param."
        return self._enveloped(10002, message, {}, now_ms=self.now_ms(), headers={})

    def on_second(self, *, now_ms: int) -> None:
        """Whoever sends nothing for ten minutes, not even a ping, is cut off."""
        for socket in list(self.sockets):
            if time.monotonic() - socket.heard_at > IDLE_S:
                socket.close(1001, "idle")

    def connect(self, request: Request, socket: Socket) -> bool:
        category = SOCKETS.get(request.path)
        if category is None:
            return False
        Session(self, socket, category=category)
        return True

    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        return private_messages(self, member, events)

    def broadcast(self, symbol: str) -> None:
        broadcast(self, symbol)


def _params(request: Request) -> Params:
    """Query of a read, JSON body of a write; every value as text, as the handlers take it."""
    if request.method == "GET":
        return request.query_pairs()
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise BybitError(10001, "Request parameter error.") from None
    if not isinstance(body, dict):
        raise BybitError(10001, "Request parameter error.")
    return {str(name): batch.as_text(value) for name, value in body.items() if value is not None}
