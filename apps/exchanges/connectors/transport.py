"""HTTP/1.1 over pooled sockets, telling apart "nothing was sent" from "something may have been done"."""

import os
import select
import socket
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from cts.domain.errors import AmbiguousResult, Unavailable

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from ssl import SSLContext

# Venues and the load balancers in front of them close quiet sockets after 15 s and more; ours go first.
IDLE_MAX_S = 12.0
POOL_MAX = 16
BODY_MAX = 64 * 1024 * 1024


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A request as it will be sent, byte for byte: what was signed is what leaves."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


class Response(msgspec.Struct, frozen=True, gc=False):
    """Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    def send(self, request: Prepared, *, is_write: bool) -> Response: ...

    def close(self) -> None: ...


class _Incomplete(Exception):
    """The exchange broke after its first byte."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(_brief(cause))
        self.is_timeout = isinstance(cause, TimeoutError)


class _Idle(msgspec.Struct, gc=False):
    connection: "HTTPConnection"
    since: float


class HttpTransport:
    """One per address, shared by the threads of a process."""

    def __init__(self, base_url: str, *, timeout_s: float = 10.0, idle_max_s: float = IDLE_MAX_S) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("The address of a venue must be http(s)://host[:port][/prefix]")
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._is_tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._host_header = parts.netloc.rpartition("@")[2]
        self._timeout_s = timeout_s
        self._idle_max_s = idle_max_s
        self._proxy = _proxy_for(parts.scheme, self._host)
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []

    def send(self, request: Prepared, *, is_write: bool) -> Response:
        data = self._serialize(request)
        connection = self._take()
        try:
            if connection is not None:
                try:
                    return self._exchange(connection, data, method=request.method)
                except _Incomplete as error:
                    # The other end may have closed just as we reached for it. A read is safe on a fresh socket.
                    if is_write or error.is_timeout:
                        raise
            return self._exchange(self._open(), data, method=request.method)
        except _Incomplete as error:
            kind = AmbiguousResult if is_write else Unavailable
            raise kind(f"{self._host} gave no complete answer: {error}") from None

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for entry in idle:
            entry.connection.close()

    def _serialize(self, request: Prepared) -> bytes:
        target = f"{self._prefix}{request.path}"
        if self._proxy is not None and not self._is_tls:
            target = f"http://{self._host_header}{target}"
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {self._host_header}", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        if self._proxy is not None and not self._is_tls and (token := _proxy_token(self._proxy)):
            lines.append(f"Proxy-Authorization: {token}")
        if request.body or request.method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(request.body)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("A line break in a request line or header")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body

    def _take(self) -> "HTTPConnection | None":
        """The socket used last, unless it sat too long or has something to read, which can only be its end."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                entry = self._idle.pop()
            if time.monotonic() - entry.since <= self._idle_max_s and not _is_readable(entry.connection.sock):
                return entry.connection
            entry.connection.close()

    def _open(self) -> "HTTPConnection":
        # Imported with the first request, like TLS: a process that only builds or parses doesn't pay for them.
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        connection: HTTPConnection
        host, port = (self._host, self._port) if self._proxy is None else (self._proxy.hostname, self._proxy.port or 80)
        if self._is_tls:
            connection = HTTPSConnection(host or "", port, timeout=self._timeout_s, context=_tls_context())
        else:
            connection = HTTPConnection(host or "", port, timeout=self._timeout_s)
        if self._proxy is not None and self._is_tls:
            token = _proxy_token(self._proxy)
            connection.set_tunnel(self._host, self._port, {"Proxy-Authorization": token} if token else None)
        try:
            connection.connect()
        except (OSError, HTTPException) as error:
            connection.close()
            raise Unavailable(f"{self._host} can't be reached: {_brief(error)}") from None
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _exchange(self, connection: "HTTPConnection", data: bytes, *, method: str) -> Response:
        """From the first byte on, a failure leaves open what the venue did."""
        from http.client import HTTPException, HTTPResponse

        try:
            connection.sock.sendall(data)
            answer = HTTPResponse(connection.sock, method=method)
            answer.begin()
            body = _read_body(answer)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            raise _Incomplete(error) from None
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._give(connection)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, headers, body)

    def _give(self, connection: "HTTPConnection") -> None:
        with self._lock:
            if len(self._idle) < POOL_MAX:
                self._idle.append(_Idle(connection, time.monotonic()))
                return
        connection.close()


def _read_body(answer: "HTTPResponse") -> bytes:
    """With a stated length, all of it; `read` without a limit raises on a shorter answer, with one it doesn't."""
    if answer.length is not None and answer.length <= BODY_MAX:
        return answer.read()
    body = answer.read(BODY_MAX + 1)
    if len(body) > BODY_MAX:
        raise ValueError("the answer is too long")
    if not body and answer.length is None and not answer.chunked and answer.status not in (204, 304):
        # The parser takes the end of a connection for the end of the head: this one was cut off in it.
        raise ValueError("the answer ends in its head")
    return body


def _is_readable(sock: socket.socket | None) -> bool:
    if sock is None or sock.fileno() < 0:
        return True
    poller = select.poll()
    poller.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poller.poll(0))


def _brief(error: BaseException) -> str:
    """What went wrong, never what was sent: addresses and headers carry signatures."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "no address was found for this name; check the network and its DNS"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return f"{type(error).__name__} {getattr(error, 'strerror', None) or ''}".strip()


_TLS: dict[str, "SSLContext"] = {}


def _tls_context() -> "SSLContext":
    """One verified context for the process; made at the first connection, since reading the authorities takes time."""
    import ssl

    if "context" not in _TLS:
        _TLS["context"] = ssl.create_default_context()
    return _TLS["context"]


def _proxy_for(scheme: str, host: str) -> SplitResult | None:
    address = os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY")
    if not address or _is_exempt(host):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")


def _is_exempt(host: str) -> bool:
    names = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    for name in (entry.strip().lstrip(".").lower() for entry in names):
        if name == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
    return False


def _proxy_token(proxy: SplitResult) -> str:
    if not proxy.username:
        return ""
    from base64 import b64encode

    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return "Basic " + b64encode(pair.encode()).decode()
