"""BingX's front: login, budgets and the table of its doors."""

import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec
import orjson

from apps.exchanges.paper.bingx import account, lists, spot, spot_market, trade
from apps.exchanges.paper.bingx import market as public
from apps.exchanges.paper.bingx.errors import BingxError
from apps.exchanges.paper.bingx.lists import as_text, refusal
from apps.exchanges.paper.bingx.rows import POLICY, RULES, wire_id
from apps.exchanges.paper.bingx.socket import Session, open_session, packed
from apps.exchanges.paper.bingx.spot_rows import SPOT_RULES
from apps.exchanges.paper.bingx.spot_socket import open_spot_session
from apps.exchanges.paper.bingx.spot_streams import spot_broadcast, spot_messages
from apps.exchanges.paper.bingx.streams import broadcast
from apps.exchanges.paper.bingx.user_stream import config_message, private_messages
from apps.exchanges.paper.face import Call, Face, Member, Params
from apps.exchanges.paper.faults import Faults
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.market import Market
from apps.exchanges.paper.store import Store
from apps.exchanges.paper.websocket import Socket
from cts.domain.matching.events import Event, Refused
from cts.domain.matching.state import Order

Handler = Callable[["BingxFace", Call], object]
WINDOW_MAX_MS = 5000
PING_S = 5


class Door(msgspec.Struct, frozen=True, array_like=True):
    """`per_s` is the budget of one account; a bare answer has no envelope."""

    handler: Handler
    per_s: int = 5
    is_signed: bool = True
    is_bare: bool = False


