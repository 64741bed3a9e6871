"""Budgets: what is granted, what waits, what is kept back for exits, and what the venue's own count changes."""

import time

import pytest

from apps.exchanges.connectors.patience import patient
from apps.exchanges.connectors.spec import RateRule, Scope
from apps.exchanges.connectors.throttle import TURN_S, Budget, Grant, LocalLimiter
from cts.domain.errors import RateLimited

TEN = RateRule(name="ten", scope=Scope.ACCOUNT, limit=10, interval_s=1.0, reserve_ratio=0.2)
WIDE = RateRule(name="wide", scope=Scope.IP, limit=1000, interval_s=1.0, reserve_ratio=0.0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> LocalLimiter:
    return LocalLimiter(monotonic=clock)


def budget(limiter: LocalLimiter, clock: Clock, *, account: str = "a", max_wait_s: float = 0.0) -> Budget:
    return Budget(
        limiter,
        rules=[WIDE, TEN],
        ip_key="venue:ip:",
        account_key=f"venue:{account}:",
        max_wait_s=max_wait_s,
        sleep=clock.sleep,
    )


COSTS = (("wide", 1), ("ten", 1))


def granted(budget: Budget, *, is_urgent: bool = False, at_most: int = 50) -> int:
    for count in range(at_most):
        try:
            budget.spend(COSTS, is_urgent=is_urgent)
        except RateLimited:
            return count
    return at_most


def test_a_fifth_is_kept_for_exits_and_cancels(limiter: LocalLimiter, clock: Clock) -> None:
    ours = budget(limiter, clock)
    assert granted(ours) == 8
    assert granted(ours, is_urgent=True) == 2


def test_tokens_come_back_with_time(limiter: LocalLimiter, clock: Clock) -> None:
    ours = budget(limiter, clock)
    assert granted(ours, at_most=3) == 3
    clock.now += 0.5
    assert granted(ours) == 5
    clock.now += 0.63  # an interval and the slot of those three, not those of the five
    assert granted(ours) == 3
    clock.now += 10
    assert granted(ours) == 8


def test_no_second_wherever_it_begins_has_more_than_the_limit_and_little_of_it_lies_idle(
    limiter: LocalLimiter, clock: Clock
) -> None:
    ours = budget(limiter, clock)
    times = []
    for _ in range(4000):
        clock.now += 0.001
        if granted(ours, is_urgent=True, at_most=1):
            times.append(clock.now)
    assert max(sum(1 for at in times if start <= at < start + 1.0) for start in times) == TEN.limit
    assert len(times) >= 0.85 * 4 * TEN.limit


def test_waiting_is_bounded_and_names_when_to_come_back(limiter: LocalLimiter, clock: Clock) -> None:
    patient = budget(limiter, clock, max_wait_s=1.2)
    before = clock.now
    for _ in range(12):
        patient.spend(COSTS, is_urgent=False)
    assert clock.now - before == pytest.approx(1.125)
    with pytest.raises(RateLimited) as caught:
        patient.spend((("ten", 30),), is_urgent=False)
    assert caught.value.retry_at is not None


def test_refused_grant_costs_nothing(limiter: LocalLimiter) -> None:
    wide, ten = Grant("venue:ip:wide", WIDE, 1), Grant("venue:a:ten", TEN, 100)
    for _ in range(2000):
        assert limiter.take([wide, ten], is_urgent=True) > 0
    assert limiter.take([wide], is_urgent=True) == 0


def test_accounts_have_budgets_of_their_own_and_share_the_address(limiter: LocalLimiter, clock: Clock) -> None:
    assert granted(budget(limiter, clock, account="a")) == 8
    assert granted(budget(limiter, clock, account="b")) == 8


def test_venue_count_above_ours_is_taken_over_and_below_is_not(limiter: LocalLimiter, clock: Clock) -> None:
    ours = budget(limiter, clock)
    ours.correct("ten", used=6)
    assert granted(ours) == 2
    ours.correct("ten", used=0)
    assert granted(ours) == 0


def test_limit_blocks_its_budget_and_a_ban_the_address(limiter: LocalLimiter, clock: Clock) -> None:
    ours, others = budget(limiter, clock, account="a"), budget(limiter, clock, account="b")
    ours.block(COSTS, is_ban=False, for_s=5)
    assert granted(ours, is_urgent=True) == 0
    assert granted(others) == 8
    clock.now += 5.01
    assert granted(ours) == 8
    ours.block(COSTS, is_ban=True, for_s=60)
    clock.now += 10
    assert granted(others) == granted(ours) == 0
    clock.now += 51
    assert granted(others) == 8


def test_what_an_urgent_call_waits_for_is_kept_for_it_alone(limiter: LocalLimiter, clock: Clock) -> None:
    whole, one = Grant("venue:a:ten", TEN, 10), Grant("venue:a:ten", TEN, 1)
    assert limiter.take([whole], is_urgent=True) == 0
    wait = limiter.take([whole], is_urgent=True)
    clock.now += wait + 0.01
    assert 0 < limiter.take([one], is_urgent=False) <= TURN_S
    assert limiter.take([Grant("venue:b:ten", TEN, 1)], is_urgent=False) == 0
    assert limiter.take([whole], is_urgent=True) == 0
    clock.now += 10
    assert limiter.take([one], is_urgent=False) == 0


def test_the_patient_wait_longer_and_the_first_draw_on_the_reserve(limiter: LocalLimiter, clock: Clock) -> None:
    ours = budget(limiter, clock)
    with patient(0.0, is_first=True):
        assert granted(ours) == TEN.limit
    assert granted(ours) == 0
    before = clock.now
    with patient(60.0):
        assert granted(ours, at_most=30) == 30
    assert clock.now - before > 2


def test_a_grant_takes_less_than_fifty_microseconds() -> None:
    limiter = LocalLimiter()
    vast = RateRule(name="vast", scope=Scope.IP, limit=10**9, interval_s=1.0)
    ours = Budget(limiter, rules=[vast], ip_key="i:", account_key="a:", max_wait_s=0)
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(1000):
            ours.spend((("vast", 1),), is_urgent=False)
        rounds.append((time.perf_counter() - started) / 1000)
    assert min(rounds) < 50e-6
