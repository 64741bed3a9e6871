"""Binance's front: login, weights and the table of its doors."""

import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec

from apps.exchanges.paper.binance import account, algo, batch, listing, spot, spot_market, spot_streams, trade
from apps.exchanges.paper.binance import market as public
from apps.exchanges.paper.binance.errors import REFUSALS, BinanceError, missing
from apps.exchanges.paper.binance.rows import POLICY, RULES
from apps.exchanges.paper.binance.socket import COMBINED, open_session
from apps.exchanges.paper.binance.spot_rows import SPOT_RULES
from apps.exchanges.paper.binance.spot_socket import SPOT
from apps.exchanges.paper.binance.spot_user_stream import spot_messages
from apps.exchanges.paper.binance.streams import broadcast, cast
from apps.exchanges.paper.binance.user_stream import is_spot, private_messages
from apps.exchanges.paper.face import Call, Face, Member, Params
from apps.exchanges.paper.faults import Faults
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.market import Market
from apps.exchanges.paper.store import Store
from apps.exchanges.paper.websocket import Socket, text_frame
from cts.domain.matching.events import Event, Refused

Handler = Callable[["BinanceFace", Call], object]

NONE, KEY, SIGNED = "none", "key", "signed"
ORDER_LIMITS = (("10S", 10_000, 300), ("1M", 60_000, 1200))
WEIGHT_LIMIT = 2400
PING_S = 180


class Door(msgspec.Struct, frozen=True, array_like=True):
    handler: Handler
    security: str = NONE
    weight: int = 1
    is_order: bool = False