Q, T, U = "/openApi/swap/v2/quote/", "/openApi/swap/v2/trade/", "/openApi/swap/v2/user/"
LISTEN, SPOT = "/openApi/user/auth/userDataStream", "/openApi/spot/v1/"
DOORS: dict[tuple[str, str], Door] = {
    ("GET", "/openApi/swap/v2/server/time"): Door(public.time, 50, False),
    ("GET", Q + "contracts"): Door(public.contracts, 50, False),
    ("GET", Q + "ticker"): Door(public.day_tickers, 50, False),
    ("GET", Q + "bookTicker"): Door(public.book_ticker, 50, False),
    ("GET", "/openApi/swap/v1/ticker/price"): Door(public.price_tickers, 50, False),
    ("GET", Q + "premiumIndex"): Door(public.premium_index, 50, False),
    ("GET", Q + "fundingRate"): Door(public.funding_rates, 50, False),
    ("GET", Q + "depth"): Door(public.depth, 50, False),
    ("GET", Q + "trades"): Door(public.trades, 50, False),
    ("GET", "/openApi/swap/v3/quote/klines"): Door(public.klines, 50, False),
    ("GET", "/openApi/swap/v3/user/balance"): Door(account.balance),
    ("GET", U + "positions"): Door(account.positions, 10),
    ("GET", U + "income"): Door(account.income),
    ("GET", U + "commissionRate"): Door(account.commission_rate),
    ("GET", T + "leverage"): Door(account.leverage),
    ("POST", T + "leverage"): Door(account.set_leverage),
    ("GET", T + "marginType"): Door(account.margin_type, 2),
    ("POST", T + "marginType"): Door(account.set_margin_type, 2),
    ("GET", "/openApi/swap/v1/positionSide/dual"): Door(account.position_mode, 2),
    ("POST", "/openApi/swap/v1/positionSide/dual"): Door(account.set_position_mode, 4),
    ("POST", T + "order"): Door(trade.create, 10),
    ("POST", T + "order/test"): Door(trade.test),
    ("GET", T + "order"): Door(trade.query, 30),
    ("GET", T + "openOrder"): Door(trade.query_open),
    ("DELETE", T + "order"): Door(trade.cancel, 10),
    ("POST", "/openApi/swap/v1/trade/amend"): Door(trade.amend),
    ("POST", T + "batchOrders"): Door(lists.place_many),
    ("DELETE", T + "batchOrders"): Door(lists.cancel_many),
    ("DELETE", T + "allOpenOrders"): Door(lists.cancel_all),
    ("GET", T + "openOrders"): Door(lists.open_orders),
    ("GET", T + "allOrders"): Door(lists.history),
    ("GET", "/openApi/swap/v1/trade/fullOrder"): Door(lists.history),
    ("GET", T + "allFillOrders"): Door(lists.all_fill_orders),
    ("GET", T + "fillHistory"): Door(lists.fill_history),
    ("GET", "/openApi/v1/account/apiPermissions"): Door(account.api_permissions, 2, True, True),
    ("POST", LISTEN): Door(account.listen_key_create, 2, True, True),
    ("PUT", LISTEN): Door(account.listen_key_keep, 2),
    ("DELETE", LISTEN): Door(account.listen_key_close, 2),
    ("GET", "/openApi/cswap/v1/market/contracts"): Door(public.coin_contracts, 50, False),
    ("GET", SPOT + "server/time"): Door(public.time, 50, False),
    ("GET", SPOT + "common/symbols"): Door(spot_market.symbols, 50, False),
    ("GET", SPOT + "ticker/24hr"): Door(spot_market.day_tickers, 50, False),
    ("GET", SPOT + "ticker/bookTicker"): Door(spot_market.book_tickers, 50, False),
    ("GET", SPOT + "market/depth"): Door(spot_market.depth, 50, False),
    ("GET", SPOT + "market/trades"): Door(spot_market.trades, 50, False),
    ("GET", SPOT + "market/kline"): Door(spot_market.klines, 50, False),
    ("GET", "/openApi/spot/v2/market/kline"): Door(spot_market.klines, 50, False),
    ("GET", SPOT + "account/balance"): Door(spot.balance),
    ("GET", SPOT + "user/commissionRate"): Door(spot.commission_rate, 2),
    ("POST", SPOT + "trade/order"): Door(spot.create, 10),
    ("POST", SPOT + "trade/cancel"): Door(spot.cancel),
    ("POST", SPOT + "trade/cancelOpenOrders"): Door(spot.cancel_all, 2),
    ("GET", SPOT + "trade/query"): Door(spot.query, 10),
    ("GET", SPOT + "trade/openOrders"): Door(spot.open_orders, 10),
    ("GET", SPOT + "trade/historyOrders"): Door(spot.history, 10),
    ("GET", SPOT + "trade/myTrades"): Door(spot.my_trades),
}


