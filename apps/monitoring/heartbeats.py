"""Signs of life of the processes, in Redis: a Celery worker says which queues it serves, a task says that beat's messages arrive."""

import logging
import os
import socket
import threading
import time
from typing import Any

import redis
from celery.signals import worker_ready, worker_shutting_down

from cts import bus

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
LATE_S = 20.0  # three beats missed, and a little
_stop = threading.Event()


def _key(name: str) -> str:
    return bus.state_key("alive", name)


def beat_once(name: str, *, instance: str = "") -> None:
    """`instance` of `name` lives now; those silent for ten minutes are forgotten."""
    now = time.time()
    pipeline = bus.client().pipeline(transaction=False)
    pipeline.zadd(_key(name), {instance or f"{socket.gethostname()}:{os.getpid()}": now})
    pipeline.zremrangebyscore(_key(name), "-inf", now - 600)
    pipeline.expire(_key(name), 3600)
    pipeline.execute()


def last_beat_age_s(name: str) -> float | None:
    """Seconds since any instance of `name` was seen; None when none ever was."""
    newest: Any = bus.client().zrange(_key(name), 0, 0, desc=True, withscores=True)
    return max(0.0, time.time() - float(newest[0][1])) if newest else None


def queue_name(queue: str) -> str:
    return f"queue.{queue}"


def _beat_forever(names: list[str]) -> None:
    while not _stop.is_set():
        try:
            for name in names:
                beat_once(name)
        except redis.RedisError as error:
            log.warning("heartbeat_failed", extra={"reason": type(error).__name__})
        _stop.wait(INTERVAL_S)


def _worker_started(sender: Any, **_: object) -> None:
    _stop.clear()
    names = [queue_name(queue) for queue in sender.app.amqp.queues.consume_from]
    threading.Thread(target=_beat_forever, args=(names,), name="heartbeat", daemon=True).start()


def _worker_leaving(**_: object) -> None:
    _stop.set()


def workers_listen() -> None:
    """Celery tells us when a worker serves its queues and when it leaves. Called once, when the app is ready."""
    worker_ready.connect(_worker_started, dispatch_uid="heartbeat_start")
    worker_shutting_down.connect(_worker_leaving, dispatch_uid="heartbeat_stop")