F, S = "/fapi/v1/", "/api/v3/"
DOORS: dict[tuple[str, str], Door] = {
    ("GET", F + "ping"): Door(public.ping),
    ("GET", F + "time"): Door(public.time),
    ("GET", F + "exchangeInfo"): Door(listing.exchange_info),
    ("GET", F + "klines"): Door(public.klines, NONE, 5),
    ("GET", F + "ticker/24hr"): Door(public.day_tickers, NONE, 40),
    ("GET", F + "ticker/bookTicker"): Door(public.book_tickers, NONE, 5),
    ("GET", F + "ticker/price"): Door(public.prices, NONE, 2),
    ("GET", "/fapi/v2/ticker/price"): Door(public.prices, NONE, 2),
    ("GET", F + "premiumIndex"): Door(public.premium_index),
    ("GET", F + "depth"): Door(public.depth, NONE, 5),
    ("GET", F + "aggTrades"): Door(public.aggregate_trades, NONE, 20),
    ("GET", F + "trades"): Door(public.trades, NONE, 5),
    ("GET", F + "fundingRate"): Door(public.funding_rates),
    ("GET", F + "fundingInfo"): Door(public.funding_info),
    ("POST", F + "order"): Door(trade.create, SIGNED, 0, True),
    ("POST", F + "order/test"): Door(trade.test, SIGNED, 0),
    ("PUT", F + "order"): Door(trade.amend, SIGNED, 1, True),
    ("GET", F + "order"): Door(trade.query, SIGNED),
    ("DELETE", F + "order"): Door(trade.cancel, SIGNED),
    ("POST", F + "batchOrders"): Door(batch.create, SIGNED, 5, True),
    ("DELETE", F + "batchOrders"): Door(batch.cancel, SIGNED),
    ("GET", F + "openOrders"): Door(trade.open_orders, SIGNED),
    ("GET", F + "allOrders"): Door(trade.all_orders, SIGNED, 5),
    ("DELETE", F + "allOpenOrders"): Door(trade.cancel_all, SIGNED),
    ("GET", F + "userTrades"): Door(trade.user_trades, SIGNED, 5),
    ("POST", F + "algoOrder"): Door(algo.create, SIGNED, 0, True),
    ("GET", F + "algoOrder"): Door(algo.query, SIGNED),
    ("DELETE", F + "algoOrder"): Door(algo.cancel, SIGNED),
    ("GET", F + "openAlgoOrders"): Door(algo.open_orders, SIGNED),
    ("DELETE", F + "algoOpenOrders"): Door(algo.cancel_all, SIGNED),
    ("GET", F + "allAlgoOrders"): Door(algo.all_orders, SIGNED, 5),
    ("POST", F + "leverage"): Door(account.set_leverage, SIGNED),
    ("POST", F + "marginType"): Door(account.set_margin_type, SIGNED),
    ("GET", F + "positionSide/dual"): Door(account.position_mode, SIGNED, 30),
    ("POST", F + "positionSide/dual"): Door(account.set_position_mode, SIGNED),
    ("GET", F + "symbolConfig"): Door(account.symbol_config, SIGNED, 5),
    ("GET", F + "accountConfig"): Door(account.account_config, SIGNED, 5),
    ("GET", F + "multiAssetsMargin"): Door(account.multi_assets, SIGNED, 30),
    ("GET", F + "leverageBracket"): Door(account.leverage_brackets, SIGNED),
    ("GET", F + "commissionRate"): Door(account.commission_rate, SIGNED, 20),
    ("GET", "/sapi/v1/margin/allPairs"): Door(account.margin_pairs),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): Door(account.margin_pairs),
    ("GET", "/sapi/v1/account/apiRestrictions"): Door(account.api_restrictions, SIGNED),
    ("GET", F + "income"): Door(account.income, SIGNED, 30),
    ("GET", "/fapi/v2/balance"): Door(account.balance, SIGNED, 5),
    ("GET", "/fapi/v3/balance"): Door(account.balance, SIGNED, 5),
    ("GET", "/fapi/v2/account"): Door(account.account_v2, SIGNED, 5),
    ("GET", "/fapi/v3/account"): Door(account.account_v3, SIGNED, 5),
    ("GET", "/fapi/v2/positionRisk"): Door(account.positions_v2, SIGNED, 5),
    ("GET", "/fapi/v3/positionRisk"): Door(account.positions_v3, SIGNED, 5),
    ("GET", S + "ping"): Door(public.ping),
    ("GET", S + "time"): Door(public.time),
    ("GET", S + "exchangeInfo"): Door(spot_market.exchange_info, NONE, 20),
    ("GET", S + "klines"): Door(spot_market.klines, NONE, 2),
    ("GET", S + "ticker/24hr"): Door(spot_market.day_tickers, NONE, 80),
    ("GET", S + "ticker/bookTicker"): Door(spot_market.book_tickers, NONE, 4),
    ("GET", S + "ticker/price"): Door(spot_market.prices, NONE, 4),
    ("GET", S + "depth"): Door(spot_market.depth, NONE, 5),
    ("GET", S + "trades"): Door(spot_market.trades, NONE, 25),
    ("GET", S + "account"): Door(spot.account, SIGNED, 20),
    ("POST", S + "order"): Door(spot.create, SIGNED, 1, True),
    ("POST", S + "order/test"): Door(spot.test, SIGNED),
    ("GET", S + "order"): Door(spot.query, SIGNED, 4),
    ("DELETE", S + "order"): Door(spot.cancel, SIGNED),
    ("GET", S + "openOrders"): Door(spot.open_orders, SIGNED, 6),
    ("DELETE", S + "openOrders"): Door(spot.cancel_all, SIGNED),
    ("GET", S + "allOrders"): Door(spot.all_orders, SIGNED, 20),
    ("GET", S + "myTrades"): Door(spot.my_trades, SIGNED, 20),
    ("POST", F + "listenKey"): Door(account.listen_key_create, KEY),
    ("PUT", F + "listenKey"): Door(account.listen_key_keep, KEY),
    ("DELETE", F + "listenKey"): Door(account.listen_key_close, KEY),
}