class BingxFace(Face):
    slug = "bingx"
    policy = POLICY
    rules = RULES | SPOT_RULES

    def __init__(self, *, market: Market, store: Store, faults: Faults, is_limited: bool = False) -> None:
        super().__init__(market=market, store=store, faults=faults, is_limited=is_limited)
        self.sessions: dict[Socket, Session] = {}
        self._seconds: dict[str, int] = {}

    def answer(self, request: Request) -> Response:
        """Whatever happens is told in the envelope, under status 200."""
        door = DOORS.get((request.method, request.path))
        if door is None:
            return self._refused(100400, "this api is not exist")
        try:
            call = Call(request=request, params=_params(request), now_ms=self.now_ms())
            headers: Params = {}
            if door.is_signed:
                call.member = self._verify(call)
                headers = self._limit(call, door)
            data = door.handler(self, call)
        except (BingxError, Refused) as error:
            return self._refused(*refusal(error, is_spot=request.path.startswith("/openApi/spot/")))
        return json_response(data if door.is_bare else {"code": 0, "msg": "", "data": data}, headers=headers)

    def _refused(self, code: int, message: str) -> Response:
        return json_response({"code": code, "msg": message, "data": {}})

    def _verify(self, call: Call) -> Member:
        """Key, clock, signature; in this order, as the codes show."""
        member = self.members.get(call.request.headers.get("x-bx-apikey", ""))
        if member is None:
            raise BingxError(100413, "Incorrect apiKey")
        _check_clock(call)
        given = call.params.get("signature", "")
        if not given:
            raise BingxError(100412, "Null signature")
        pairs = sorted((name, value) for name, value in call.params.items() if name != "signature")
        plain = "&".join(f"{name}={value}" for name, value in pairs)
        if not hmac.compare_digest(member.signature(plain).encode(), given.encode()):
            raise BingxError(100001, "signature verification failed")
        return member

    def _limit(self, call: Call, door: Door) -> Params:
        used = self.count(call.who, f"{call.request.method} {call.request.path}", window_ms=1000)
        if self.is_limited and used > door.per_s:
            raise BingxError(100410, "code:100410:the endpoint trigger frequency limit rule")
        return {
            "X-RateLimit-Requests-Remain": str(max(door.per_s - used, 0)),
            "X-RateLimit-Requests-Expire": str(call.now_ms + 1000),
        }

    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response:
        if is_ban:
            return json_response({"code": 418, "msg": "the IP is banned", "data": {}}, status=418)
        message = "code:100410:The endpoint trigger frequency limit rule is currently in the disabled period"
        if retry_after_s is not None:
            message += f" and will be unblocked after {self.now_ms() + retry_after_s * 1000}"
        return self._refused(100410, message)

    def timestamp_refused(self) -> Response:
        return self._refused(100421, "Null timestamp or timestamp mismatch")

    def framed(self, body: bytes) -> bytes:
        return packed(body)

    def name_of(self, order: Order) -> str:
        return str(wire_id(order.id))

    def on_second(self, *, now_ms: int) -> None:
        """Pings every five seconds, settings told as often, and the end of listen keys nobody kept alive."""
        is_fifth = now_ms // 1000 % PING_S == 0
        for session in list(self.sessions.values()):
            session.second(is_ping=is_fifth)
        for member in self.members.values():
            if is_fifth and member.listeners:
                self._deliver(member, [("user", packed(orjson.dumps(config_message(self, member, now_ms=now_ms))))])
            if member.listen_key and now_ms > member.listen_until_ms:
                expired = {"e": "listenKeyExpired", "E": now_ms, "listenKey": member.listen_key}
                member.listen_key = ""
                for socket in member.listeners:
                    socket.send(packed(orjson.dumps(expired)))
                member.listeners.clear()

    def connect(self, request: Request, socket: Socket) -> bool:
        opening = {"/swap-market": open_session, "/market": open_spot_session}.get(request.path)
        return opening is not None and opening(self, request, socket)

    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        return private_messages(self, member, events) + spot_messages(member, events)

    def broadcast(self, symbol: str) -> None:
        second = self.market.quotes[symbol].at_ms // 1000
        is_new_second = self._seconds.get(symbol) != second or self.market.is_quiet
        self._seconds[symbol] = second
        if self.sessions:
            tell = broadcast if symbol in RULES else spot_broadcast
            tell(self, symbol, is_new_second=is_new_second)


def _params(request: Request) -> Params:
    """From the query, a form, or a JSON body: all three are taken."""
    pairs = parse_qsl(request.query, keep_blank_values=True)
    body = request.body.decode("utf-8", "replace")
    if not body.startswith("{"):
        return dict(pairs + parse_qsl(body, keep_blank_values=True))
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BingxError(100400, "the body is not JSON") from None
    return dict(pairs) | {str(name): as_text(value) for name, value in told.items()}


def _check_clock(call: Call) -> None:
    stamp, window = call.params.get("timestamp", ""), call.params.get("recvWindow", "")
    width = int(window) if window.isascii() and window.isdigit() and 0 < int(window) < WINDOW_MAX_MS else WINDOW_MAX_MS
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 20) or abs(call.now_ms - int(stamp)) > width:
        raise BingxError(100421, "Null timestamp or timestamp mismatch")
