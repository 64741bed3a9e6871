"""Request budgets shared by every process behind this address, kept in Redis; this process's own while Redis is away."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha1

import redis
from django.conf import settings

from apps.exchanges.connectors.spec import RateRule
from apps.exchanges.connectors.throttle import Grant, LocalLimiter
from cts import bus

log = logging.getLogger(__name__)

# All or nothing over several budgets, in microseconds of Redis's own clock, so that machines need not agree on theirs.
# Each budget is one number, when its bucket would be empty again (GCRA). KEYS: per grant its budget, its own block and
# the block of its whole scope; ARGV: per grant the cost and the room in microseconds. Answers the wait, 0 when granted.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = 0
local filled = {}
for i = 1, #ARGV / 2 do
  local budget = KEYS[3 * i - 2]
  for _, block in ipairs({KEYS[3 * i - 1], KEYS[3 * i]}) do
    local left = redis.call('PTTL', block)
    if left > 0 then wait = math.max(wait, left * 1000) end
  end
  local empty_at = filled[budget] or tonumber(redis.call('GET', budget) or 0)
  empty_at = math.max(empty_at, now) + tonumber(ARGV[2 * i - 1])
  wait = math.max(wait, empty_at - now - tonumber(ARGV[2 * i]))
  filled[budget] = empty_at
end
if wait > 0 then return wait end
for budget, empty_at in pairs(filled) do
  redis.call('SET', budget, string.format('%.0f', empty_at), 'PX', math.ceil((empty_at - now) / 1000) + 1)
end
return 0
"""
# The venue counts more than we do: never below that. ARGV: the level in microseconds.
_CORRECT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local empty_at = now + tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1]) or 0) < empty_at then
  redis.call('SET', KEYS[1], string.format('%.0f', empty_at), 'PX', math.ceil(ARGV[1] / 1000) + 1)
end
return 0
"""
# A block is only ever made longer.
_BLOCK = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
return 0
"""
# An order must not wait for a Redis that hangs, nor one whose time-outs are meant for pages.
TIMEOUT_S = 0.25
# After a failure Redis is left alone for this long: an order must not wait for a time-out each time.
RETRY_S = 1.0
CORRECT_S = 1.0


@lru_cache(maxsize=1)
def client() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)


class _Script:
    """Sent whole once, then by its digest."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()

    def run(self, keys: Sequence[str], arguments: Sequence[int]) -> int:
        words = (len(keys), *keys, *arguments)
        try:
            return int(client().evalsha(self._digest, *words))  # type: ignore[arg-type]
        except redis.exceptions.NoScriptError:
            return int(client().eval(self._source, *words))  # type: ignore[arg-type]


class SharedLimiter:
    """A `Limiter` over Redis. What it grants is noted locally too, so that a loss of Redis doesn't double a budget."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._local = LocalLimiter(monotonic=monotonic)
        self._take, self._correct, self._block = _Script(_TAKE), _Script(_CORRECT), _Script(_BLOCK)
        self._away_until = 0.0
        self._told_at: dict[str, float] = {}

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        keys, arguments = [], []
        for grant in grants:
            rule = grant.rule
            room = rule.interval_s if is_urgent else rule.interval_s * (1 - rule.reserve_ratio)
            keys += [_key("budget", grant.key), _key("block", grant.key), _key("block", _scope(grant))]
            arguments += [_microseconds(grant.weight * rule.interval_s / rule.limit), _microseconds(room)]
        local = self._local.take(grants, is_urgent=is_urgent)
        shared = self._asked(self._take, keys, arguments)
        return local if shared is None else shared / 1e6

    def correct(self, key: str, rule: RateRule, *, used: float) -> None:
        now = self._monotonic()
        # What was granted here Redis knows as well, unless it has begun anew: so it is told now and then all the same.
        if not self._local.correct(key, rule, used=used) and now - self._told_at.get(key, -CORRECT_S) < CORRECT_S:
            return
        self._told_at[key] = now
        level_s = min(used / rule.limit, 1.0) * rule.interval_s
        self._asked(self._correct, [_key("budget", key)], [_microseconds(level_s)])

    def block(self, key: str, *, for_s: float) -> None:
        self._local.block(key, for_s=for_s)
        if for_s > 0:
            self._asked(self._block, [_key("block", key)], [max(1, round(for_s * 1000))])

    def _asked(self, script: _Script, keys: Sequence[str], arguments: Sequence[int]) -> int | None:
        """None while Redis can't be asked."""
        if self._monotonic() < self._away_until:
            return None
        try:
            return script.run(keys, arguments)
        except redis.RedisError as error:
            self._away_until = self._monotonic() + RETRY_S
            log.warning("budgets_not_shared", extra={"reason": str(error)})
            return None


def _scope(grant: Grant) -> str:
    """What a ban of the whole address or account is written under."""
    return grant.key.removesuffix(grant.rule.name)


def _key(kind: str, key: str) -> str:
    return bus.state_key(kind, key)


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
