"""Pionex's front: envelope, login, weights and the table of its doors."""

import hmac
import re
from collections.abc import Callable

import msgspec
import orjson

from apps.exchanges.paper.face import Call, Face, Member, Params
from apps.exchanges.paper.faults import Faults
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.market import Market
from apps.exchanges.paper.pionex import account, market, spot, trade
from apps.exchanges.paper.pionex.errors import REFUSALS, PionexError, parameter
from apps.exchanges.paper.pionex.rows import POLICY, RULES, Row
from apps.exchanges.paper.pionex.socket import Session, session_at
from apps.exchanges.paper.pionex.spot_rows import SPOT_RULES
from apps.exchanges.paper.pionex.streams import Books, broadcast
from apps.exchanges.paper.pionex.user_stream import private_messages, spot_messages
from apps.exchanges.paper.store import Store
from apps.exchanges.paper.websocket import Socket, binary_frame
from cts.domain.matching.events import Event, Refused

Handler = Callable[["PionexFace", Call], Row | None]
WINDOW_MS = 20_000
WEIGHT, WEIGHT_LIMIT = 5, 10
BAN_MS, BAN_MORE_MS = 60_000, 10_000
PING_S = 15

PUBLIC: dict[str, Handler] = {
    "common/symbols": market.symbols,
    "common/riskTable": market.risk_table,
    "market/trades": market.trades,
    "market/depth": market.depth,
    "market/tickers": market.tickers,
    "market/bookTickers": market.book_tickers,
    "market/klines": market.klines,
    "market/indexes": market.indexes,
    "market/fundingRates": market.funding_rates,
    "market/openInterests": market.open_interests,
}
PRIVATE: dict[tuple[str, str], Handler] = {
    ("GET", "account/balances"): account.balances,
    ("GET", "account/detail"): account.detail,
    ("GET", "account/positions"): account.positions,
    ("GET", "account/leverage"): account.leverage,
    ("POST", "account/leverage"): account.set_leverage,
    ("GET", "account/positionMode"): account.position_mode,
    ("POST", "account/positionMode"): account.set_position_mode,
    ("GET", "trade/isolatedMode"): account.isolated_mode,
    ("POST", "trade/isolatedMode"): account.set_isolated_mode,
    ("POST", "trade/order"): trade.create,
    ("GET", "trade/order"): trade.query,
    ("DELETE", "trade/order"): trade.cancel,
    ("POST", "trade/massOrder"): trade.create_many,
    ("DELETE", "trade/allOrders"): trade.cancel_all,
    ("GET", "trade/orderByClientOrderId"): trade.query_by_client_id,
    ("GET", "trade/openOrders"): trade.open_orders,
    ("GET", "trade/historyOrders"): trade.history,
    ("GET", "trade/fills"): trade.fills,
    ("GET", "trade/fillsByOrderId"): trade.fills_of_order,
    ("GET", "trade/fundingFee"): trade.funding_fees,
}


# What weighs one; lists weigh five, as all of the perpetuals' calls do.
SPOT: dict[tuple[str, str], tuple[Handler, int]] = {
    ("GET", "account/balances"): (spot.balances, 1),
    ("POST", "trade/order"): (spot.create, 1),
    ("GET", "trade/order"): (spot.query, 1),
    ("DELETE", "trade/order"): (spot.cancel, 1),
    ("POST", "trade/massOrder"): (spot.create_many, 1),
    ("DELETE", "trade/allOrders"): (spot.cancel_all, 1),
    ("GET", "trade/allOrders"): (spot.all_orders, WEIGHT),
    ("GET", "trade/orderByClientOrderId"): (spot.query_by_client_id, 1),
    ("GET", "trade/openOrders"): (spot.open_orders, WEIGHT),
    ("GET", "trade/fills"): (spot.fills, WEIGHT),
    ("GET", "trade/fillsByOrderId"): (spot.fills_of_order, WEIGHT),
}


class Door(msgspec.Struct, frozen=True, array_like=True):
    handler: Handler
    is_signed: bool = False
    weight: int = WEIGHT


DOORS: dict[tuple[str, str], Door] = {
    **{("GET", f"/api/v1/{path}"): Door(handler) for path, handler in PUBLIC.items()},
    **{(method, f"/uapi/v1/{path}"): Door(handler, True) for (method, path), handler in PRIVATE.items()},
    **{(method, f"/api/v1/{path}"): Door(handler, True, weight) for (method, path), (handler, weight) in SPOT.items()},
}


