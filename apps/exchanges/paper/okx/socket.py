"""OKX's websockets: public channels, private ones after login, candles and conditional orders on a path of their own."""

import hmac
from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.face import Member
from apps.exchanges.paper.okx.holdings import balance_row, position_rows, ticker_row
from apps.exchanges.paper.okx.listing import NAMES, SYMBOLS
from apps.exchanges.paper.okx.market import BARS, book_row, candle_row, funding_row, mark_row, trade_rows
from apps.exchanges.paper.okx.rows import Row
from apps.exchanges.paper.okx.user_stream import topic
from apps.exchanges.paper.websocket import Socket, text_frame

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

PATHS = {f"/ws/v5/{kind}": kind for kind in ("public", "private", "business")}
PUBLIC = frozenset({"tickers", "trades", "bbo-tbt", "books", "books5", "mark-price", "funding-rate"})
PRIVATE = {
    "private": frozenset({"orders", "positions", "account"}),
    "business": frozenset({"orders-algo", "algo-advance"}),
    "public": frozenset[str](),
}
TYPES = ("SWAP", "SPOT", "ANY")
LOGIN_WINDOW_S = 30
PONG = text_frame(b"pong")


class Session:
    """One socket: who it is, what it wants."""

    def __init__(self, face: "OkxFace", socket: Socket, *, kind: str) -> None:
        self.face = face
        self.socket = socket
        self.kind = kind
        self.member: Member | None = None
        self.id = f"{id(socket):08x}"[-8:]
        socket.on_text = self.received
        socket.on_lost = lambda: face.leave(socket)

    def _send(self, row: Row) -> None:
        self.socket.send(text_frame(orjson.dumps(row)))

    def _refuse(self, code: int, message: str) -> None:
        self._send({"event": "error", "code": str(code), "msg": message, "connId": self.id})

    def received(self, raw: str) -> None:
        if raw == "ping":
            self.socket.send(PONG)
            return
        try:
            message = orjson.loads(raw)
            operation, arguments = message.get("op"), message.get("args")
        except (orjson.JSONDecodeError, AttributeError):
            self._refuse(60012, f"Invalid request: {raw[:200]}")
            return
        if not isinstance(arguments, list) or not all(isinstance(entry, dict) for entry in arguments):
            self._refuse(60012, f"Invalid request: {raw[:200]}")
        elif operation == "login":
            self._login(arguments[0] if arguments else {})
        elif operation in ("subscribe", "unsubscribe"):
            for entry in arguments:
                self._subscribe(operation, {str(name): str(value) for name, value in entry.items()})
        else:
            self._refuse(60012, f"Invalid request: {raw[:200]}")

    def _login(self, told: Row) -> None:
        key, stamp = str(told.get("apiKey", "")), str(told.get("timestamp", ""))
        member = self.face.members.get(key)
        if member is None:
            self._login_refused(60005, "Invalid apiKey")
            return
        if not stamp.isdigit() or abs(int(stamp) - self.face.now_ms() // 1000) > LOGIN_WINDOW_S:
            self._login_refused(60006, "Timestamp request expired")
            return
        wanted = self.face.signature(member, f"{stamp}GET/users/self/verify")
        if not hmac.compare_digest(wanted.encode(), str(told.get("sign", "")).encode()):
            self._login_refused(60007, "Invalid sign")
            return
        if str(told.get("passphrase", "")) != member.passphrase:
            self._login_refused(60024, "Wrong passphrase")
            return
        self.member = member
        member.listeners.setdefault(self.socket, set())
        self._send({"event": "login", "code": "0", "msg": "", "connId": self.id})

    def _login_refused(self, code: int, message: str) -> None:
        self._refuse(code, message)
        self.socket.close(1000, "login failed")

    def _subscribe(self, operation: str, arg: dict[str, str]) -> None:
        channel = arg.get("channel", "")
        if self._is_public(channel):
            if arg.get("instId", "") not in SYMBOLS:
                self._refuse(60018, f"Wrong URL or channel:{channel},instId:{arg.get('instId', '')} doesn't exist.")
                return
        elif channel not in PRIVATE[self.kind] or (channel != "account" and arg.get("instType") not in TYPES):
            self._refuse(60018, f"Wrong URL or channel:{channel},instId:{arg.get('instId', '')} doesn't exist.")
            return
        elif self.member is None:
            self._refuse(60011, "Please log in")
            return
        self._send({"event": operation, "arg": arg, "connId": self.id})
        self._set(operation, arg)

    def _is_public(self, channel: str) -> bool:
        if self.kind == "business":
            return channel.removeprefix("candle") in BARS and channel.startswith("candle")
        return self.kind == "public" and channel in PUBLIC

    def _set(self, operation: str, arg: dict[str, str]) -> None:
        channel, name = arg["channel"], arg.get("instId", "")
        if self.member is not None and channel in PRIVATE[self.kind]:
            key = topic(channel, kind="" if channel == "account" else arg.get("instType", ""), name=name)
            topics = self.member.listeners[self.socket]
            topics.add(key) if operation == "subscribe" else topics.discard(key)
            if operation == "subscribe":
                self._snapshot(self.member, arg)
            return
        listeners = self.face.topics[topic(channel, name=name)]
        if operation == "unsubscribe":
            listeners.discard(self.socket)
            return
        listeners.add(self.socket)
        for message in messages(self.face, channel, SYMBOLS[name], kind="snapshot"):
            self._send(message)

    def _snapshot(self, member: Member, arg: dict[str, str]) -> None:
        """Positions and balance are told at once; orders only as they change."""
        account, venue = member.account, self.face.venue
        if arg["channel"] == "positions":
            rows = position_rows(account, venue=venue, symbol=SYMBOLS.get(arg.get("instId", "")))
        elif arg["channel"] == "account":
            rows = [balance_row(account, venue=venue, now_ms=self.face.now_ms())]
        else:
            return
        self._send({"arg": arg | {"uid": str(account.number)}, "eventType": "snapshot", "data": rows})


def messages(face: "OkxFace", channel: str, symbol: str, *, kind: str = "") -> list[Row]:
    """What a public channel says of the newest quote."""
    quote, arg = face.market.quotes[symbol], {"channel": channel, "instId": NAMES[symbol]}
    if channel == "tickers":
        data: list[object] = [ticker_row(symbol, market=face.market, day=face.market.day(symbol))]
    elif channel == "trades":
        data = [row | {"count": "1", "seqId": quote.at_ms} for row in trade_rows(face, symbol, limit=1)]
    elif channel in ("bbo-tbt", "books5"):
        depth = 1 if channel == "bbo-tbt" else 5
        data = [book_row(face, symbol, depth=depth) | {"seqId": quote.at_ms}]
    elif channel == "books":
        # Every change is told as a fresh snapshot, which the venue may do at any time.
        row = book_row(face, symbol, depth=50) | {"seqId": quote.at_ms, "prevSeqId": -1}
        return [{"arg": arg, "action": "snapshot", "data": [row]}]
    elif channel == "mark-price":
        data = [mark_row(face, symbol)]
    elif channel == "funding-rate":
        data = [funding_row(face, symbol)]
    else:
        rows = _candles(face, symbol, channel.removeprefix("candle"), is_first=kind == "snapshot")
        return [{"arg": arg, "data": [row]} for row in rows]
    return [{"arg": arg, "data": data}]


def _candles(face: "OkxFace", symbol: str, bar: str, *, is_first: bool) -> list[list[str]]:
    """The running bar; with the first tick of a new one also the finished one, marked as such."""
    at_ms, timeframe_s = face.market.quotes[symbol].at_ms, BARS[bar]
    since = at_ms - timeframe_s * 1000
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=since, end_ms=at_ms, limit=2)
    is_fresh = at_ms // 1000 % timeframe_s == 0 and not is_first
    return [candle_row(candle, symbol) for candle in (candles if is_fresh else candles[-1:])]


def broadcast(face: "OkxFace", symbol: str) -> None:
    for key, sockets in list(face.topics.items()):
        channel, _, name = key.split("|")
        if sockets and name == NAMES[symbol]:
            for message in messages(face, channel, symbol):
                face.cast(key, orjson.dumps(message))
