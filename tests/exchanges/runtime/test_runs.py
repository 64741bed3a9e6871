"""The life of a leased run: one at a time, ends for each of its reasons, survives its own errors, gives the lease back."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connections

from apps.exchanges import runs
from apps.exchanges.leases import lease_is_live, lease_take, owner_name
from apps.exchanges.models import Lease
from apps.exchanges.runs import Ended, LeasedRun, run_wake

pytestmark = pytest.mark.django_db(transaction=True)


class Counting(LeasedRun):
    """Counts what happens to it; fails as often as told."""

    poll_s = 0.05
    step_s = 0.02

    def __init__(self, name: str = "run:1", *, fail_steps: int = 0, fail_loads: int = 0, **options: float) -> None:
        super().__init__(name, **options)
        self.loads = self.steps = self.unloads = self.polls = 0
        self.wanted = True
        self.fail_steps, self.fail_loads = fail_steps, fail_loads
        self.stepped = threading.Event()

    def is_wanted(self) -> bool:
        self.polls += 1
        return self.wanted

    def load(self) -> None:
        self.loads += 1
        if self.loads <= self.fail_loads:
            raise ValueError("cannot load")

    def step(self) -> None:
        self.steps += 1
        if self.steps <= self.fail_steps:
            raise ValueError("cannot step")
        self.stepped.set()
        self.inbox.take(timeout_s=self.step_s)

    def unload(self) -> None:
        self.unloads += 1

    def on_failure(self, error: Exception, *, failures: int) -> float | None:
        return None if failures >= 4 else 0.01


class Stuck(Counting):
    """Its step never returns by itself."""

    stall_s = 0.1

    def __init__(self, *, ttl_s: float) -> None:
        super().__init__(ttl_s=ttl_s)
        self.release = threading.Event()

    def step(self) -> None:
        self.stepped.set()
        self.release.wait(5)


class _Thread:
    def __init__(self, run: LeasedRun) -> None:
        self.ended: Ended | None = None
        self._run = run
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        self.ended = self._run.run()
        connections.close_all()

    def join(self) -> Ended | None:
        self._thread.join(5)
        assert not self._thread.is_alive(), "the run did not end"
        return self.ended


@pytest.fixture(autouse=True)
def _not_draining() -> Iterator[None]:
    runs.drain.clear()
    yield
    runs.drain.clear()


def test_a_second_run_of_the_name_is_turned_away() -> None:
    first = Counting()
    thread = _Thread(first)
    assert first.stepped.wait(3)
    assert Counting().run() is Ended.BUSY
    first.stop()
    assert thread.join() is Ended.STOPPED
    assert not lease_is_live("run:1")
    assert first.unloads == 1


def test_it_ends_when_no_longer_wanted() -> None:
    run = Counting()
    thread = _Thread(run)
    assert run.stepped.wait(3)
    run.wanted = False
    assert thread.join() is Ended.UNWANTED


def test_an_unwanted_run_never_loads() -> None:
    run = Counting()
    run.wanted = False
    assert run.run() is Ended.UNWANTED
    assert run.loads == 0


def test_a_wake_up_makes_it_look_at_once() -> None:
    run = Counting()
    run.poll_s = 60  # type: ignore[misc]
    thread = _Thread(run)
    assert run.stepped.wait(3)
    run.wanted = False
    run_wake("run:1")
    started = time.monotonic()
    assert thread.join() is Ended.UNWANTED
    assert time.monotonic() - started < 1


def test_draining_ends_every_run() -> None:
    pair = [Counting("run:1"), Counting("run:2")]
    threads = [_Thread(run) for run in pair]
    assert all(run.stepped.wait(3) for run in pair)
    runs.drain.set()
    assert [thread.join() for thread in threads] == [Ended.DRAINED, Ended.DRAINED]


def test_after_its_time_it_ends_and_leaves_the_lease_to_its_successor() -> None:
    assert Counting(max_s=0.1).run() is Ended.TIMED_OUT
    assert not lease_is_live("run:1")


def test_errors_are_survived_by_loading_again() -> None:
    run = Counting(fail_steps=2, fail_loads=1)
    thread = _Thread(run)
    assert run.stepped.wait(3)
    run.stop()
    assert thread.join() is Ended.STOPPED
    assert run.loads == 4
    assert run.unloads == 4


class Resting(Counting):
    """Fails at its first load and would wait for a minute."""

    def __init__(self, *, fail_loads: int) -> None:
        super().__init__(fail_loads=fail_loads)
        self.failed = threading.Event()

    def on_failure(self, error: Exception, *, failures: int) -> float | None:
        self.failed.set()
        return 60


@pytest.mark.parametrize(("wanted", "ended"), [(True, Ended.STOPPED), (False, Ended.UNWANTED)])
def test_a_wake_up_ends_the_wait_after_a_failure(wanted: bool, ended: Ended) -> None:
    run = Resting(fail_loads=1)
    thread = _Thread(run)
    assert run.failed.wait(3)
    run.wanted = wanted
    time.sleep(0.05)
    run_wake("run:1")
    if wanted:
        assert run.stepped.wait(3)
        run.stop()
    assert thread.join() is ended


def test_it_gives_up_when_told_to() -> None:
    run = Counting(fail_loads=99)
    assert run.run() is Ended.GAVE_UP
    assert run.loads == run.unloads == 4


def test_the_lease_is_renewed_past_its_ttl_and_lost_once_somebody_else_holds_it() -> None:
    run = Counting(ttl_s=0.9)
    thread = _Thread(run)
    assert run.stepped.wait(3)
    time.sleep(1.5)
    assert lease_is_live("run:1")
    Lease.objects.filter(name="run:1").update(expires_at=None)
    taken = lease_take("run:1", owner=owner_name())
    assert taken is not None
    assert thread.join() is Ended.LEASE_LOST
    assert Lease.objects.get(name="run:1").epoch == taken.epoch == 2
    assert lease_is_live("run:1")


def test_a_stuck_run_lets_its_lease_lapse() -> None:
    run = Stuck(ttl_s=0.6)
    thread = _Thread(run)
    assert run.stepped.wait(3)
    time.sleep(1.2)
    assert not lease_is_live("run:1")
    run.release.set()
    assert thread.join() is Ended.LEASE_LOST
