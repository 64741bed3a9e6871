"""Budgets in Redis: what several processes may do together, and what happens while Redis is away."""

import time
import uuid

import pytest
import redis

from apps.exchanges.connectors.spec import RateRule, Scope
from apps.exchanges.connectors.throttle import TURN_S, Grant
from apps.exchanges.limiter import SharedLimiter
from cts import bus

TEN = RateRule(name="ten", scope=Scope.ACCOUNT, limit=10, interval_s=60.0, reserve_ratio=0.2)
WIDE = RateRule(name="wide", scope=Scope.IP, limit=1000, interval_s=60.0, reserve_ratio=0.0)


@pytest.fixture
def grants() -> list[Grant]:
    venue = uuid.uuid4().hex
    return [Grant(f"{venue}:ip:wide", WIDE, 1), Grant(f"{venue}:account:ten", TEN, 1)]


def granted(limiter: SharedLimiter, grants: list[Grant], *, is_urgent: bool = False) -> int:
    count = 0
    while count < 50 and limiter.take(grants, is_urgent=is_urgent) == 0:
        count += 1
    return count


def test_two_processes_share_one_budget_and_its_reserve(grants: list[Grant]) -> None:
    one, other = SharedLimiter(), SharedLimiter()
    assert [one.take(grants, is_urgent=False) for _ in range(5)] == [0.0] * 5
    assert granted(other, grants) == 3
    assert granted(one, grants, is_urgent=True) == 2
    assert 52.5 < other.take(grants, is_urgent=True) <= 67.5


def test_refused_wish_debits_none_of_its_budgets(grants: list[Grant]) -> None:
    limiter = SharedLimiter()
    granted(limiter, grants, is_urgent=True)
    before = bus.client().hgetall(bus.state_key("window", grants[0].key))
    assert limiter.take(grants, is_urgent=True) > 0
    assert bus.client().hgetall(bus.state_key("window", grants[0].key)) == before


def test_what_an_urgent_call_waits_for_no_other_process_takes() -> None:
    rule = RateRule(name="few", scope=Scope.IP, limit=2, interval_s=0.4, reserve_ratio=0.0)
    whole = Grant(f"{uuid.uuid4().hex}:ip:few", rule, 2)
    one = Grant(whole.key, rule, 1)
    stop, others = SharedLimiter(), SharedLimiter()
    assert stop.take([whole], is_urgent=False) == 0
    wait = stop.take([whole], is_urgent=True)
    assert wait > 0
    time.sleep(wait + 0.01)
    assert 0 < others.take([one], is_urgent=False) <= TURN_S
    assert stop.take([whole], is_urgent=True) == 0


def test_two_wishes_for_one_budget_count_twice(grants: list[Grant]) -> None:
    limiter = SharedLimiter()
    assert granted(limiter, [grants[1], grants[1]]) == 4


def test_what_the_venue_counts_holds_for_every_process_and_never_lowers_ours(grants: list[Grant]) -> None:
    one, other = SharedLimiter(), SharedLimiter()
    one.correct(grants[1].key, TEN, used=6)
    one.correct(grants[1].key, TEN, used=1)
    assert granted(other, grants) == 2


def test_blocked_scope_stops_every_process_until_it_is_over(grants: list[Grant]) -> None:
    one, other = SharedLimiter(), SharedLimiter()
    scope = grants[0].key.removesuffix("wide")
    one.block(scope, for_s=0.2)
    one.block(scope, for_s=0.05)
    wait = other.take(grants, is_urgent=True)
    assert 0.05 < wait <= 0.2
    time.sleep(wait + 0.02)
    assert other.take(grants, is_urgent=True) == 0


def test_blocked_budget_leaves_others_of_its_scope_open(grants: list[Grant]) -> None:
    limiter = SharedLimiter()
    limiter.block(grants[1].key, for_s=5)
    assert limiter.take(grants, is_urgent=True) > 0
    assert limiter.take(grants[:1], is_urgent=True) == 0


def test_without_redis_this_process_keeps_the_budget_it_has_used(
    grants: list[Grant], monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = SharedLimiter()
    assert [limiter.take(grants, is_urgent=False) for _ in range(5)] == [0.0] * 5
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr("apps.exchanges.limiter.client", lambda: away)
    assert granted(limiter, grants) == 3
    limiter.block(grants[0].key, for_s=30)
    assert limiter.take(grants, is_urgent=True) > 20


def test_budget_is_forgotten_once_nothing_of_it_counts_any_more(grants: list[Grant]) -> None:
    SharedLimiter().take(grants, is_urgent=False)
    assert 0 < bus.client().pttl(bus.state_key("window", grants[1].key)) <= 67_502


def test_no_span_wherever_it_begins_has_more_than_the_limit() -> None:
    rule = RateRule(name="few", scope=Scope.IP, limit=5, interval_s=0.4, reserve_ratio=0.0)
    wish, limiter, times = [Grant(f"{uuid.uuid4().hex}:ip:few", rule, 1)], SharedLimiter(), []
    stop_at = time.monotonic() + 2
    while (now := time.monotonic()) < stop_at:
        if limiter.take(wish, is_urgent=False) == 0:
            # The venue's clock ran on between these two looks at ours.
            times.append((now, time.monotonic()))
        time.sleep(0.002)
    for number in range(len(times) - rule.limit):
        assert times[number + rule.limit][1] - times[number][0] > rule.interval_s
    assert len(times) >= 20
