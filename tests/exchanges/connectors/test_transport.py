"""What a broken connection means: nothing was sent, or nobody knows. Against a server that misbehaves on purpose."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.exchanges.connectors import transport as module
from apps.exchanges.connectors.transport import HttpTransport, Prepared, Response
from cts.domain.errors import AmbiguousResult, Unavailable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Used: 7\r\n\r\nok"
GET = Prepared("GET", "/read?a=1", b"", {"X-Key": "k"})
POST = Prepared("POST", "/write", b'{"a":1}', {"Content-Type": "application/json"})
Act = Callable[["Peer", socket.socket], None]


class Peer:
    """What it does on each connection is the next act of its script."""

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.requests: list[bytes] = []
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/prefix"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self.acts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(self.acts.pop(0), connection), daemon=True).start()

    def _serve(self, act: Act, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            act(self, connection)

    def read(self, connection: socket.socket) -> bytes:
        """One whole request."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def close(self) -> None:
        self.acts.clear()
        self._listener.close()


def answer(times: int = 1, *, then: float = 0.0) -> Act:
    def act(peer: Peer, connection: socket.socket) -> None:
        for _ in range(times):
            if not peer.read(connection):
                return
            connection.sendall(OK)
        time.sleep(then)

    return act


def send_raw(data: bytes, *, hold_s: float = 0.0) -> Act:
    def act(peer: Peer, connection: socket.socket) -> None:
        peer.read(connection)
        connection.sendall(data)
        time.sleep(hold_s)

    return act


