"""OrangeX's websocket: one address, JSON-RPC both ways, private channels with a token in the request."""

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from apps.exchanges.paper.face import Call, Member
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.market import perpetual_of
from apps.exchanges.paper.orangex.books import channel as book_channel
from apps.exchanges.paper.orangex.errors import BAD_PARAMS, NO_CHANNEL, NO_SERVICE, NOT_JSON, OrangeXError
from apps.exchanges.paper.orangex.holdings import ticker_row
from apps.exchanges.paper.orangex.market import RESOLUTIONS, candle_row, trade_row
from apps.exchanges.paper.orangex.rows import NAMES, PERPETUALS, SYMBOLS, Row
from apps.exchanges.paper.orangex.sign_in import auth
from apps.exchanges.paper.orangex.user_stream import ASSETS, CHANGES, notice
from apps.exchanges.paper.websocket import Socket

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

MARKS = "markprice.perpetual.PERPETUAL"
INDEXES = {"price_index.btc_usdt": "BTC/USDT:USDT", "price_index.eth_usdt": "ETH/USDT:USDT"}
# A confirmation takes a network's time to come; some clients note what they asked for only after sending.
ACK_DELAY_S = 0.02
# Whoever says nothing for so long is cut off, however much is being told to him.
SILENT_S = 30.0
# The socket knows a day by one of its two names only.
_BARS = {name: seconds for name, seconds in RESOLUTIONS.items() if name != "D"}


class Session:
    def __init__(self, face: "OrangeXFace", socket: Socket) -> None:
        self.face = face
        self.socket = socket
        socket.on_text = self.received
        socket.on_lost = lambda: face.leave(socket)

    def _send(self, row: Row) -> None:
        self.socket.send(self.face.framed(orjson.dumps(row)))

    def received(self, raw: str) -> None:
        if raw == "PING":
            self.socket.send(self.face.framed(b"PONG"))
            return
        try:
            message = orjson.loads(raw)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            self._send(self.face.enveloped(error=OrangeXError(*NOT_JSON)))
            return
        params = message.get("params")
        self._answer(str(message.get("method", "")), params if isinstance(params, dict) else {}, message.get("id"))

    def _answer(self, method: str, params: Row, request_id: object) -> None:
        """Ids come back as text, whatever they were sent as."""
        number = None if request_id is None else str(request_id)
        try:
            result = self._result(method, params)
        except OrangeXError as error:
            self._send(self.face.enveloped(number, error=error))
            return
        if isinstance(result, list):
            loop = asyncio.get_running_loop()
            loop.call_later(ACK_DELAY_S, self._confirm, method, result, number, self._member(method, params))
        else:
            self._send(self.face.enveloped(number, result=result))

    def _result(self, method: str, params: Row) -> Any:
        if method == "/public/ping":
            return {}
        if method == "/public/auth":
            words = {name: str(value) for name, value in params.items()}
            request = Request(method="POST", path=method, query="", headers={})
            return auth(self.face, Call(request=request, params=words, now_ms=self.face.now_ms()))
        if method not in ("/public/subscribe", "/public/unsubscribe", "/private/subscribe", "/private/unsubscribe"):
            raise OrangeXError(*NO_SERVICE)
        self._member(method, params)
        channels = params.get("channels", [])
        if not isinstance(channels, list):
            raise OrangeXError(*BAD_PARAMS)
        for channel in channels:
            if not is_known(str(channel), is_private=method.startswith("/private")):
                raise OrangeXError(*NO_CHANNEL, {"channel": str(channel)})
        return [str(channel) for channel in channels]

    def _member(self, method: str, params: Row) -> Member | None:
        if method.startswith("/public"):
            return None
        return self.face.tokens.member_of(str(params.get("access_token", "")), now_ms=self.face.now_ms())

    def _confirm(self, method: str, channels: list[str], number: str | None, member: Member | None) -> None:
        if not self.socket.is_open:
            return
        is_wanted = method.endswith("/subscribe")
        for channel in channels:
            if member is not None:
                wanted = member.listeners.setdefault(self.socket, set())
                wanted.add(channel) if is_wanted else wanted.discard(channel)
            elif is_wanted:
                self.face.topics[channel].add(self.socket)
            else:
                self.face.topics[channel].discard(self.socket)
        self._send(self.face.enveloped(number, result=channels))


def is_known(channel: str, *, is_private: bool) -> bool:
    """Raw is the only pace there is."""
    kind, _, rest = channel.partition(".")
    name, _, pace = rest.partition(".")
    if is_private:
        is_symbols = kind == "user" and name in ("orders", "trades") and pace.removesuffix(".raw") in SYMBOLS
        return channel in (*CHANGES.values(), *ASSETS.values()) or (is_symbols and pace.endswith(".raw"))
    if kind == "chart":
        symbol, _, resolution = pace.partition(".")
        return name == "trades" and symbol in SYMBOLS and resolution in _BARS
    if kind in ("ticker", "trades", "book"):
        return name in SYMBOLS and pace == "raw"
    return channel == MARKS or channel in INDEXES


def broadcast(face: "OrangeXFace", symbol: str) -> None:
    name = NAMES[symbol]
    for channel, row in (
        (f"ticker.{name}.raw", lambda: _ticker(face, symbol)),
        (f"trades.{name}.raw", lambda: [trade_row(face.market.trades[perpetual_of(symbol)][-1], symbol)]),
        (book_channel(symbol), lambda: face.books.changes(symbol)),
    ):
        if face.topics.get(channel) and (data := row()) is not None:
            face.cast(channel, orjson.dumps(notice(channel, data)))
    for resolution, timeframe_s in _BARS.items():
        channel = f"chart.trades.{name}.{resolution}"
        if face.topics.get(channel):
            face.cast(channel, orjson.dumps(notice(channel, _bar(face, symbol, timeframe_s=timeframe_s))))


def _ticker(face: "OrangeXFace", symbol: str) -> Row:
    return ticker_row(symbol, market=face.market, day=face.market.day(symbol), is_socket=True)


def _bar(face: "OrangeXFace", symbol: str, *, timeframe_s: int) -> Row:
    at_ms = face.market.quotes[symbol].at_ms
    start_ms = at_ms - timeframe_s * 1000
    found = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=at_ms, limit=2)
    row = candle_row(found[-1])
    return row | {"tick": str(row["tick"])}


def pulse(face: "OrangeXFace", *, now_ms: int) -> None:
    """What is told every second, whatever the market does."""
    if face.topics.get(MARKS):
        rows = [
            {
                "mut": str(face.market.quotes[symbol].at_ms),
                "instrument_name": NAMES[symbol],
                "mark_iv": "0",
                "mark_price": str(face.market.quotes[symbol].mark),
                "underlying_price": str(face.market.quotes[symbol].mark),
            }
            for symbol in PERPETUALS
        ]
        face.cast(MARKS, orjson.dumps(notice(MARKS, rows)))
    for channel, symbol in INDEXES.items():
        if face.topics.get(channel):
            price = str(face.market.quotes[symbol].mark)
            data = {"price": price, "index_name": channel.partition(".")[2], "timestamp": now_ms}
            face.cast(channel, orjson.dumps(notice(channel, data)))
