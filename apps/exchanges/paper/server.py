"""One asyncio server for all faces: the tick loop, the routing by slug, the faults on the way in."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import msgspec

from apps.exchanges.paper.binance.face import BinanceFace
from apps.exchanges.paper.bingx.face import BingxFace
from apps.exchanges.paper.bybit.face import BybitFace
from apps.exchanges.paper.control import control
from apps.exchanges.paper.face import Face, Member
from apps.exchanges.paper.faults import Fault, Faults
from apps.exchanges.paper.http import Connection, Request, Response
from apps.exchanges.paper.market import SYMBOLS, Held, Market, MarketClosed
from apps.exchanges.paper.okx.face import OkxFace
from apps.exchanges.paper.pionex.face import PionexFace
from apps.exchanges.paper.store import Store
from apps.exchanges.paper.websocket import Socket
from cts.domain.matching.state import Account, Quote

FACES: tuple[type[Face], ...] = (BybitFace, BinanceFace, BingxFace, OkxFace, PionexFace)
HANG_S = 120.0
MARKET_NOTE = "market"
CANDLE_PATHS = ("/kline", "/klines", "/candles", "/history-candles", "/_history")


class PaperVenue:
    """`run()` serves in this thread until stopped; `start_in_thread()` serves beside the caller, for tests."""

    def __init__(
        self,
        *,
        state_path: Path | str,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 1,
        ticks_per_s: int = 4,
        start_prices: dict[str, float] | None = None,
        is_limited: bool = False,
    ) -> None:
        """`start_prices` makes a quiet market: held there, with a history that leads there, moved only when told."""
        self.host, self.port = host, port
        self.ticks_per_s = ticks_per_s
        self.ticks = 0
        self.store = Store(state_path)
        self.faults = Faults()
        self.market = Market(seed=seed, start_prices=start_prices)
        if noted := self.store.note(MARKET_NOTE):
            self.market.hold(msgspec.json.decode(noted, type=Held))
        self.market.open()
        self._note_market()
        self.faces: dict[str, Face] = {
            kind.slug: kind(market=self.market, store=self.store, faults=self.faults, is_limited=is_limited)
            for kind in FACES
        }
        self._number = 0
        for stored in self.store.load():
            self._number = max(self._number, stored.account.number)
            member = Member(
                api_key=stored.api_key,
                api_secret=stored.api_secret,
                passphrase=stored.passphrase,
                account=stored.account,
            )
            self.faces[stored.exchange].members[stored.api_key] = member
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def run(self) -> None:
        asyncio.run(self._serve())

    def start_in_thread(self) -> str:
        self._thread = threading.Thread(target=self._run_quietly, name="paper-venue", daemon=True)
        self._thread.start()
        self._ready.wait(20)
        if self._failure or not self._ready.is_set():
            raise RuntimeError("The paper venue did not start") from self._failure
        return self.url

    def stop(self) -> None:
        if self._loop and self._stopping and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread:
            self._thread.join(10)

    def _run_quietly(self) -> None:
        try:
            self.run()
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: Connection(self), self.host, self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        ticking = asyncio.create_task(self._tick_forever())
        ticking.add_done_callback(self._ticking_ended)
        self._ready.set()
        try:
            await self._stopping.wait()
        finally:
            ticking.cancel()
            self.market.close()
            server.close()
            for face in self.faces.values():
                for socket in list(face.sockets):
                    socket.close(1001, "going away")
            self.store.close()

    def _ticking_ended(self, task: asyncio.Task[None]) -> None:
        """A market that stands still unseen is worse than none: end the server with the error."""
        if not task.cancelled() and (error := task.exception()):
            self._failure = error
            assert self._stopping is not None
            self._stopping.set()

    async def _tick_forever(self) -> None:
        """Every symbol at every slot, on the wall clock's grid; slots missed under load are skipped, not piled up."""
        per_s = 1 if self.market.is_quiet else self.ticks_per_s
        funded = self.market.next_funding_ms(at_ms=self.market.now_ms())
        slot = self.market.now_ms() * per_s // 1000
        while True:
            slot = max(slot + 1, self.market.now_ms() * per_s // 1000)
            due_ms = -(-slot * 1000 // per_s)
            await asyncio.sleep(max(0.0, (due_ms - self.market.now_ms()) / 1000))
            for symbol in SYMBOLS:
                self.market.next_quote(symbol, at_ms=due_ms, count=per_s)
                self._moved(symbol)
            if due_ms % 1000 < 1000 // per_s:
                self._second(due_ms)
            if due_ms >= funded:
                for face in self.faces.values():
                    face.on_funding(at_ms=funded)
                funded = self.market.next_funding_ms(at_ms=due_ms)

    def _second(self, now_ms: int) -> None:
        for face in self.faces.values():
            face.on_second(now_ms=now_ms)

    def _moved(self, symbol: str) -> None:
        self.ticks += 1
        for face in self.faces.values():
            face.on_quote(symbol)

    def price_set(self, symbol: str, *, price: float | None, mark: float | None = None) -> Quote:
        quote = self.market.pin(symbol, price=price, mark=mark)
        self._note_market()
        self._moved(symbol)
        return quote

    def _note_market(self) -> None:
        self.store.set_note(MARKET_NOTE, msgspec.json.encode(self.market.held))

    def account_ensure(
        self, exchange: str, *, api_key: str, api_secret: str, balance: str, passphrase: str = ""
    ) -> tuple[Member, bool]:
        """The account of this key, made with this deposit when there is none."""
        face = self.faces[exchange]
        if known := face.members.get(api_key):
            face.endow(known, Decimal(balance))
            return known, False
        self._number += 1
        account = Account(number=self._number)
        member = Member(api_key=api_key, api_secret=api_secret, passphrase=passphrase, account=account)
        self.store.add(
            exchange=exchange, api_key=api_key, api_secret=api_secret, passphrase=passphrase, account=account
        )
        face.members[api_key] = member
        face.endow(member, Decimal(balance))
        return member, True

    def answer(self, request: Request) -> "Response | Awaitable[Response | None] | None":
        if request.path.startswith("/_"):
            return self._computed(request, lambda: control(self, request))
        face, inner = self._face(request)
        if face is None:
            return Response(status=404)
        fault = self.faults.for_request(exchange=face.slug, method=request.method, path=inner.path)
        if fault is not None:
            return self._faulty(face, inner, fault)
        return self._computed(inner, lambda: face.answer(inner))

    def _computed(self, request: Request, answer: Callable[[], Response]) -> "Response | Awaitable[Response | None]":
        """Candles are computed beside the loop: weeks of them take longer than a tick may wait. They touch no account."""
        if request.method == "GET" and request.path.endswith(CANDLE_PATHS):
            return asyncio.get_running_loop().run_in_executor(None, _unless_closed, answer)
        return answer()

    def connect(self, request: Request, socket: Socket) -> bool:
        face, inner = self._face(request)
        if face is None or not face.connect(inner, socket):
            return False
        face.sockets.add(socket)
        return True

    def _face(self, request: Request) -> tuple[Face | None, Request]:
        slug, _, path = request.path.lstrip("/").partition("/")
        return self.faces.get(slug), msgspec.structs.replace(request, path="/" + path)

    async def _faulty(self, face: Face, request: Request, fault: Fault) -> Response | None:
        """Faults before the request is taken; the rest let it through and spoil the answer."""
        kind = fault.kind
        if kind == "refuse":
            return None
        if kind == "timeout_before_accept":
            await asyncio.sleep(fault.seconds or HANG_S)
            return None
        if kind in ("rate_limit_429", "ban"):
            return face.limited(retry_after_s=fault.retry_after_s, is_ban=kind == "ban")
        if kind == "timestamp_error":
            return face.timestamp_refused()
        if kind == "delay":
            await asyncio.sleep(fault.seconds)
            return face.answer(request)
        return await self._spoiled(face, request, fault)

    async def _spoiled(self, face: Face, request: Request, fault: Fault) -> Response | None:
        kind = fault.kind
        if kind.startswith("error_") and not fault.is_accepted:
            return _broken(int(kind[-3:]))
        response = face.answer(request)
        if kind.startswith("error_"):
            return _broken(int(kind[-3:]))
        if kind == "half_json":
            return msgspec.structs.replace(response, body=response.body[: len(response.body) // 2])
        if kind == "timeout_after_accept":
            await asyncio.sleep(fault.seconds or HANG_S)
        return None

    def strike(self, fault: Fault) -> None:
        """Faults that happen at once."""
        for face in self.faces.values():
            if fault.exchange not in ("", face.slug):
                continue
            if fault.kind == "drop_socket":
                for socket in list(face.sockets):
                    socket.abort()
            elif fault.kind == "silence":
                face.muted_until_ms = self.market.now_ms() + int((fault.seconds or 30) * 1000)
            elif fault.kind == "clock_skew":
                face.skew_ms = fault.skew_ms


def _unless_closed(answer: Callable[[], Response]) -> Response | None:
    try:
        return answer()
    except MarketClosed:
        return None


def _broken(status: int) -> Response:
    """What a gateway in front of a venue answers when the venue doesn't."""
    return Response(status=status, body=b"<html>error</html>", headers={"Content-Type": "text/html"})
