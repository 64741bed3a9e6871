"""G1: one grant of two budgets, in this process and through Redis, against ccxt's own throttle.

ccxt's is asyncio and per client: nothing is shared between processes, and nothing kept back for exits.
"""

import asyncio
import os
import socket
import tempfile
import time
from pathlib import Path

import redis

from apps.exchanges.connectors.spec import RateRule, Scope
from apps.exchanges.connectors.throttle import Grant, Limiter, LocalLimiter
from benchmarks.harness import Result, per_second

# Wide enough that nobody ever waits: what is timed is the asking.
RULE = RateRule(name="wide", scope=Scope.IP, limit=1_000_000_000, interval_s=1.0)
GRANTS = (Grant("bench:ip:wide", RULE, 1), Grant("bench:account:wide", RULE, 1))
LOCAL_AIM_US, REDIS_AIM_US = 50.0, 1000.0


def run() -> list[Result]:
    theirs = _ccxt_us()
    local = _us(LocalLimiter())
    with tempfile.TemporaryDirectory(prefix="cts-bench-") as folder:
        shared = _over_redis_us(Path(folder))
    return [
        _row("in this process", local, theirs, LOCAL_AIM_US),
        _row("shared through Redis", shared, theirs, REDIS_AIM_US),
    ]


def _row(where: str, ours: float, theirs: float, aim_us: float) -> Result:
    return Result(
        id="G1",
        what=f"a grant of two request budgets, {where} (theirs: ccxt's throttle, one process)",
        ours=round(ours, 2),
        theirs=round(theirs, 2),
        ratio=round(theirs / ours, 2),
        unit="µs",
        checked=f"every grant was given at once; at most {aim_us:g} µs: {'yes' if ours <= aim_us else 'NO'}",
    )


def _us(limiter: Limiter, *, calls: int = 20_000) -> float:
    def ask() -> None:
        if limiter.take(GRANTS, is_urgent=False):
            raise AssertionError("a grant had to wait")

    return 1e6 / per_second(ask, calls=calls)


def _over_redis_us(folder: Path) -> float:
    from cts.redis_server import redis_start

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "cts.settings",
        "CTS_DATA_DIR": str(folder),
        "CTS_LOG_DIR": str(folder / "logs"),
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
    }
    server = redis_start(port=port, directory=folder / "redis")
    try:
        import django

        django.setup()
        from apps.exchanges.limiter import SharedLimiter
        from cts import bus

        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                bus.client().ping()
                break
            except redis.RedisError:
                time.sleep(0.05)
        return _us(SharedLimiter(), calls=2_000)
    finally:
        server.terminate()
        server.wait(20)


def _ccxt_us() -> float:
    from ccxt.async_support.base.throttler import Throttler

    async def ask(calls: int) -> float:
        throttler = Throttler({"refillRate": 1e9, "delay": 0.0, "capacity": 1e9, "tokens": 1e9, "cost": 1.0})
        started = time.perf_counter()
        for _ in range(calls):
            await throttler(1.0)
        return (time.perf_counter() - started) / calls * 1e6

    return asyncio.run(ask(20_000))
