"""Binance's websockets: named streams by path or by SUBSCRIBE, raw or combined, and the user stream of a listen key."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson

from apps.exchanges.paper.binance.market import INTERVALS
from apps.exchanges.paper.binance.rows import SYMBOLS
from apps.exchanges.paper.binance.spot_socket import SPOT, ApiSession, spot_carried
from apps.exchanges.paper.http import Request
from apps.exchanges.paper.websocket import Socket, text_frame

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

BOOK_KINDS = frozenset({"bookTicker", "depth", "depth5", "depth10", "depth20"})
MARKET_KINDS = frozenset({"aggTrade", "trade", "ticker", "miniTicker", "markPrice"}) | {f"kline_{i}" for i in INTERVALS}
ALL_MARKETS = frozenset({"!bookTicker", "!ticker@arr", "!miniTicker@arr", "!markPrice@arr", "!markPrice@arr@1s"})
COMBINED = "combined:"


class Session:
    """One socket. Which kinds of streams it may carry depends on the path it came by; the plain path carries all."""

    def __init__(self, face: "BinanceFace", socket: Socket, *, route: str, is_combined: bool) -> None:
        self.face = face
        self.socket = socket
        self.route = route
        self.is_combined = is_combined
        self.names: list[str] = []
        socket.on_text = self.received
        socket.on_lost = lambda: face.leave(socket)

    def received(self, raw: str) -> None:
        try:
            message = orjson.loads(raw)
            method, request_id = message["method"], message.get("id")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self._send({"code": 2, "msg": "Invalid request: unable to parse"})
            return
        names = [str(name) for name in message.get("params") or []]
        if method == "SUBSCRIBE":
            self.subscribe(names)
        elif method == "UNSUBSCRIBE":
            self.unsubscribe(names)
        elif method == "LIST_SUBSCRIPTIONS":
            self._send({"result": self.names, "id": request_id})
            return
        else:
            self._send({"error": {"code": 2, "msg": f"Invalid request: unknown variant {method}"}, "id": request_id})
            return
        self._send({"result": None, "id": request_id})

    def _send(self, row: object) -> None:
        self.socket.send(text_frame(orjson.dumps(row)))

    def subscribe(self, names: list[str]) -> None:
        """Names nobody knows, or that don't belong on this path, are taken without a word and stay silent."""
        for name in names:
            member = next((m for m in self.face.members.values() if m.listen_key and m.listen_key == name), None)
            if member is not None and self.route in ("", "private"):
                member.listeners[self.socket] = {"user"}
                self.names.append(name)
            elif spot_carried(name) if self.route == "spot" else is_carried(name, self.route):
                self.face.topics[self._topic(name)].add(self.socket)
                self.names.append(name)

    def unsubscribe(self, names: list[str]) -> None:
        for name in names:
            self.face.topics[self._topic(name)].discard(self.socket)
            if name in self.names:
                self.names.remove(name)

    def _topic(self, name: str) -> str:
        name = f"{SPOT}{name}" if self.route == "spot" else name
        return f"{COMBINED}{name}" if self.is_combined else name


def is_carried(name: str, route: str) -> bool:
    symbol, _, kind = name.partition("@")
    if name in ALL_MARKETS:
        return route in ("", "public" if "bookTicker" in name else "market")
    base = kind.partition("@")[0]
    if symbol.upper() not in SYMBOLS or symbol != symbol.lower():
        return False
    return (base in BOOK_KINDS and route in ("", "public")) or (base in MARKET_KINDS and route in ("", "market"))


def open_session(face: "BinanceFace", request: Request, socket: Socket) -> bool:
    """`[/public|/market|/private|/spot]/ws[/name/name]`, or `/stream?streams=name/name`; or the websocket API.

    Spot's streams have a host of their own at the venue, and a path of their own here.
    """
    parts = request.path.strip("/").split("/")
    if parts[:2] == ["ws-api", "v3"]:
        ApiSession(face, socket)
        return True
    route = parts.pop(0) if parts[0] in ("public", "market", "private", "spot") else ""
    if not parts or parts[0] not in ("ws", "stream"):
        return False
    query = parse_qs(request.query)
    names = [name for name in parts[1:] if name]
    names += [name for value in query.get("streams", []) for name in value.split("/") if name]
    names += query.get("listenKey", [])
    session = Session(face, socket, route=route, is_combined=parts[0] == "stream")
    socket.on_open = lambda: session.subscribe(names)
    return True