def close_unread(peer: Peer, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def close_after_read(peer: Peer, connection: socket.socket) -> None:
    peer.read(connection)


def hang(peer: Peer, connection: socket.socket) -> None:
    peer.read(connection)
    time.sleep(1.0)


@pytest.fixture
def peer_of() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def make(*acts: Act) -> Peer:
        peers.append(Peer(*acts))
        return peers[-1]

    yield make
    for peer in peers:
        peer.close()


def transport_to(peer: Peer, **options: float) -> HttpTransport:
    return HttpTransport(peer.url, timeout_s=options.pop("timeout_s", 0.3), **options)


def test_request_leaves_as_prepared(peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(answer())
    response = transport_to(peer).send(POST, is_write=True)
    assert response == Response(200, {"content-length": "2", "x-used": "7"}, b"ok")
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /prefix/write HTTP/1.1"
    assert b"Content-Type: application/json" in head
    assert f"Host: 127.0.0.1:{peer.port}".encode() in head
    assert body == POST.body


def test_socket_is_kept_and_used_again(peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(answer(5))
    transport = transport_to(peer)
    for _ in range(5):
        transport.send(GET, is_write=False)
    assert (peer.accepted, len(peer.requests)) == (1, 5)


def test_chunked_and_unsized_answers_are_read_whole(peer_of: Callable[..., Peer]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    unsized = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"
    peer = peer_of(send_raw(chunked), send_raw(unsized))
    transport = transport_to(peer)
    assert transport.send(GET, is_write=False).body == b"abcde"
    time.sleep(0.05)
    assert transport.send(GET, is_write=False).body == b"abcde"


@pytest.mark.parametrize("is_write", [False, True])
def test_refused_connection_means_nothing_was_sent(is_write: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable):
        HttpTransport(f"http://127.0.0.1:{port}").send(POST, is_write=is_write)


BREAKS: dict[str, Act] = {
    "closed unread": close_unread,
    "closed after reading": close_after_read,
    "half a head": send_raw(b"HTTP/1.1 200 OK\r\nConte"),
    "half a body": send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    "half a chunk": send_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc"),
    "no HTTP at all": send_raw(b"SSH-2.0-OpenSSH_9\r\n\r\n"),
    "timed out": hang,
    "stalled in the body": send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hold_s=1.0),
}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_write_is_ambiguous_and_a_broken_read_only_unavailable(name: str, peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(BREAKS[name], BREAKS[name])
    with pytest.raises(AmbiguousResult):
        transport_to(peer, timeout_s=0.2).send(POST, is_write=True)
    with pytest.raises(Unavailable):
        transport_to(peer, timeout_s=0.2).send(GET, is_write=False)
    assert peer.accepted == 2


def test_kept_socket_that_was_closed_is_noticed_before_a_write(peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(answer(), answer())
    transport = transport_to(peer)
    transport.send(GET, is_write=False)
    time.sleep(0.1)  # the peer has closed its end meanwhile
    assert transport.send(POST, is_write=True).status == 200
    assert peer.accepted == 2
    assert len(peer.requests) == 2


def test_read_on_a_socket_that_closes_under_it_is_repeated_once(peer_of: Callable[..., Peer]) -> None:
    def answer_then_drop(peer: Peer, connection: socket.socket) -> None:
        answer()(peer, connection)
        peer.read(connection)

    peer = peer_of(answer_then_drop, answer())
    transport = transport_to(peer)
    transport.send(GET, is_write=False)
    assert transport.send(GET, is_write=False).status == 200
    assert len(peer.requests) == 3


def test_write_on_a_socket_that_closes_under_it_is_ambiguous_and_sent_once(peer_of: Callable[..., Peer]) -> None:
    def answer_then_drop(peer: Peer, connection: socket.socket) -> None:
        answer()(peer, connection)
        peer.read(connection)

    peer = peer_of(answer_then_drop, answer())
    transport = transport_to(peer)
    transport.send(GET, is_write=False)
    with pytest.raises(AmbiguousResult):
        transport.send(POST, is_write=True)
    assert sum(b"POST" in request for request in peer.requests) == 1
    assert peer.accepted == 1


def test_timed_out_read_is_not_repeated(peer_of: Callable[..., Peer]) -> None:
    def answer_then_hang(peer: Peer, connection: socket.socket) -> None:
        answer()(peer, connection)
        hang(peer, connection)

    peer = peer_of(answer_then_hang, answer())
    transport = transport_to(peer, timeout_s=0.2)
    transport.send(GET, is_write=False)
    with pytest.raises(Unavailable, match="timed out"):
        transport.send(GET, is_write=False)
    assert peer.accepted == 1


def test_idle_socket_is_given_up_before_the_venue_does(peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(answer(then=0.3), answer())
    transport = HttpTransport(peer.url, timeout_s=1, idle_max_s=0.05)
    transport.send(GET, is_write=False)
    time.sleep(0.1)
    transport.send(POST, is_write=True)
    assert peer.accepted == 2


def test_answer_longer_than_allowed_is_refused(peer_of: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_MAX", 1)
    peer = peer_of(answer(), send_raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            transport_to(peer).send(GET, is_write=False)


def test_line_break_in_a_header_never_leaves(peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(answer())
    with pytest.raises(ValueError, match="line break"):
        transport_to(peer).send(Prepared("GET", "/", b"", {"X-Key": "a\r\nX-Evil: 1"}), is_write=False)
    assert peer.requests == []


def test_errors_carry_no_part_of_the_request(peer_of: Callable[..., Peer]) -> None:
    secret = Prepared("GET", "/read?signature=topsecret", b"", {"X-Key": "topsecret"})
    for act in BREAKS.values():
        with pytest.raises(Unavailable) as caught:
            transport_to(peer_of(act), timeout_s=0.1).send(secret, is_write=False)
        assert "topsecret" not in repr(caught.value) + str(caught.value)


def test_plain_request_goes_through_the_proxy(peer_of: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = peer_of(answer())
    monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "")
    HttpTransport("http://venue.example:81/x").send(GET, is_write=False)
    head = proxy.requests[0]
    assert head.startswith(b"GET http://venue.example:81/x/read?a=1 HTTP/1.1")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in head


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "other,127.0.0.1"])
def test_no_proxy_goes_straight(peer_of: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch, exempt: str) -> None:
    peer = peer_of(answer())
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert transport_to(peer).send(GET, is_write=False).status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-out",
        cert,
        "-days",
        "2",
    ]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    return cert, key


def serve_tls(certificate: tuple[Path, Path]) -> Act:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def act(peer: Peer, connection: socket.socket) -> None:
        with context.wrap_socket(connection.dup(), server_side=True) as secured:
            peer.read(secured)
            secured.sendall(OK)

    return act


def tunnel(certificate: tuple[Path, Path]) -> Act:
    def act(peer: Peer, connection: socket.socket) -> None:
        peer.read(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        serve_tls(certificate)(peer, connection)

    return act


def test_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(
    peer_of: Callable[..., Peer], certificate: tuple[Path, Path]
) -> None:
    peer = peer_of(serve_tls(certificate))
    with pytest.raises(Unavailable, match="SSL"):
        HttpTransport(f"https://localhost:{peer.port}").send(POST, is_write=True)
    assert peer.requests == []


def test_tls_goes_through_the_proxy_by_connect(
    peer_of: Callable[..., Peer], certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module._TLS, "context", ssl.create_default_context(cafile=certificate[0]))
    proxy = peer_of(tunnel(certificate))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "")
    response = HttpTransport("https://localhost:8443/base").send(POST, is_write=True)
    assert response.body == b"ok"
    assert proxy.requests[0].startswith(b"CONNECT localhost:8443 HTTP/1.")
    assert proxy.requests[1].startswith(b"POST /base/write HTTP/1.1")


def test_threads_share_the_pool_and_never_a_socket(peer_of: Callable[..., Peer]) -> None:
    peer = peer_of(*[answer(100)] * 4)
    transport = transport_to(peer, timeout_s=5)
    done: list[bytes] = []

    def work() -> None:
        for _ in range(25):
            done.append(transport.send(GET, is_write=False).body)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert done == [b"ok"] * 100
    assert len(peer.requests) == 100
    assert peer.accepted <= 4
