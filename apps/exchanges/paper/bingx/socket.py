"""BingX's websocket: packed frames, a ping that is a message, one topic a subscription; with a listen key, the account."""

import gzip
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson

from apps.exchanges.paper.bingx.rows import SYMBOLS
from apps.exchanges.paper.bingx.streams import KINDS
from apps.exchanges.paper.face import Member
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.websocket import Socket, binary_frame

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

TOPICS_MAX = 200
PONG_WITHIN_S = 30.0


def packed(body: bytes) -> bytes:
    return binary_frame(gzip.compress(body, compresslevel=1))


PING = packed(b"Ping")


class Session:
    symbols = SYMBOLS
    kinds = KINDS
    # Before the topics of a market whose names are those of another one.
    prefix = ""
    ping = PING

    def __init__(self, face: "BingxFace", socket: Socket) -> None:
        self.face = face
        self.socket = socket
        self.topics: set[str] = set()
        self.pong_at = time.monotonic()
        socket.on_text = self.received
        socket.on_lost = self.lost

    def lost(self) -> None:
        self.face.leave(self.socket)
        self.face.sessions.pop(self.socket, None)

    def received(self, raw: str) -> None:
        """What isn't a subscription is left unanswered."""
        if raw == "Pong":
            self.pong_at = time.monotonic()
            return
        try:
            message = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return
        if isinstance(message, dict) and "pong" in message:
            self.pong_at = time.monotonic()
        if not isinstance(message, dict) or not isinstance(topic := message.get("dataType"), str):
            return
        code, reason = self._change(str(message.get("reqType", "sub")), topic)
        answer = {"id": str(message.get("id", "")), "code": code, "msg": reason, "dataType": "", "data": None}
        self.socket.send(packed(orjson.dumps(answer)))

    def _change(self, verb: str, topic: str) -> tuple[int, str]:
        name, _, kind = topic.partition("@")
        if not self.is_known(name, kind):
            return 80015, "dataType not support"
        if verb == "unsub":
            self.topics.discard(topic)
            self.face.topics[self.prefix + topic].discard(self.socket)
            return 0, ""
        if topic not in self.topics and len(self.topics) >= TOPICS_MAX:
            return 80403, f"your topic num over max {TOPICS_MAX}"
        self.topics.add(topic)
        self.face.topics[self.prefix + topic].add(self.socket)
        return 0, ""

    def is_known(self, name: str, kind: str) -> bool:
        return name in self.symbols and kind in self.kinds

    def second(self, *, is_ping: bool) -> None:
        if time.monotonic() - self.pong_at > PONG_WITHIN_S:
            self.socket.abort()
        elif is_ping:
            self.socket.send(self.ping)


def listening(face: "BingxFace", request: Request) -> tuple[Member | None, bool]:
    """Whose listen key the address ends in, and whether it is one."""
    keys = parse_qs(request.query).get("listenKey", [])
    member = next((m for m in face.members.values() if m.listen_key and [m.listen_key] == keys), None)
    return member, bool(member or not keys)


def open_session(face: "BingxFace", request: Request, socket: Socket) -> bool:
    member, is_welcome = listening(face, request)
    if not is_welcome:
        return False
    face.sessions[socket] = Session(face, socket)
    if member is not None:
        member.listeners[socket] = {"user"}
    return True
