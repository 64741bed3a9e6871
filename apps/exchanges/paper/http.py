"""A strict HTTP/1.1 server connection on asyncio, with an upgrade to websocket. No routing, no exchange."""

import asyncio
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, unquote

import msgspec
import orjson

from apps.exchanges.paper.websocket import Socket

logger = logging.getLogger(__name__)

MAX_HEAD = 65_536
MAX_BODY = 1_048_576
JSON = "application/json"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    peer: str = ""

    def query_pairs(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))


class Response(msgspec.Struct, kw_only=True):
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}

    def encode(self, *, is_last: bool) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", f"Content-Length: {len(self.body)}"]
        if "Content-Type" not in self.headers:
            lines.append(f"Content-Type: {JSON}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append("Connection: close" if is_last else "Connection: keep-alive")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def json_response(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status=status, body=orjson.dumps(value), headers=headers or {})


class Application(Protocol):
    def answer(self, request: Request) -> "Response | Awaitable[Response | None] | None":
        """None drops the connection without a byte."""

    def connect(self, request: Request, socket: Socket) -> bool:
        """Take a websocket; False refuses the upgrade with 404."""


class BadRequest(Exception):
    """Bytes that are not HTTP as we take it."""


class Connection(asyncio.Protocol):
    def __init__(self, application: Application) -> None:
        self.application = application
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.socket: Socket | None = None
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task:
            self.task.cancel()
        if self.socket:
            self.socket.lost()

    def eof_received(self) -> bool:
        return False

    def data_received(self, data: bytes) -> None:
        if self.socket:
            self.socket.receive(data)
            return
        self.buffer += data
        if self.task is None:
            self._serve()

    def _serve(self) -> None:
        """Answer whole requests in the buffer, one after the other; a slow answer stops here until it is given."""
        assert self.transport is not None
        while self.buffer and not self.transport.is_closing():
            try:
                found = parse(self.buffer, peer=str(self.transport.get_extra_info("peername")))
            except BadRequest as error:
                self.transport.write(Response(status=400, body=str(error).encode()).encode(is_last=True))
                self.transport.close()
                return
            if found is None:
                return
            request, size = found
            head = bytes(self.buffer[:size])
            del self.buffer[:size]
            if request.headers.get("upgrade", "").lower() == "websocket":
                self._upgrade(request, head)
                return
            answer = self._answer(request)
            if isinstance(answer, Response) or answer is None:
                self._send(request, answer)
            else:
                self.task = asyncio.ensure_future(self._later(request, answer))
                return

    def _answer(self, request: Request) -> "Response | Awaitable[Response | None] | None":
        try:
            return self.application.answer(request)
        except Exception:
            logger.exception("paper venue failed on %s %s", request.method, request.path)
            return Response(status=500, body=b"paper venue failed")

    async def _later(self, request: Request, answer: Awaitable[Response | None]) -> None:
        try:
            response = await answer
        except Exception:
            logger.exception("paper venue failed on %s %s", request.method, request.path)
            response = Response(status=500, body=b"paper venue failed")
        self._send(request, response)
        self.task = None
        self._serve()

    def _send(self, request: Request, response: Response | None) -> None:
        assert self.transport is not None
        if response is None:
            self.transport.abort()
            return
        is_last = request.headers.get("connection", "").lower() == "close"
        self.transport.write(response.encode(is_last=is_last))
        if is_last:
            self.transport.close()

    def _upgrade(self, request: Request, head: bytes) -> None:
        assert self.transport is not None
        socket = Socket(self.transport)
        if not self.application.connect(request, socket):
            self.transport.write(Response(status=404).encode(is_last=True))
            self.transport.close()
            return
        self.socket = socket
        socket.receive(head + bytes(self.buffer))


def parse(buffer: bytearray, *, peer: str = "") -> tuple[Request, int] | None:
    """The first whole request in the buffer and its length in bytes; None while it is not all there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise BadRequest("head is too long")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest("request line is malformed")
    headers = _headers(lines)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY:
        raise BadRequest("content-length is not acceptable")
    size = end + 4 + int(length)
    if len(buffer) < size:
        return None
    path, _, query = parts[1].partition("?")
    request = Request(
        method=parts[0], path=unquote(path), query=query, headers=headers, body=bytes(buffer[end + 4 : size]), peer=peer
    )
    return request, size


def _headers(lines: list[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest("header is malformed")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequest("send a content-length")
    return headers
