"""A run under a lease: take, load, loop, release. What a run does is its subclass's business; when it ends is ours."""

import gc
import random
import sys
import threading
import time
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

import redis
from celery import Task
from django.conf import settings
from django.db import DatabaseError

from apps.exchanges.hub import Unsubscribe, hub
from apps.exchanges.inbox import Inbox
from apps.exchanges.keeper import connections_close, connections_rest, keeper
from apps.exchanges.leases import lease_release, lease_renew, lease_take, owner_name
from apps.exchanges.models import Lease
from cts import bus
from cts.logging import ErrorHandler, SystemLogger

log = SystemLogger(__name__)

# A signal passes three threads on its way out; at Python's own 5 ms each may wait that long for one that reckons.
SWITCH_S = 0.0005

# Set once, when the worker is told to shut down: every run of the process ends at its next look.
drain = threading.Event()


@lru_cache(maxsize=1)
def _process_prepare() -> None:
    """What is loaded by now stays for good: looking through all of it for garbage would hold every thread for 0.2 s."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()


class Ended(StrEnum):
    BUSY = "busy"
    UNWANTED = "unwanted"
    STOPPED = "stopped"
    DRAINED = "drained"
    LEASE_LOST = "lease_lost"
    TIMED_OUT = "timed_out"
    GAVE_UP = "gave_up"


class LeasedRun:
    """Subclasses say what is wanted, load, step and unload. `run` may be called from any thread, once.

    A step is one bounded slice of work: it waits for `self.inbox` at most `step_s` and returns. `is_wanted` is asked
    every `poll_s`, and at once after a message on the lease's wake topic. An error ends the slice, not the run:
    unload, wait (longer each time), load again, unless `on_failure` returns None. A run that `TIMED_OUT` is to be
    enqueued again by its task.
    """

    poll_s: ClassVar[float] = 1.0
    step_s: ClassVar[float] = 0.25
    stall_s: ClassVar[float] = 180.0
    load_stall_s: ClassVar[float] = 1800.0
    settled_s: ClassVar[float] = 60.0
    max_delay_s: ClassVar[float] = 60.0

    def __init__(
        self,
        lease_name: str,
        *,
        ttl_s: float | None = None,
        max_s: float | None = None,
    ) -> None:
        self.lease_name = lease_name
        self.ttl_s = ttl_s or settings.LEASE_TTL_S
        self.inbox = Inbox()
        self._log = log.bind(lease=lease_name)
        self._errors = ErrorHandler(self._log)
        self.lease: Lease
        self._max_s = max_s or settings.RUN_MAX_S
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._renewed_at = self._progress_at = self._polled_at = self._deadline = 0.0
        self._failure_seen = ""
        self._is_loading = False

    # --- for subclasses -----------------------------------------------------------------------------------------------
    def is_wanted(self) -> bool:
        return True

    def load(self) -> None:
        """Make ready; called again after a failure, each time with `unload` in between."""

    def step(self) -> None:
        raise NotImplementedError

    def unload(self) -> None:
        """Give back what `load` took; also called when `load` failed half way or never ran."""

    def on_failure(self, error: Exception, *, failures: int) -> float | None:
        """Seconds until the next load, or None to give up."""
        return float(min(self.max_delay_s, 2 ** (failures - 1))) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter

    def on_ended(self, ended: Ended) -> None:
        """The run leaves. The lease is still held, unless it is why: then this must write nothing."""

    # --- life -----------------------------------------------------------------------------------------------------------
    @property
    def epoch(self) -> int:
        return self.lease.epoch

    @property
    def is_held(self) -> bool:
        """Whether the lease is surely still ours, by our own monotonic clock. A thawed process starts with False."""
        return not self._lost.is_set() and time.monotonic() - self._renewed_at < self.ttl_s

    def stop(self) -> None:
        self._stop.set()
        self.inbox.wake()

    def run(self) -> Ended:
        asked_at = time.monotonic()
        lease = lease_take(self.lease_name, owner=owner_name(), ttl_s=self.ttl_s)
        if lease is None:
            return Ended.BUSY
        self.lease = lease
        _process_prepare()
        self._renewed_at = self._progress_at = asked_at
        self._deadline = asked_at + self._max_s
        enqueued_forget(self.lease_name)
        unsubscribe = hub().subscribe_wake(self.lease_name, self.inbox.wake)
        keeper.add(self)
        self._log.info("run_started", epoch=lease.epoch)
        try:
            ended = self._live()
            self._say_ended(ended)
        finally:
            self._leave(unsubscribe)
        self._log.info("run_ended", epoch=lease.epoch, ended=str(ended))
        return ended

    def _say_ended(self, ended: Ended) -> None:
        try:
            self.on_ended(ended)
        except DatabaseError as error:
            # Whoever looks sees a lease without a holder, and says so.
            self._errors.record(error, event="run_end_unsaid")

    def _leave(self, unsubscribe: Unsubscribe) -> None:
        keeper.remove(self)
        unsubscribe()
        try:
            lease_release(self.lease)
        except DatabaseError as error:
            self._errors.record(error, event="lease_release_failed")
        finally:
            connections_close()

    def _live(self) -> Ended:
        failures = 0
        while True:
            loaded_at = time.monotonic()
            try:
                if ended := self._end():
                    return ended
                self._is_loading = True
                self.load()
                self._is_loading = False
                return self._loop()
            except Exception as error:
                if (ended := self._end_now()) is not None:
                    return ended
                failures = 1 if time.monotonic() - loaded_at > self.settled_s else failures + 1
                delay_s = self._fail(error, failures)
            finally:
                self._is_loading = False
                self._progress_at = time.monotonic()
                self._unload()
            if delay_s is None:
                return Ended.GAVE_UP
            if ended := self._rest(delay_s):
                return ended

    def _loop(self) -> Ended:
        self._progress_at = time.monotonic()
        while True:
            self.step()
            self._progress_at = time.monotonic()
            if ended := self._end():
                return ended
            connections_rest()

    def _fail(self, error: Exception, failures: int) -> float | None:
        delay_s = self.on_failure(error, failures=failures)
        seen = f"{type(error).__name__}: {error}"
        is_repeated = seen == self._failure_seen
        self._errors.record(error, event="run_failed", is_repeated=is_repeated, failures=failures, retry_in_s=delay_s)
        self._failure_seen = seen
        return delay_s

    def _unload(self) -> None:
        try:
            self.unload()
        except Exception as error:
            self._errors.record(error, event="run_unload_failed")
        finally:
            connections_close()

    def _rest(self, delay_s: float) -> Ended | None:
        """Wait, unless somebody wants to know now: a wake-up ends the waiting, one way or the other."""
        until = time.monotonic() + delay_s
        while time.monotonic() < until:
            self._stop.wait(min(self.step_s, max(0.0, until - time.monotonic())))
            self._progress_at = time.monotonic()
            is_woken = self.inbox.consume_wake()
            if ended := self._end_now() or (self._unwanted() if is_woken else None):
                return ended
            if is_woken:
                return None
        return None

    def _unwanted(self) -> Ended | None:
        try:
            return None if self.is_wanted() else Ended.UNWANTED
        except DatabaseError:
            return None

    def _end(self) -> Ended | None:
        if ended := self._end_now():
            return ended
        now, is_woken = time.monotonic(), self.inbox.consume_wake()
        if now - self._polled_at < self.poll_s and not is_woken:
            return None
        self._polled_at = now
        return None if self.is_wanted() else Ended.UNWANTED

    def _end_now(self) -> Ended | None:
        if self._stop.is_set():
            return Ended.STOPPED
        if drain.is_set():
            return Ended.DRAINED
        if not self.is_held:
            return Ended.LEASE_LOST
        return Ended.TIMED_OUT if time.monotonic() >= self._deadline else None

    # --- for the keeper -------------------------------------------------------------------------------------------------
    def renew_if_due(self) -> None:
        now = time.monotonic()
        if now - self._renewed_at < self.ttl_s / 3 or self._lost.is_set():
            return
        if now - self._progress_at > (self.load_stall_s if self._is_loading else self.stall_s):
            return  # Stuck: let the lease lapse, so that another process can take over.
        if lease_renew(self.lease, ttl_s=self.ttl_s):
            self._renewed_at = now
        else:
            self._lost.set()
            self.inbox.wake()


def _enqueued_key(lease_name: str) -> str:
    return bus.state_key("enqueued", lease_name)


def enqueued_forget(lease_name: str) -> None:
    try:
        bus.client().delete(_enqueued_key(lease_name))
    except redis.RedisError:
        # The mark lapses by itself; a run that is busy trading must not end for it.
        return


def run_enqueue_once(lease_name: str, *, task: "Task[..., object]", args: tuple[object, ...]) -> bool:
    """Enqueue the run unless it is in the queue already; marks and messages lapse together, with the lease's ttl."""
    ttl_s = int(settings.LEASE_TTL_S)
    if not bus.client().set(_enqueued_key(lease_name), 1, nx=True, ex=ttl_s):
        return False
    task.apply_async(args=args, expires=ttl_s)
    return True


def run_wake(lease_name: str) -> None:
    """Make the run look at its desired state now."""
    try:
        bus.publish(bus.wake_topic(lease_name), None)
    except redis.RedisError:
        log.warning("run_wake_failed", lease=lease_name)
