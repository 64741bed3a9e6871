"""One server-side websocket: handshake, control frames and reading by the websockets library, text frames made once for
all readers of a topic."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol

# A reader this far behind is not coming back; venues cut it off too.
MAX_BACKLOG = 8_388_608


def text_frame(payload: bytes) -> bytes:
    """An unmasked text frame, as servers send them."""
    return _frame(0x81, payload)


def binary_frame(payload: bytes) -> bytes:
    return _frame(0x82, payload)


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def _nothing(*_: Any) -> None:
    return None


class Socket:
    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.protocol = ServerProtocol(max_size=1_048_576)
        self.on_text: Callable[[str], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self.on_open: Callable[[], None] = _nothing
        # The other end takes leave; what is sent now still reaches it.
        self.on_leave: Callable[[], None] = _nothing
        self.is_open = False
        self.heard_at = time.monotonic()

    def receive(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, HandshakeRequest):
                self.protocol.send_response(self.protocol.accept(event))
                self.is_open = True
                self._flush()
                self.on_open()
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT and self.is_open:
                self.on_text(bytes(event.data).decode())
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE and self.is_open:
                self.on_leave()
        self._flush()

    def send(self, frame: bytes) -> None:
        """Send a frame made by `text_frame` or `binary_frame`."""
        if not self.is_open or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MAX_BACKLOG:
            self.abort()
            return
        self.transport.write(frame)

    def ping(self, payload: bytes = b"") -> None:
        if self.is_open and not self.transport.is_closing():
            self.protocol.send_ping(payload)
            self._flush()

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self.is_open and not self.transport.is_closing():
            self.is_open = False
            self.protocol.send_close(code, reason)
            self._flush()

    def abort(self) -> None:
        """Cut the line without a word, as networks do."""
        self.is_open = False
        self.transport.abort()

    def lost(self) -> None:
        self.is_open = False
        self.on_lost()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()
