"""Request budgets shared by every process behind this address, kept in Redis; this process's own while Redis is away."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha1

import redis
from django.conf import settings

from apps.exchanges.connectors.spec import RateRule
from apps.exchanges.connectors.throttle import SLOTS, TURN_S, Grant, LocalLimiter
from cts import bus

log = logging.getLogger(__name__)

# All or nothing over several budgets, in microseconds of Redis's own clock, so that machines need not agree on theirs.
# Each budget is a hash of slots, as the window of `throttle.py`: when a slot is forgotten, and what was granted in it.
_WINDOW = f"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function window(budget)
  local used, slots, told = 0, {{}}, redis.call('HGETALL', budget)
  for i = 1, #told, 2 do
    local at, amount = tonumber(told[i]), tonumber(told[i + 1])
    if at <= now then redis.call('HDEL', budget, told[i])
    else used = used + amount; slots[#slots + 1] = {{at, amount}} end
  end
  table.sort(slots, function(one, other) return one[1] < other[1] end)
  return used, slots
end
local function add(budget, weight, interval)
  local slot = interval / {SLOTS}
  local at = (math.floor(now / slot) + 1) * slot + interval
  redis.call('HINCRBYFLOAT', budget, string.format('%.0f', at), weight)
  redis.call('PEXPIRE', budget, math.ceil((at - now) / 1000) + 1)
end
"""
# KEYS: per grant its budget, its own block, the block of its whole scope, and the turn kept for an urgent call; ARGV: per
# grant the weight, the room and the interval, then whether this call is urgent. Answers the wait, 0 when granted.
_TAKE = (
    _WINDOW
    + f"""
local count, is_urgent, wait, more, short = #KEYS / 4, ARGV[#ARGV] == '1', 0, {{}}, {{}}
for i = 1, count do
  local budget, closed = KEYS[4 * i - 3], {{KEYS[4 * i - 2], KEYS[4 * i - 1]}}
  if not is_urgent then closed[3] = KEYS[4 * i] end
  for _, name in ipairs(closed) do
    local left = redis.call('PTTL', name)
    if left > 0 then wait = math.max(wait, left * 1000) end
  end
  local used, slots = window(budget)
  more[budget] = (more[budget] or 0) + tonumber(ARGV[3 * i - 2])
  local excess = used + more[budget] - tonumber(ARGV[3 * i - 1])
  if excess > 1e-9 then
    short[#short + 1] = KEYS[4 * i]
    local free_at = now + tonumber(ARGV[3 * i])
    for _, slot in ipairs(slots) do
      excess = excess - slot[2]
      if excess <= 1e-9 then free_at = slot[1]; break end
    end
    wait = math.max(wait, free_at - now)
  end
end
if wait > 0 then
  local turn_ms = math.ceil(wait / 1000) + {round(TURN_S * 1000)}
  for _, turn in ipairs(is_urgent and short or {{}}) do
    if redis.call('PTTL', turn) < turn_ms then redis.call('SET', turn, 1, 'PX', turn_ms) end
  end
  return math.ceil(wait)
end
for i = 1, count do add(KEYS[4 * i - 3], ARGV[3 * i - 2], tonumber(ARGV[3 * i])) end
return 0
"""
)
# The venue counts more than we do: never below that. ARGV: what it counts, and the interval.
_CORRECT = (
    _WINDOW
    + """
local missing = tonumber(ARGV[1]) - window(KEYS[1])
if missing > 1e-9 then add(KEYS[1], missing, tonumber(ARGV[2])) end
return 0
"""
)
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

    def run(self, keys: Sequence[str], arguments: Sequence[float]) -> int:
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
        keys: list[str] = []
        arguments: list[float] = []
        for grant in grants:
            room = grant.rule.room(is_urgent=is_urgent)
            keys += [_key("window", grant.key), _key("block", grant.key), _key("block", _scope(grant))]
            keys.append(_key("turn", grant.key))
            arguments += [grant.weight, room, _microseconds(grant.rule.interval_s)]
        arguments.append(int(is_urgent))
        local = self._local.take(grants, is_urgent=is_urgent)
        shared = self._asked(self._take, keys, arguments)
        return local if shared is None else shared / 1e6

    def correct(self, key: str, rule: RateRule, *, used: float) -> bool:
        now, is_more = self._monotonic(), self._local.correct(key, rule, used=used)
        # What was granted here Redis knows as well, unless it has begun anew: so it is told now and then all the same.
        if not is_more and now - self._told_at.get(key, -CORRECT_S) < CORRECT_S:
            return False
        self._told_at[key] = now
        self._asked(self._correct, [_key("window", key)], [min(used, rule.limit), _microseconds(rule.interval_s)])
        return is_more

    def block(self, key: str, *, for_s: float) -> None:
        self._local.block(key, for_s=for_s)
        if for_s > 0:
            self._asked(self._block, [_key("block", key)], [max(1, round(for_s * 1000))])

    def _asked(self, script: _Script, keys: Sequence[str], arguments: Sequence[float]) -> int | None:
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
