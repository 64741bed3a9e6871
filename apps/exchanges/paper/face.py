"""What every face shares: accounts by key, the road from a request to the matching and from its events to the sockets."""

import asyncio
import hashlib
import hmac
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

import msgspec

from apps.exchanges.paper.faults import Faults
from apps.exchanges.paper.http import Request, Response
from apps.exchanges.paper.market import Market, perpetual_of, spot_of
from apps.exchanges.paper.store import Store
from apps.exchanges.paper.websocket import Socket, text_frame
from cts.domain.matching import engine, liquidation, spot
from cts.domain.matching.events import Event, OrderUpdated
from cts.domain.matching.state import SETTLE, Account, Order, Policy, Rules, Venue
from cts.domain.types import Market as MarketKind

Params = dict[str, str]


class Member:
    """One account with its keys and whoever listens to it."""

    def __init__(self, *, api_key: str, api_secret: str, account: Account, passphrase: str = "") -> None:
        self.api_key = api_key
        self.api_secret = api_secret
        self.passphrase = passphrase
        self.account = account
        self.listen_key = ""
        self.listen_until_ms = 0
        self.listeners: dict[Socket, set[str]] = {}
        self.uses: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)

    def __repr__(self) -> str:
        return f"Member({self.account.number})"

    def signature(self, text: str) -> str:
        return hmac.new(self.api_secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Call(msgspec.Struct, kw_only=True):
    """A request on its way through a face: parsed, and once verified, with its member."""

    request: Request
    params: Params
    now_ms: int
    member: Member | None = None

    @property
    def account(self) -> Account:
        return self.who.account

    @property
    def who(self) -> Member:
        assert self.member is not None
        return self.member


def is_sane(value: Decimal) -> bool:
    """A number a venue could mean: finite, and within what prices and quantities can be."""
    return value.is_finite() and (value == 0 or -18 <= value.adjusted() <= 15) and len(value.as_tuple().digits) <= 24


class Face(ABC):
    slug: ClassVar[str]
    policy: ClassVar[Policy]
    rules: ClassVar[dict[str, Rules]]

    def __init__(self, *, market: Market, store: Store, faults: Faults, is_limited: bool = False) -> None:
        self.market = market
        self.store = store
        self.faults = faults
        self.is_limited = is_limited
        self.venue = Venue(policy=self.policy, rules=self.rules, quotes=market.quotes)
        self.members: dict[str, Member] = {}
        self.topics: defaultdict[str, set[Socket]] = defaultdict(set)
        self.sockets: set[Socket] = set()
        self.skew_ms = 0
        self.muted_until_ms = 0

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """The answer of this exchange to a request whose path no longer has the slug."""

    @abstractmethod
    def connect(self, request: Request, socket: Socket) -> bool: ...

    @abstractmethod
    def publish(self, member: Member, events: list[Event]) -> list[tuple[str, object]]:
        """Private messages as (topic, JSON-able), in order."""

    @abstractmethod
    def broadcast(self, symbol: str) -> None:
        """Public messages about a symbol's newest quote."""

    @abstractmethod
    def on_second(self, *, now_ms: int) -> None:
        """House-keeping: pings, idle sockets, keys that run out."""

    @abstractmethod
    def limited(self, *, retry_after_s: int | None, is_ban: bool) -> Response: ...

    @abstractmethod
    def timestamp_refused(self) -> Response: ...

    def client_id_of(self, order: Order) -> str:
        """The client's id as it was given; a face may make it unique behind the scenes."""
        return order.request.client_id

    def name_of(self, order: Order) -> str:
        """Its id as this exchange tells it."""
        return str(order.id)

    def framed(self, body: bytes) -> bytes:
        """A message as this exchange puts it on a socket: plain text, unless it packs them."""
        return text_frame(body)

    def now_ms(self) -> int:
        return self.market.now_ms() + self.skew_ms

    def act(self, member: Member, verb: Callable[[], list[Event]]) -> list[Event]:
        """Run a verb of the matching, keep its outcome, tell the listeners. A refusal passes through untouched."""
        events = verb()
        if events:
            self.store.save(member.account, events)
            self.tell(member, events)
        return events

    def keep(self, member: Member, change: Callable[[], list[Event] | None]) -> None:
        """Run a change of settings and keep it, whether or not it has events."""
        events = change() or []
        self.store.save(member.account, events)
        self.tell(member, events)

    def tell(self, member: Member, events: list[Event]) -> None:
        if not member.listeners:
            return
        events = [event for event in events if not (isinstance(event, OrderUpdated) and event.is_trail)]
        messages = [(topic, self.framed(msgspec.json.encode(body))) for topic, body in self.publish(member, events)]
        fault = self.faults.for_event(exchange=self.slug)
        if fault is None:
            self._deliver(member, messages)
            return
        if fault.kind == "drop_event":
            return
        if fault.kind == "late":
            asyncio.get_running_loop().call_later(fault.seconds or 1.0, self._deliver, member, messages)
            return
        if fault.kind == "reorder":
            messages.reverse()
        for _ in range(fault.times if fault.kind == "duplicate" else 1):
            self._deliver(member, messages)

    def _deliver(self, member: Member, messages: list[tuple[str, bytes]]) -> None:
        if self.market.now_ms() < self.muted_until_ms:
            return
        for topic, frame in messages:
            for socket, wanted in list(member.listeners.items()):
                if topic in wanted or "*" in wanted:
                    socket.send(frame)

    def on_quote(self, symbol: str) -> None:
        """The market moved: match every account, then tell the public; spot, where it is listed, moves along."""
        for listed in (symbol, spot_of(symbol)):
            if listed in self.rules:
                self._moved(listed)

    def _moved(self, symbol: str) -> None:
        now_ms = self.now_ms()
        for member in self.members.values():
            account = member.account
            if account.open_orders or account.legs:
                self.act(member, lambda account=account: self._move(account, symbol, now_ms))  # type: ignore[misc]
        if self.market.now_ms() >= self.muted_until_ms:
            self.broadcast(symbol)

    def _move(self, account: Account, symbol: str, now_ms: int) -> list[Event]:
        events = engine.on_quote(account, venue=self.venue, symbol=symbol, now_ms=now_ms)
        return events + liquidation.liquidate(account, venue=self.venue, now_ms=now_ms)

    def on_funding(self, *, at_ms: int) -> None:
        for symbol in [symbol for symbol in self.rules if perpetual_of(symbol) == symbol]:
            rate = self.market.funding_rate(symbol, at_ms=at_ms - 1)
            for member in self.members.values():
                account = member.account
                self.act(
                    member,
                    lambda account=account, symbol=symbol, rate=rate: engine.fund(  # type: ignore[misc]
                        account, venue=self.venue, symbol=symbol, rate=rate, now_ms=at_ms
                    ),
                )

    def endow(self, member: Member, amount: Decimal) -> None:
        """The first money of a wallet that has had none: of the perpetuals', and of spot's where that is one of its own."""
        account, now_ms = member.account, self.now_ms()
        has_spot = any(perpetual_of(symbol) != symbol for symbol in self.rules) and not self.policy.is_wallet_unified
        if not account.ledger:
            self.act(member, lambda: engine.deposit(account, amount=amount, now_ms=now_ms))
        if has_spot and not any(entry.market is MarketKind.SPOT for entry in account.ledger):
            self.act(
                member, lambda: spot.deposit(account, policy=self.policy, asset=SETTLE, amount=amount, now_ms=now_ms)
            )

    def cast(self, topic: str, body: bytes) -> None:
        """One frame to everyone who wants this topic."""
        frame = self.framed(body)
        for socket in list(self.topics[topic]):
            socket.send(frame)

    def leave(self, socket: Socket) -> None:
        self.sockets.discard(socket)
        for listeners in self.topics.values():
            listeners.discard(socket)
        for member in self.members.values():
            member.listeners.pop(socket, None)

    def count(self, member: Member, name: str, *, window_ms: int, amount: int = 1) -> int:
        """What was used under this name inside the window, `amount` more included."""
        now_ms = self.market.now_ms()
        uses = member.uses[name]
        uses.append((now_ms, amount))
        while uses[0][0] <= now_ms - window_ms:
            uses.popleft()
        return sum(used for _, used in uses)
