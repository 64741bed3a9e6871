"""BingX's spot websocket: the same talk, but pings are messages and the account is told what it subscribed to."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.socket import Session, listening, packed
from apps.exchanges.paper.bingx.spot_rows import SPOT_SYMBOLS
from apps.exchanges.paper.bingx.spot_streams import BALANCE, PREFIX, REPORT, SPOT_KINDS
from apps.exchanges.paper.face import Member
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.websocket import Socket

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace


class SpotSession(Session):
    symbols = SPOT_SYMBOLS
    kinds = SPOT_KINDS
    prefix = PREFIX
    ping = packed(b'{"ping":"2177c68e4d0e45679965f482929b59c2","time":"2026-01-01T00:00:00.000+0800"}')

    def __init__(self, face: "BingxFace", socket: Socket, *, member: Member | None) -> None:
        super().__init__(face, socket)
        self.member = member

    def _change(self, verb: str, topic: str) -> tuple[int, str]:
        if topic not in (REPORT, BALANCE):
            return super()._change(verb, topic)
        if self.member is None:
            return 100403, "AUTHORIZATION_FAIL"
        wanted = self.member.listeners.setdefault(self.socket, set())
        if verb == "unsub":
            wanted.discard(topic)
        else:
            wanted.add(topic)
        return 0, ""


def open_spot_session(face: "BingxFace", request: Request, socket: Socket) -> bool:
    member, is_welcome = listening(face, request)
    if is_welcome:
        face.sessions[socket] = SpotSession(face, socket, member=member)
        if member is not None:
            member.listeners[socket] = set()
    return is_welcome