class PionexFace(Face):
    slug = "pionex"
    policy = POLICY
    rules = RULES | SPOT_RULES

    def __init__(self, *, market: Market, store: Store, faults: Faults, is_limited: bool = False) -> None:
        super().__init__(market=market, store=store, faults=faults, is_limited=is_limited)
        self.sessions: dict[Socket, Session] = {}
        self.books = Books()
        self._banned_until: dict[str, int] = {}

    def answer(self, request: Request) -> Response:
        # Doubled slashes are one to the venue's gateway, and clients send them.
        path = re.sub("//+", "/", request.path)
        door = DOORS.get((request.method, path))
        if door is None:
            return json_response({"error_msg": "404 Route Not Found"}, status=404)
        call = Call(request=msgspec.structs.replace(request, path=path), params={}, now_ms=self.now_ms())
        headers: Params = {}
        try:
            if door.is_signed:
                call.member = self._verify(call)
                if (banned := self._counted(call.member, weight=door.weight)) is not None:
                    return banned
                headers = self._told_limits(call.member)
            call.params = _params(request)
            data = door.handler(self, call)
        except PionexError as error:
            return self._refused(error.code, error.message, headers=headers)
        except Refused as refused:
            return self._refused(*REFUSALS[refused.reason], headers=headers)
        body: Row = {"result": True, "timestamp": call.now_ms}
        return json_response(body if data is None else {**body, "data": data}, headers=headers)

    def _refused(self, code: str, message: str, *, headers: Params) -> Response:
        """An error is a 200 too, and its time is in seconds."""
        body = {"result": False, "code": code, "message": message, "timestamp": self.now_ms() // 1000}
        return json_response(body, headers=headers)

    def _verify(self, call: Call) -> Member:
        """Key, clock, signature; in this order, as the codes show."""
        request = call.request
        key, given = request.headers.get("pionex-key", ""), request.headers.get("pionex-signature", "")
        if not key or not given:
            raise PionexError("SIGNATURE_LOST" if key else "APIKEY_LOST", "key and signature are required")
        member = self.members.get(key)
        if member is None:
            raise PionexError("INVALID_APIKEY", "invalid api key")
        terms = request.query_pairs()
        stamp = terms.get("timestamp", "")
        if not stamp.isascii() or not stamp.isdigit() or abs(int(stamp) - call.now_ms) > WINDOW_MS:
            raise PionexError("INVALID_TIMESTAMP", "invalid timestamp")
        query = "&".join(f"{name}={terms[name]}" for name in sorted(terms))
        body = "" if request.method == "GET" else request.body.decode(errors="replace")
        if not hmac.compare_digest(member.signature(f"{request.method}{request.path}?{query}{body}"), given):
            raise PionexError("INVALID_SIGNATURE", "invalid signature")
        return member

    def _counted(self, member: Member, *, weight: int) -> Response | None:
        """Ten a second; who goes beyond is out for a minute, and longer with each further try."""
        used = self.count(member, "weight", window_ms=1000, amount=weight)
        if not self.is_limited:
            return None
        now_ms, until = self.market.now_ms(), self._banned_until.get(member.api_key, 0)
        if until <= now_ms and used <= WEIGHT_LIMIT:
            return None
        self._banned_until[member.api_key] = until + BAN_MORE_MS if until > now_ms else now_ms + BAN_MS
        return self.limited(retry_after_s=None, is_ban=True)

    def _told_limits(self, member: Member) -> Params:
        left = WEIGHT_LIMIT - self.count(member, "weight", window_ms=1000, amount=0)
        return {"x-ratelimit-tokens": str(max(0, left))} if self.is_limited else {}

    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response:
        """However long it lasts, only the status is told; a limit is a ban here."""
        return Response(status=429, body=b"Too Many Requests", headers={"Content-Type": "text/plain"})

    def timestamp_refused(self) -> Response:
        return self._refused("INVALID_TIMESTAMP", "invalid timestamp", headers={})

    def on_second(self, *, now_ms: int) -> None:
        if now_ms // 1000 % PING_S == 0:
            for session in list(self.sessions.values()):
                session.ping(now_ms=now_ms)

    def connect(self, request: Request, socket: Socket) -> bool:
        session = session_at(self, request, socket)
        if session is None:
            return False
        self.sessions[socket] = session
        return True

    def leave(self, socket: Socket) -> None:
        super().leave(socket)
        self.sessions.pop(socket, None)

    def framed(self, body: bytes) -> bytes:
        return binary_frame(body)

    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        return private_messages(self, member, events) + spot_messages(self, member, events)

    def broadcast(self, symbol: str) -> None:
        broadcast(self, symbol)


def _params(request: Request) -> Params:
    """Query of a read, JSON body of a write."""
    if request.method == "GET":
        return request.query_pairs()
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise parameter("body") from None
    if not isinstance(body, dict):
        raise parameter("body")
    return trade.as_params(body)