class BinanceFace(Face):
    slug = "binance"
    policy = POLICY
    rules = RULES | SPOT_RULES

    def __init__(self, *, market: Market, store: Store, faults: Faults, is_limited: bool = False) -> None:
        super().__init__(market=market, store=store, faults=faults, is_limited=is_limited)
        self._seconds: dict[str, int] = {}

    def answer(self, request: Request) -> Response:
        door = DOORS.get((request.method, request.path))
        if door is None:
            return Response(status=404, body=b"<html>404</html>", headers={"Content-Type": "text/html"})
        call = Call(request=request, params=_params(request), now_ms=self.now_ms())
        headers: Params = {}
        try:
            if door.security != NONE:
                call.member = self._verify(call, is_signed=door.security == SIGNED)
            headers = self._limit(call, door)
            return json_response(door.handler(self, call), headers=headers)
        except BinanceError as error:
            return json_response({"code": error.code, "msg": error.message}, status=error.status, headers=headers)
        except Refused as refused:
            code, message = REFUSALS[refused.reason]
            return json_response({"code": code, "msg": message}, status=400, headers=headers)

    def _verify(self, call: Call, *, is_signed: bool) -> Member:
        """Key, clock, signature; in this order, as the codes show."""
        key = call.request.headers.get("x-mbx-apikey", "")
        if not key:
            raise BinanceError(-2014, "API-key format invalid.", status=401)
        member = self.members.get(key)
        if member is None:
            raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action", status=401)
        if not is_signed:
            return member
        _check_clock(call)
        given = call.params.get("signature", "")
        if not given:
            raise missing("signature")
        if not hmac.compare_digest(member.signature(_signed_text(call.request)), given):
            raise BinanceError(-1022, "Signature for this request is not valid.")
        return member

    def _limit(self, call: Call, door: Door) -> Params:
        """Weights are counted per address, orders per account; here every account is an address of its own."""
        if call.member is None:
            return {"X-MBX-USED-WEIGHT-1M": str(door.weight)}
        used = self.count(call.who, "weight", window_ms=60_000, amount=door.weight)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if self.is_limited and used > WEIGHT_LIMIT:
            raise BinanceError(-1003, "Too many requests; current limit is 2400 requests per minute.", status=429)
        if not door.is_order:
            return headers
        for name, window_ms, limit in ORDER_LIMITS:
            orders = self.count(call.who, f"orders{name}", window_ms=window_ms)
            headers[f"X-MBX-ORDER-COUNT-{name}"] = str(orders)
            if self.is_limited and orders > limit:
                raise BinanceError(
                    -1015, f"Too many new orders; current limit is {limit} orders per {name}.", status=429
                )
        return headers

    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        until = self.now_ms() + (retry_after_s or 120) * 1000
        message = "Too many requests; current limit is 2400 requests per minute."
        if is_ban:
            message = f"Way too many requests; IP banned until {until}."
        return json_response({"code": -1003, "msg": message}, status=418 if is_ban else 429, headers=headers)

    def timestamp_refused(self) -> Response:
        message = "Timestamp for this request is outside of the recvWindow."
        return json_response({"code": -1021, "msg": message}, status=400)

    def on_second(self, *, now_ms: int) -> None:
        """Pings every three minutes, and the end of listen keys nobody kept alive."""
        if now_ms // 1000 % PING_S == 0:
            for socket in self.sockets:
                socket.ping(str(now_ms).encode())
        for member in self.members.values():
            if member.listen_key and now_ms > member.listen_until_ms:
                expired = {"e": "listenKeyExpired", "E": now_ms, "listenKey": member.listen_key}
                member.listen_key = ""
                for socket in [socket for socket, topics in member.listeners.items() if "user" in topics]:
                    socket.send(text_frame(msgspec.json.encode(expired)))
                    del member.listeners[socket]

    def connect(self, request: Request, socket: Socket) -> bool:
        return open_session(self, request, socket)

    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        ours = [event for event in events if is_spot(event)]
        return private_messages(self, member, events) + (spot_messages(member, ours) if ours else [])

    def broadcast(self, symbol: str) -> None:
        second = self.market.quotes[symbol].at_ms // 1000
        is_new_second = self._seconds.get(symbol) != second or self.market.is_quiet
        self._seconds[symbol] = second
        if symbol not in SPOT_RULES:
            broadcast(self, symbol, is_new_second=is_new_second)
            return

        def is_wanted(topic: str) -> bool:
            return bool(self.topics.get(SPOT + topic) or self.topics.get(COMBINED + SPOT + topic))

        for topic, make in spot_streams.streams(self, symbol, is_new_second=is_new_second, is_wanted=is_wanted):
            cast(self, topic, make, prefix=SPOT)


def _params(request: Request) -> Params:
    """Query and form body together."""
    return dict(
        parse_qsl(request.query, keep_blank_values=True) + parse_qsl(request.body.decode(), keep_blank_values=True)
    )


def _signed_text(request: Request) -> str:
    """Query immediately followed by body, the signature itself taken out, every other byte as sent."""
    parts = (request.query, request.body.decode())
    return "".join("&".join(p for p in part.split("&") if not p.startswith("signature=")) for part in parts)


def _check_clock(call: Call) -> None:
    stamp, window = call.params.get("timestamp", ""), call.params.get("recvWindow", "5000")
    if not stamp.isdigit() or not window.isdigit():
        raise missing("timestamp" if not stamp.isdigit() else "recvWindow")
    if int(window) > 60_000:
        raise BinanceError(-1131, "recvWindow must be less than 60000")
    if int(stamp) >= call.now_ms + 1000:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if call.now_ms - int(stamp) > int(window):
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")
