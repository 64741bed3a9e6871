"""Request budgets: weighted tokens per scope, a reserve for exits and cancels, corrected by what the venue tells."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from apps.exchanges.connectors.patience import patience
from apps.exchanges.connectors.spec import RateRule, Scope
from cts.domain.errors import RateLimited

Costs = tuple[tuple[str, int], ...]
SLOTS = 8
# How much longer than its wait an urgent call's turn is kept for it: the time it may need to wake up and ask again.
TURN_S = 0.25
EPSILON = 1e-9


class Grant(msgspec.Struct, frozen=True, gc=False):
    """A wish for `weight` tokens of the budget `key`."""

    key: str
    rule: RateRule
    weight: int


class Limiter(Protocol):
    """In relative seconds throughout, so that a limiter shared by processes can keep its own clock."""

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        """0 when all were debited; else nothing was, and how long to wait before asking again.

        What an urgent call has to wait for is kept for it: until its turn nobody else is granted any of it.
        """
        ...

    def correct(self, key: str, rule: RateRule, *, used: float) -> bool:
        """The venue counts `used` tokens: ours is never lower than that. Whether that is more than was granted here."""
        ...

    def block(self, key: str, *, for_s: float) -> None:
        """The venue closed this budget, or all whose keys begin so: nothing is granted until then."""
        ...


class _Window:
    """What was granted lately, by slots of an eighth of the interval. No window of that length ever holds more.

    A slot counts until all that may be in it is an interval old: so at worst an eighth of the limit lies idle.
    """

    __slots__ = ("interval_s", "slots", "used")

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.slots: deque[list[float]] = deque()  # when it is forgotten, and what was granted in it
        self.used = 0.0

    def wait(self, weight: float, *, room: float, now: float) -> float:
        """Seconds until so much more would fit; 0 when it does."""
        while self.slots and self.slots[0][0] <= now:
            self.used -= self.slots.popleft()[1]
        excess = self.used + weight - room
        if excess <= EPSILON:
            return 0.0
        for forgotten_at, amount in self.slots:
            excess -= amount
            if excess <= EPSILON:
                return forgotten_at - now
        return self.interval_s

    def add(self, weight: float, *, now: float) -> None:
        slot_s = self.interval_s / SLOTS
        forgotten_at = (now // slot_s + 1) * slot_s + self.interval_s
        if self.slots and self.slots[-1][0] >= forgotten_at - EPSILON:
            self.slots[-1][1] += weight
        else:
            self.slots.append([forgotten_at, weight])
        self.used += weight


class LocalLimiter:
    """Budgets of this process."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}
        self._blocked_until: dict[str, float] = {}
        self._turn_until: dict[str, float] = {}

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        now, short = self._monotonic(), list[str]()
        with self._lock:
            wait = self._blocked_for(grants, now=now) if self._blocked_until else 0.0
            for grant in grants:
                room = grant.rule.room(is_urgent=is_urgent)
                own = self._window(grant.key, grant.rule).wait(grant.weight, room=room, now=now)
                if own > 0:
                    short.append(grant.key)
                elif not is_urgent and self._turn_until:
                    own = self._turn_until.get(grant.key, now) - now
                wait = max(wait, own)
            if wait > 0:
                if is_urgent:
                    self._turns_keep(short, until=now + wait + TURN_S, now=now)
                return wait
            for grant in grants:
                self._windows[grant.key].add(grant.weight, now=now)
            return 0.0

    def _turns_keep(self, keys: Sequence[str], *, until: float, now: float) -> None:
        self._turn_until = {key: at for key, at in self._turn_until.items() if at > now}
        for key in keys:
            self._turn_until[key] = max(until, self._turn_until.get(key, until))

    def correct(self, key: str, rule: RateRule, *, used: float) -> bool:
        now = self._monotonic()
        with self._lock:
            window = self._window(key, rule)
            window.wait(0, room=rule.limit, now=now)
            missing = min(used, rule.limit) - window.used
            if missing <= EPSILON:
                return False
            window.add(missing, now=now)
            return True

    def _window(self, key: str, rule: RateRule) -> _Window:
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(rule.interval_s)
        return window

    def block(self, key: str, *, for_s: float) -> None:
        until = self._monotonic() + for_s
        with self._lock:
            self._blocked_until[key] = max(self._blocked_until.get(key, 0.0), until)

    def _blocked_for(self, grants: Sequence[Grant], *, now: float) -> float:
        self._blocked_until = {key: until for key, until in self._blocked_until.items() if until > now}
        return max(
            (until - now for key, until in self._blocked_until.items() if any(g.key.startswith(key) for g in grants)),
            default=0.0,
        )


class Budget:
    """The budgets one connector draws on, and how long it is willing to wait for them."""

    def __init__(
        self,
        limiter: Limiter,
        *,
        rules: Sequence[RateRule],
        ip_key: str,
        account_key: str,
        max_wait_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limiter = limiter
        self._max_wait_s = max_wait_s
        self._sleep = sleep
        self._scopes = {Scope.IP: ip_key, Scope.ACCOUNT: account_key}
        self._rules = {rule.name: (f"{self._scopes[rule.scope]}{rule.name}", rule) for rule in rules}
        self._grants: dict[Costs, tuple[Grant, ...]] = {}

    def spend(self, costs: Costs, *, is_urgent: bool) -> None:
        """Wait for the tokens; `RateLimited` when that would take longer than the caller's patience, or the usual one."""
        grants = self._grants.get(costs)
        if grants is None:
            grants = tuple(Grant(*self._rules[name], weight) for name, weight in costs)
            self._grants[costs] = grants
        wait_max_s = self._max_wait_s
        if (asked := patience()) is not None:
            wait_max_s, is_urgent = asked.wait_max_s, is_urgent or asked.is_first
        waited = 0.0
        while (wait := self._limiter.take(grants, is_urgent=is_urgent)) > 0:
            if waited + wait > wait_max_s:
                retry_at = datetime.now(UTC) + timedelta(seconds=wait)
                raise RateLimited(f"Own request budget is spent for {wait:.1f} s", retry_at=retry_at)
            self._sleep(wait)
            waited += wait

    def correct(self, name: str, *, used: float) -> None:
        key, rule = self._rules[name]
        self._limiter.correct(key, rule, used=used)

    def block(self, costs: Costs, *, is_ban: bool, for_s: float) -> None:
        """A ban closes the address; a limit only the narrowest budget of the call, which is its last."""
        key = self._scopes[Scope.IP] if is_ban or not costs else self._rules[costs[-1][0]][0]
        self._limiter.block(key, for_s=for_s)
