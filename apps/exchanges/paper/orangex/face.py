"""OrangeX's front: JSON-RPC over HTTP, tokens, limits and the table of its methods."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from apps.exchanges.paper.face import Call, Face, Member, Params
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.orangex import account, market, orders, trade
from apps.exchanges.paper.orangex.books import Books
from apps.exchanges.paper.orangex.errors import (
    BAD_PARAMS,
    NO_SERVICE,
    NOT_JSON,
    REFUSALS,
    TOO_OFTEN,
    UNAUTHENTIC,
    OrangeXError,
)
from apps.exchanges.paper.orangex.rows import POLICY, RULES, Row, client_id, order_id
from apps.exchanges.paper.orangex.sign_in import Tokens, auth
from apps.exchanges.paper.orangex.socket import SILENT_S, Session, broadcast, pulse
from apps.exchanges.paper.orangex.user_stream import private_messages
from apps.exchanges.paper.websocket import Socket
from cts.domain.matching.events import Event, Refused
from cts.domain.matching.state import Order

PREFIX = "/api/v1"
SOCKET_PATH = "/ws/api/v1"
PER_SECOND = 10
SOCKETS_PER_MINUTE, SOCKETS_AT_ONCE = 5, 10
Handler = Callable[["OrangeXFace", Call], Any]


class Door(msgspec.Struct, frozen=True, array_like=True):
    """Reads also answer a query; what changes something is a POST."""

    handler: Handler
    is_write: bool = False


DOORS: dict[str, Door] = {
    "/public/auth": Door(auth, True),
    "/public/ping": Door(market.ping),
    "/public/get_instruments": Door(market.instruments),
    "/public/tickers": Door(market.tickers),
    "/public/ticker": Door(market.ticker),
    "/public/get_order_book": Door(market.order_book),
    "/public/get_tradingview_chart_data": Door(market.candles),
    "/public/get_last_trades_by_instrument": Door(market.last_trades),
    "/public/get_funding_rate": Door(market.funding_rate),
    "/public/get_all_capital_rate": Door(market.funding_rates),
    "/public/coin_gecko_contracts": Door(market.contracts),
    "/public/get_perpetual_leverage_bracket": Door(market.leverage_bracket),
    "/private/get_tradingview_chart_data": Door(market.candles),
    "/private/get_assets_info": Door(account.assets),
    "/private/get_account_msg": Door(account.account_msg),
    "/private/get_positions": Door(account.positions),
    "/private/get_position": Door(account.position),
    "/private/get_user_position": Door(account.user_position),
    "/private/get_perpetual_user_config": Door(account.settings),
    "/private/adjust_perpetual_leverage": Door(account.adjust_leverage, True),
    "/private/adjust_perpetual_margin_type": Door(account.adjust_margin_type, True),
    "/private/buy": Door(trade.buy, True),
    "/private/sell": Door(trade.sell, True),
    "/private/cancel": Door(trade.cancel, True),
    "/private/cancel_all_by_instrument": Door(trade.cancel_by_instrument, True),
    "/private/cancel_all_by_currency": Door(trade.cancel_by_currency, True),
    "/private/close_position": Door(trade.close_position, True),
    "/private/get_order_state": Door(orders.state),
    "/private/get_open_orders_by_instrument": Door(orders.open_by_instrument),
    "/private/get_open_orders_by_currency": Door(orders.open_by_currency),
    "/private/get_order_history_by_instrument": Door(orders.history_by_instrument),
    "/private/get_order_history_by_currency": Door(orders.history_by_currency),
    "/private/get_user_trades_by_order": Door(orders.trades_by_order),
    "/private/get_user_trades_by_instrument": Door(orders.trades_by_instrument),
    "/private/get_user_trades_by_currency": Door(orders.trades_by_currency),
}


class OrangeXFace(Face):
    slug = "orangex"
    policy = POLICY
    rules = RULES

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tokens = Tokens()
        self.books = Books(self)
        self.late = orders.Late()
        self._opened: deque[float] = deque(maxlen=SOCKETS_PER_MINUTE)

    def answer(self, request: Request) -> Response:
        """Every refusal comes with status 200, but for the bare address, which leads elsewhere."""
        if request.path.rstrip("/") == PREFIX:
            return Response(status=302, headers={"Location": "/"})
        call = Call(request=request, params={}, now_ms=self.now_ms())
        number: object = None
        try:
            number, method, call.params = _parsed(request)
            door = DOORS.get(method)
            if door is None or (door.is_write and request.method != "POST"):
                raise OrangeXError(*NO_SERVICE)
            if method.startswith("/private"):
                call.member = self._verify(request)
                self._limit(call)
            result = door.handler(self, call)
        except OrangeXError as error:
            return json_response(self.enveloped(number, error=error))
        except Refused as refused:
            return json_response(self.enveloped(number, error=OrangeXError(*REFUSALS[refused.reason])))
        return json_response(self.enveloped(number, result=result, started_ms=call.now_ms))

    def enveloped(
        self, number: object = None, *, result: Any = None, error: OrangeXError | None = None, started_ms: int = 0
    ) -> Row:
        """An answer without a result and without an error is one, too: of an order it doesn't know yet."""
        now_ms = self.now_ms()
        started_ms = started_ms or now_ms
        row: Row = {} if number is None else {"id": number}
        row |= {"jsonrpc": "2.0", "usIn": started_ms, "usOut": now_ms, "usDiff": now_ms - started_ms}
        if error is not None:
            return row | {"error": error.row}
        return row if result is None else row | {"result": result}

    def _verify(self, request: Request) -> Member:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise OrangeXError(*UNAUTHENTIC)
        return self.tokens.member_of(token.strip(), now_ms=self.now_ms())

    def _limit(self, call: Call) -> None:
        if self.is_limited and self.count(call.who, "requests", window_ms=1000) > PER_SECOND:
            raise OrangeXError(*TOO_OFTEN)

    def act(self, member: Member, verb: Callable[[], list[Event]]) -> list[Event]:
        events = super().act(member, verb)
        self.late.note(events)
        return events

    def name_of(self, order: Order) -> str:
        return order_id(order.id)

    def client_id_of(self, order: Order) -> str:
        return client_id(order.request.client_id)

    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response:
        """Nothing tells how long; a banned address gets no answer of the venue's at all."""
        if is_ban:
            return Response(status=403, body=b"<html>403 Forbidden</html>", headers={"Content-Type": "text/html"})
        return json_response(self.enveloped(error=OrangeXError(*TOO_OFTEN)))

    def timestamp_refused(self) -> Response:
        return json_response(self.enveloped(error=OrangeXError(*UNAUTHENTIC)))

    def on_second(self, *, now_ms: int) -> None:
        """Cut without a word, as the venue does."""
        for socket in list(self.sockets):
            if time.monotonic() - socket.heard_at > SILENT_S:
                socket.abort()
        if self.market.now_ms() >= self.muted_until_ms:
            pulse(self, now_ms=now_ms)

    def connect(self, request: Request, socket: Socket) -> bool:
        if request.path != SOCKET_PATH or (self.is_limited and self._are_too_many()):
            return False
        self._opened.append(time.monotonic())
        Session(self, socket)
        return True

    def _are_too_many(self) -> bool:
        is_fast = len(self._opened) == SOCKETS_PER_MINUTE and time.monotonic() - self._opened[0] < 60
        return is_fast or len(self.sockets) >= SOCKETS_AT_ONCE

    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        return private_messages(self, member, events)

    def broadcast(self, symbol: str) -> None:
        broadcast(self, symbol)


def _parsed(request: Request) -> tuple[object, str, Params]:
    """The number, the method and its parameters. A body must name the method its path does; a query needs no body."""
    method = request.path.removeprefix(PREFIX)
    if method == request.path:
        raise OrangeXError(*NO_SERVICE)
    if not request.body:
        return None, method, request.query_pairs()
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise OrangeXError(*NOT_JSON) from None
    if not isinstance(body, dict) or body.get("method") != method:
        raise OrangeXError(*BAD_PARAMS)
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise OrangeXError(*BAD_PARAMS)
    return body.get("id"), method, {str(name): _as_text(value) for name, value in params.items() if value is not None}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)
