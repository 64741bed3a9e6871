"""Binance's sockets of spot: which streams there are, and the websocket API for the account's events."""

import hmac
from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.binance.market import INTERVALS
from apps.exchanges.paper.binance.spot_rows import SPOT_SYMBOLS
from apps.exchanges.paper.websocket import Socket, text_frame

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

# Streams of spot and of the perpetuals have the same names.
SPOT = "spot:"
SUBSCRIBE = "userDataStream.subscribe.signature"
UNSUBSCRIBE = "userDataStream.unsubscribe"


def spot_carried(name: str) -> bool:
    symbol, _, kind = name.partition("@")
    kinds = {"bookTicker", "aggTrade", "trade", "ticker"} | {f"kline_{interval}" for interval in INTERVALS}
    return symbol == symbol.lower() and symbol.upper() in SPOT_SYMBOLS and kind in kinds


class ApiSession:
    """The websocket API, as far as the account's events need it."""

    def __init__(self, face: "BinanceFace", socket: Socket) -> None:
        self.face = face
        self.socket = socket
        socket.on_text = self.received
        socket.on_lost = lambda: face.leave(socket)

    def received(self, raw: str) -> None:
        try:
            message = orjson.loads(raw)
            method, number, params = message["method"], message.get("id"), message.get("params") or {}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self._answer(None, 400, error={"code": -1135, "msg": "Invalid JSON Request"})
            return
        if method == "ping":
            self._answer(number, 200, result={})
        elif method == "time":
            self._answer(number, 200, result={"serverTime": self.face.now_ms()})
        elif method == SUBSCRIBE:
            self._subscribe(number, {str(name): str(value) for name, value in params.items()})
        elif method == UNSUBSCRIBE:
            for member in self.face.members.values():
                member.listeners.pop(self.socket, None)
            self._answer(number, 200, result={})
        else:
            self._answer(number, 400, error={"code": -1020, "msg": "This operation is not supported."})

    def _subscribe(self, number: object, params: dict[str, str]) -> None:
        member = self.face.members.get(params.get("apiKey", ""))
        text = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        stamp, now_ms = params.get("timestamp", ""), self.face.now_ms()
        if member is None:
            error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        elif not hmac.compare_digest(member.signature(text), params.get("signature", "")):
            error = {"code": -1022, "msg": "Signature for this request is not valid."}
        elif not stamp.isdigit() or not now_ms - int(params.get("recvWindow", "5000")) <= int(stamp) < now_ms + 1000:
            error = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        else:
            member.listeners[self.socket] = {"spot-user"}
            self._answer(number, 200, result={"subscriptionId": 0})
            return
        self._answer(number, 400, error=error)

    def _answer(self, number: object, status: int, **told: object) -> None:
        limits = [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 2}
        ]
        body = {"id": number, "status": status, **told, "rateLimits": limits}
        self.socket.send(text_frame(orjson.dumps(body)))
