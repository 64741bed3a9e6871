"""Who uses the product during the run: clients of the API, and pages that listen."""

import asyncio
import json
import random
import threading
import time
from dataclasses import dataclass, field

import requests
import websockets

PATHS = (
    *("connections/", "engines/", "positions/?is_open=true", "orders/?page_size=50", "fills/?page_size=50"),
    *("portfolios/", "portfolios/1/standing/", "tickers/?exchange=bybit&environment=paper&market=linear"),
)
PAUSE_S = 1.0


@dataclass
class Tally:
    """What was answered and heard, since the last look."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: int = 0
    frames: int = 0
    times_s: list[float] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def answered(self, took_s: float) -> None:
        with self.lock:
            self.answers += 1
            self.times_s.append(took_s)

    def heard(self, lag_s: float | None) -> None:
        with self.lock:
            self.frames += 1
            if lag_s is not None:
                self.lags_s.append(lag_s)

    def failed(self, what: str) -> None:
        with self.lock:
            self.errors.append(what)

    def taken(self) -> tuple[int, int, list[float], list[float]]:
        with self.lock:
            told = self.answers, self.frames, self.times_s, self.lags_s
            self.answers, self.frames, self.times_s, self.lags_s = 0, 0, [], []
        return told


def clients_start(base: str, token: str, *, count: int, tally: Tally, over: threading.Event) -> None:
    for number in range(count):
        threading.Thread(target=_client, args=(base, token, number, tally, over), daemon=True).start()


def _client(base: str, token: str, number: int, tally: Tally, over: threading.Event) -> None:
    """Each asks about once a second, for something else each time."""
    dice, session = random.Random(number), requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    over.wait(dice.uniform(0, PAUSE_S))
    while not over.is_set():
        path, started_at = dice.choice(PATHS), time.monotonic()
        try:
            answer = session.get(f"{base}/api/v1/{path}", timeout=30)
            took_s = time.monotonic() - started_at
            if answer.status_code != 200:
                tally.failed(f"{path}: {answer.status_code} {answer.text[:200]}")
            tally.answered(took_s)
        except requests.RequestException as error:
            if not over.is_set():
                tally.failed(f"{path}: {type(error).__name__}")
        over.wait(PAUSE_S * dice.uniform(0.8, 1.2))


def sockets_start(base: str, token: str, *, count: int, tally: Tally, over: threading.Event) -> None:
    address = base.replace("http://", "ws://") + "/ws/v1/"
    threading.Thread(
        target=lambda: asyncio.run(_sockets(address, token, count, tally, over)), name="sockets", daemon=True
    ).start()


async def _sockets(address: str, token: str, count: int, tally: Tally, over: threading.Event) -> None:
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(_socket(address, token, tally, over)))
        await asyncio.sleep(0.02)  # pages are not all opened in the same instant
    await asyncio.gather(*tasks)


async def _socket(address: str, token: str, tally: Tally, over: threading.Event) -> None:
    """A page: signs in, listens to its user, to health and to prices, until the end."""
    try:
        async with websockets.connect(address, open_timeout=30, max_queue=64) as socket:
            await socket.send(json.dumps({"type": "auth", "token": token}))
            topics = ["user", "health", "tickers.bybit.paper.linear"]
            await socket.send(json.dumps({"type": "subscribe", "topics": topics}))
            while not over.is_set():
                try:
                    told = json.loads(await asyncio.wait_for(socket.recv(), timeout=2.0))
                except TimeoutError:
                    continue
                if told.get("type") == "error":
                    tally.failed(f"socket: {told}")
                tally.heard(_lag_s(told))
    except (OSError, websockets.WebSocketException) as error:
        if not over.is_set():
            tally.failed(f"socket: {type(error).__name__}: {error}")


def _lag_s(told: dict[str, object]) -> float | None:
    """How old the newest price of a frame is when it is heard."""
    rows = told.get("rows")
    if told.get("type") != "tickers" or not isinstance(rows, list) or not rows:
        return None
    newest_ms = float(max(row["at_ms"] for row in rows))
    return max(0.0, time.time() - newest_ms / 1000)
