"""Bybit's websockets: public topics, and the private ones after login."""

import asyncio
from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.bybit.holdings import ticker_row
from apps.exchanges.paper.bybit.listing import NAMES, SYMBOLS
from apps.exchanges.paper.bybit.market import INTERVALS, book_row
from apps.exchanges.paper.bybit.rows import Row, category_of
from apps.exchanges.paper.face import Member
from apps.exchanges.paper.websocket import Socket, text_frame
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

PRIVATE = frozenset(
    f"{name}{tail}" for name in ("order", "execution", "position", "wallet") for tail in ("", ".linear", ".spot")
) | {"execution.fast", "execution.fast.linear", "execution.fast.spot"}
# A confirmation takes a network's time to come; the venue's own SDK notes what it asked for only after sending.
ACK_DELAY_S = 0.03
DEPTHS = {"1": 1, "50": 50, "200": 50, "500": 50}


class Session:
    """One socket: who it is, what it wants."""

    def __init__(self, face: "BybitFace", socket: Socket, *, category: str) -> None:
        self.face = face
        self.socket = socket
        # Empty on the private socket.
        self.category = category
        self.is_private = not category
        self.member: Member | None = None
        self.id = f"paper-{id(socket):x}"
        socket.on_text = self.received
        socket.on_lost = lambda: face.leave(socket)

    def _send(self, row: Row) -> None:
        self.socket.send(text_frame(orjson.dumps(row)))

    def received(self, raw: str) -> None:
        try:
            message = orjson.loads(raw)
            operation = message.get("op")
        except (orjson.JSONDecodeError, AttributeError):
            self._send({"success": False, "ret_msg": "Params Error", "conn_id": self.id, "req_id": "", "op": ""})
            return
        request_id = str(message.get("req_id", ""))
        arguments = message.get("args") or []
        if operation == "ping":
            self._pong(request_id)
        elif operation == "auth":
            self._auth(arguments, request_id)
        elif operation in ("subscribe", "unsubscribe"):
            self._subscribe(operation, [str(name) for name in arguments], request_id)
        else:
            self._reply(str(operation), request_id, error="error:handler not found")

    def _pong(self, request_id: str) -> None:
        if self.is_private:
            self._send({"req_id": request_id, "op": "pong", "args": [str(self.face.now_ms())], "conn_id": self.id})
        else:
            self._reply("ping", request_id, message="pong")

    def _reply(self, operation: str, request_id: str, *, message: str = "", error: str = "") -> None:
        self._send(
            {
                "success": not error,
                "ret_msg": error or message,
                "op": operation,
                "conn_id": self.id,
                **({"req_id": request_id} if request_id or not self.is_private else {}),
            }
        )

    def _auth(self, arguments: list[object], request_id: str) -> None:
        key, expires, signature = (str(a) for a in arguments) if len(arguments) == 3 else ("", "0", "")
        member = self.face.members.get(key)
        is_late = not expires.isdigit() or int(expires) < self.face.now_ms()
        if member is None or is_late or member.signature(f"GET/realtime{expires}") != signature:
            self._reply("auth", request_id, error="Request expired" if member and is_late else "Params Error")
            if not is_late:
                self.socket.close(1000, "auth failed")
            return
        self.member = member
        member.listeners.setdefault(self.socket, set())
        self._reply("auth", request_id)

    def _subscribe(self, operation: str, names: list[str], request_id: str) -> None:
        unknown = [name for name in names if not self._is_known(name)]
        if unknown or (self.is_private and self.member is None):
            why = f"error:handler not found,topic:{unknown[0]}" if unknown else "Request not authorized"
            self._reply(operation, request_id, error=why)
            return
        loop = asyncio.get_running_loop()
        loop.call_later(ACK_DELAY_S, self._confirm, operation, names, request_id)

    def _confirm(self, operation: str, names: list[str], request_id: str) -> None:
        if not self.socket.is_open:
            return
        self._reply(operation, request_id, message="" if self.is_private else operation)
        for name in names:
            self._set(operation, name)

    def _set(self, operation: str, name: str) -> None:
        if self.member is not None:
            topics = self.member.listeners[self.socket]
            topics.add(name) if operation == "subscribe" else topics.discard(name)
        elif operation == "subscribe":
            self.face.topics[key_of(self.category, name)].add(self.socket)
            self._snapshot(name)
        else:
            self.face.topics[key_of(self.category, name)].discard(self.socket)

    def _is_known(self, name: str) -> bool:
        if self.is_private:
            return name in PRIVATE
        kind, _, rest = name.partition(".")
        if kind in ("tickers", "publicTrade"):
            return rest in SYMBOLS[self.category]
        parameter, _, symbol = rest.partition(".")
        known = DEPTHS if kind == "orderbook" else INTERVALS if kind == "kline" else {}
        return parameter in known and symbol in SYMBOLS[self.category]

    def _snapshot(self, name: str) -> None:
        """New readers of a ticker or a book get the whole once; changes follow."""
        kind, _, rest = name.partition(".")
        if kind == "tickers":
            self._send(ticker_message(self.face, SYMBOLS[self.category][rest], kind="snapshot"))
        elif kind == "orderbook":
            depth, _, symbol = rest.partition(".")
            self._send(book_message(self.face, SYMBOLS[self.category][symbol], depth=depth, kind="snapshot"))


