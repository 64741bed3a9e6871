"""Pionex's websockets: one symbol a message, binary frames, a heartbeat the client has to answer."""

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

from apps.exchanges.paper.face import Member, Params
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.pionex.market import ALL_SYMBOLS
from apps.exchanges.paper.pionex.rows import NAMES, SYMBOLS, Row
from apps.exchanges.paper.pionex.spot_rows import SPOT_SYMBOLS
from apps.exchanges.paper.pionex.streams import BOOK, DEPTH, DEPTH_MAX, INDEX, TRADE, first_message, is_of, key
from apps.exchanges.paper.pionex.user_stream import SPOT_BALANCE
from apps.exchanges.paper.websocket import Socket, binary_frame

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

SPOT_PATH = "/ws"
PUBLIC = frozenset({TRADE, DEPTH, BOOK, INDEX})
OF_SYMBOLS, OF_ACCOUNT = frozenset({"ORDER", "FILL", "POSITION"}), frozenset({"BALANCE", "RISK"})
WINDOW_MS = 20_000
MESSAGES_PER_S = 5
PONGS_MISSED_MAX = 3


class Session:
    """One socket: who it is, what it wants, whether it still answers."""

    def __init__(self, face: "PionexFace", socket: Socket, *, is_private: bool) -> None:
        self.face = face
        self.socket = socket
        self.is_private = is_private
        self.member: Member | None = None
        self._missed = 0
        self._times: deque[float] = deque(maxlen=MESSAGES_PER_S)
        socket.on_text = self.received
        socket.on_lost = lambda: face.leave(socket)
        socket.on_leave = lambda: self.send({"op": "CLOSE", "timestamp": face.now_ms(), "note": "closed by yourself"})

    def send(self, row: Row) -> None:
        self.socket.send(binary_frame(orjson.dumps(row)))

    def ping(self, *, now_ms: int) -> None:
        if self._missed >= PONGS_MISSED_MAX:
            self.socket.close(1000, "no pong")
            return
        self._missed += 1
        self.send({"op": "PING", "timestamp": now_ms})

    def received(self, raw: str) -> None:
        if self._is_flooding():
            self._error("TOO_MANY_MESSAGES", f"at most {MESSAGES_PER_S} messages a second")
            self.socket.close(1008, "too many messages")
            return
        try:
            message = orjson.loads(raw)
            op = message["op"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self._error("PARAMETER_ERROR", "invalid message")
            return
        if op == "PONG":
            self._missed = 0
        elif op == "auth" and self.is_private:
            self._auth(message.get("args"))
        elif op in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._subscribe(op, message)
        else:
            self._error("PARAMETER_ERROR", f"invalid op {str(op)[:40]}")

    def _is_flooding(self) -> bool:
        now = time.monotonic()
        is_full = len(self._times) == MESSAGES_PER_S and now - self._times[0] < 1.0
        self._times.append(now)
        return is_full

    def _error(self, code: str, text: str) -> None:
        self.send({"type": "ERROR", "code": code, "message": text})

    def _auth(self, args: Any) -> None:
        key_, stamp, signature = args if isinstance(args, list) and len(args) == 3 else ("", 0, "")
        self.log_in(str(key_), stamp=stamp, signed=f"{stamp}websocket_auth", signature=str(signature))

    def log_in(self, key_: str, *, stamp: object, signed: str, signature: str) -> None:
        member = self.face.members.get(key_)
        if member is None:
            self._error("INVALID_APIKEY", "invalid api key")
        elif not isinstance(stamp, int) or abs(stamp - self.face.now_ms()) > WINDOW_MS:
            self._error("INVALID_TIMESTAMP", "invalid timestamp")
        elif member.signature(signed) != signature:
            self._error("INVALID_SIGNATURE", "invalid signature")
        else:
            self.member = member
            member.listeners.setdefault(self.socket, set())

    def _subscribe(self, op: str, message: Row) -> None:
        topic, name, limit = str(message.get("topic")), message.get("symbol"), message.get("limit", 0)
        if self.is_private and self.member is None:
            self._error("APIKEY_LOST", "log in first")
        elif not self._is_known(topic, name):
            self._error("PARAMETER_ERROR", f"invalid topic {topic[:40]} or symbol")
        elif topic == DEPTH and op == "SUBSCRIBE" and (type(limit) is not int or not 1 <= limit <= DEPTH_MAX):
            self._error("PARAMETER_ERROR", "invalid limit")
        else:
            told = {"symbol": name} if name else {}
            self.send({"type": f"{op}D", "topic": topic, **told})
            self._set(op, topic, name, limit)

    def _is_known(self, topic: str, name: object) -> bool:
        if not self.is_private:
            return topic in PUBLIC and name in (SYMBOLS if topic == INDEX else ALL_SYMBOLS)
        return topic in OF_ACCOUNT or (topic in OF_SYMBOLS and (name == "ALL" or name in SYMBOLS))

    def _set(self, op: str, topic: str, name: Any, limit: int) -> None:
        if self.member is not None:
            wanted = self.member.listeners[self.socket]
            topics = self._topics(topic, name)
            self.member.listeners[self.socket] = wanted | topics if op == "SUBSCRIBE" else wanted - topics
        elif op == "SUBSCRIBE":
            if (first := first_message(self.face, topic, ALL_SYMBOLS[name], limit=limit)) is not None:
                self.send(first)
            self.face.topics[key(topic, name, limit=limit)].add(self.socket)
        else:
            for known, readers in list(self.face.topics.items()):
                if is_of(known, topic, name):
                    readers.discard(self.socket)

    def _topics(self, topic: str, name: str) -> set[str]:
        if topic in OF_ACCOUNT:
            return {topic}
        return {key(topic, one) for one in (NAMES.values() if name == "ALL" else [name])}


class SpotSession(Session):
    """Of a spot account: the login is in the address, and no name stands for all symbols.

    How a refused login is told isn't documented: as the other socket tells it.
    """

    def __init__(self, face: "PionexFace", socket: Socket, *, terms: Params) -> None:
        super().__init__(face, socket, is_private=True)
        key_, stamp = terms.get("key", ""), terms.get("timestamp", "")
        self.log_in(
            key_,
            stamp=int(stamp) if stamp.isascii() and stamp.isdigit() else None,
            signed=f"{SPOT_PATH}?key={key_}&timestamp={stamp}websocket_auth",
            signature=terms.get("signature", ""),
        )

    def _is_known(self, topic: str, name: object) -> bool:
        return topic == "BALANCE" or (topic in ("ORDER", "FILL") and name in SPOT_SYMBOLS)

    def _topics(self, topic: str, name: str) -> set[str]:
        return {SPOT_BALANCE if topic == "BALANCE" else key(topic, name)}


def session_at(face: "PionexFace", request: Request, socket: Socket) -> Session | None:
    if request.path == SPOT_PATH:
        return SpotSession(face, socket, terms=request.query_pairs())
    is_private = {"/wsPub": False, "/wsUA": True}.get(request.path)
    return None if is_private is None else Session(face, socket, is_private=is_private)
