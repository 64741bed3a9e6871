"""F3: import and first client, each in a fresh interpreter: wall time and resident memory above bare Python."""

import statistics
import subprocess
import sys

from benchmarks.harness import Result

_PROBE = """
import time
def resident_mb():
    with open("/proc/self/status") as status:
        return int(next(l for l in status if l.startswith("VmRSS")).split()[1]) / 1024
before, started = resident_mb(), time.perf_counter()
{code}
print(time.perf_counter() - started, resident_mb() - before, len(client_symbols))
"""
_OURS = """
from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.registry import connector_create
from cts.domain.types import Environment, Market
client = connector_create("{name}", credentials=Credentials(api_key="k", api_secret="s"), target=Target(environment=Environment.LIVE, market=Market.LINEAR))
client_symbols = [client]
"""
_THEIRS = """
import ccxt
client = ccxt.{theirs}({{"apiKey": "k", "secret": "s"}})
client_symbols = [client]
"""
PEERS = {"bybit": "bybit", "binance": "binanceusdm", "bingx": "bingx", "okx": "okx"}


def run() -> list[Result]:
    results = []
    for name, theirs in PEERS.items():
        ours_s, ours_mb = _measure(_OURS.format(name=name))
        theirs_s, theirs_mb = _measure(_THEIRS.format(theirs=theirs))
        checked = "each built one usable client in a fresh interpreter"
        results += [
            Result(
                id="F3",
                what=f"{name}: import and first client, time",
                ours=round(ours_s, 4),
                theirs=round(theirs_s, 4),
                ratio=round(theirs_s / ours_s, 2),
                unit="s",
                checked=checked,
            ),
            Result(
                id="F3",
                what=f"{name}: import and first client, memory",
                ours=round(ours_mb, 1),
                theirs=round(theirs_mb, 1),
                ratio=round(theirs_mb / ours_mb, 2),
                unit="MB",
                checked=checked,
            ),
        ]
    return results


def _measure(code: str) -> tuple[float, float]:
    runs = [_once(code) for _ in range(7)]
    return statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs)


def _once(code: str) -> tuple[float, float]:
    answer = subprocess.run(
        [sys.executable, "-c", _PROBE.format(code=code)], capture_output=True, text=True, check=True
    )
    seconds, megabytes, _ = answer.stdout.split()
    return float(seconds), float(megabytes)
