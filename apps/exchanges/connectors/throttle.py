"""Request budgets: weighted tokens per scope, a reserve for exits and cancels, corrected by what the venue tells."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from apps.exchanges.connectors.spec import RateRule, Scope
from cts.domain.errors import RateLimited

Costs = tuple[tuple[str, int], ...]


class Grant(msgspec.Struct, frozen=True, gc=False):
    """A wish for `weight` tokens of the budget `key`."""

    key: str
    rule: RateRule
    weight: int


class Limiter(Protocol):
    """In relative seconds throughout, so that a limiter shared by processes can keep its own clock."""

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        """0 when all were debited; else nothing was, and how long to wait before asking again."""
        ...

    def correct(self, key: str, rule: RateRule, *, used: float) -> None:
        """The venue counts `used` tokens: ours is never lower than that."""
        ...

    def block(self, key: str, *, for_s: float) -> None:
        """The venue closed this budget, or all whose keys begin so: nothing is granted until then."""
        ...


class LocalLimiter:
    """Budgets of this process. Each is one number: when its bucket would be empty again (the GCRA form)."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._empty_at: dict[str, float] = {}
        self._blocked_until: dict[str, float] = {}

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        now = self._monotonic()
        with self._lock:
            wait = self._blocked_for(grants, now=now) if self._blocked_until else 0.0
            wanted = []
            for grant in grants:
                rule = grant.rule
                room = rule.interval_s if is_urgent else rule.interval_s * (1 - rule.reserve_ratio)
                empty_at = max(self._empty_at.get(grant.key, now), now) + grant.weight * rule.interval_s / rule.limit
                wait = max(wait, empty_at - now - room)
                wanted.append((grant.key, empty_at))
            if wait > 1e-9:
                return wait
            self._empty_at.update(wanted)
            return 0.0

    def correct(self, key: str, rule: RateRule, *, used: float) -> bool:
        """Whether more is used than was granted here."""
        level = self._monotonic() + min(used / rule.limit, 1.0) * rule.interval_s
        with self._lock:
            if level <= self._empty_at.get(key, 0.0):
                return False
            self._empty_at[key] = level
            return True

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
        """Wait for the tokens; `RateLimited` when that would take longer than anybody wants to wait."""
        grants = self._grants.get(costs)
        if grants is None:
            grants = tuple(Grant(*self._rules[name], weight) for name, weight in costs)
            self._grants[costs] = grants
        waited = 0.0
        while (wait := self._limiter.take(grants, is_urgent=is_urgent)) > 0:
            if waited + wait > self._max_wait_s:
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