def key_of(category: str, topic: str) -> str:
    """Topics of the two public sockets have the same names."""
    return f"{category}:{topic}"


def ticker_message(face: "BybitFace", symbol: str, *, kind: str) -> Row:
    quote = face.market.quotes[symbol]
    if kind == "snapshot" or category_of(symbol) == "spot":
        # Spot tickers come whole every time.
        kind = "snapshot"
        data = ticker_row(symbol, market=face.market, day=face.market.day(symbol))
        if category_of(symbol) == "spot":
            # The best prices are the book's to tell.
            data = {field: value for field, value in data.items() if not field.startswith(("bid1", "ask1"))}
    else:
        data = {
            "symbol": NAMES[symbol],
            "lastPrice": text(quote.last),
            "markPrice": text(quote.mark),
            "indexPrice": text(quote.mark),
            "bid1Price": text(quote.bid),
            "bid1Size": "1.5",
            "ask1Price": text(quote.ask),
            "ask1Size": "1.5",
        }
    return {"topic": f"tickers.{NAMES[symbol]}", "type": kind, "data": data, "cs": quote.at_ms, "ts": quote.at_ms}


def book_message(face: "BybitFace", symbol: str, *, depth: str, kind: str) -> Row:
    """Every change is told as a fresh snapshot, which the venue may do at any time."""
    at_ms = face.market.quotes[symbol].at_ms
    data = book_row(face, symbol, depth=DEPTHS[depth], kind=kind)
    return {"topic": f"orderbook.{depth}.{NAMES[symbol]}", "type": kind, "ts": at_ms, "data": data, "cts": at_ms}


def broadcast(face: "BybitFace", symbol: str) -> None:
    name, category = NAMES[symbol], category_of(symbol)
    quote = face.market.quotes[symbol]

    def key(topic: str) -> str:
        return key_of(category, topic)

    if face.topics.get(key(f"tickers.{name}")):
        face.cast(key(f"tickers.{name}"), orjson.dumps(ticker_message(face, symbol, kind="delta")))
    if face.topics.get(key(f"publicTrade.{name}")):
        trade = face.market.last_trade(symbol)
        row = {
            "T": trade.at_ms,
            "s": name,
            "S": "Buy" if trade.side is Side.BUY else "Sell",
            "v": text(trade.quantity),
            "p": text(trade.price),
            "L": "PlusTick",
            "i": str(trade.id),
            "BT": False,
            "RPI": False,
            "seq": trade.id,
        }
        message = {"topic": f"publicTrade.{name}", "type": "snapshot", "ts": quote.at_ms, "data": [row]}
        face.cast(key(f"publicTrade.{name}"), orjson.dumps(message))
    for depth in DEPTHS:
        if face.topics.get(key(f"orderbook.{depth}.{name}")):
            message = book_message(face, symbol, depth=depth, kind="snapshot")
            face.cast(key(f"orderbook.{depth}.{name}"), orjson.dumps(message))
    for interval, timeframe_s in INTERVALS.items():
        if face.topics.get(key(f"kline.{interval}.{name}")):
            _cast_candles(face, symbol, interval=interval, timeframe_s=timeframe_s)


def _cast_candles(face: "BybitFace", symbol: str, *, interval: str, timeframe_s: int) -> None:
    """The running bar; with the first tick of a new one also the finished one, marked as such."""
    at_ms = face.market.quotes[symbol].at_ms
    since = at_ms - timeframe_s * 1000
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=since, end_ms=at_ms, limit=2)
    is_fresh = at_ms // 1000 % timeframe_s == 0
    topic = f"kline.{interval}.{NAMES[symbol]}"
    for candle in candles if is_fresh else candles[-1:]:
        row = {
            "start": candle.open_ms,
            "end": candle.open_ms + timeframe_s * 1000 - 1,
            "interval": interval,
            "open": f"{candle.open:.10g}",
            "close": f"{candle.close:.10g}",
            "high": f"{candle.high:.10g}",
            "low": f"{candle.low:.10g}",
            "volume": f"{candle.volume:.10g}",
            "turnover": f"{candle.volume * candle.close:.4f}",
            "confirm": candle.is_closed,
            "timestamp": at_ms,
        }
        face.cast(
            key_of(category_of(symbol), topic),
            orjson.dumps({"type": "snapshot", "topic": topic, "data": [row], "ts": at_ms}),
        )
