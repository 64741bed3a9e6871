"""`make soak`: the whole product with its six engines, API clients and open pages, for `MINUTES`; then a verdict.

Writes `benchmarks/soak.svg` and its row of `benchmarks/reliability.json`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http import HTTPStatus
from pathlib import Path

import psutil
import requests

from tests.figures import figure_write
from tests.install import PASSWORD, ROOT, Install
from tests.soak.load import Tally, clients_start, sockets_start
from tests.soak.measure import Meter
from tests.soak.picture import picture

EVERY_S, HEALTHY_WITHIN_S = 5.0, 300.0
NO_LIMIT = "1000000"


def main() -> int:
    minutes, clients, sockets = (
        float(os.environ.get(name, default))
        for name, default in (("MINUTES", "10"), ("CLIENTS", "100"), ("SOCKETS", "500"))
    )
    with tempfile.TemporaryDirectory(prefix="cts-soak-") as folder:
        rates = dict.fromkeys(("CTS_API_RATE_USER", "CTS_API_RATE_TOKEN", "CTS_API_RATE_ADDRESS"), NO_LIMIT)
        install = Install(Path(folder), **rates).up()
        assert install.process is not None
        base = f"http://127.0.0.1:{install.port}"
        try:
            token = _signed_in(base, install)
            return _soaked(
                base, token, install.process, seconds=minutes * 60, clients=int(clients), sockets=int(sockets)
            )
        finally:
            install.interrupt()


def _signed_in(base: str, install: Install) -> str:
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while install.health()[0] != HTTPStatus.OK:
        if time.monotonic() > deadline:
            raise RuntimeError("it did not get healthy")
        time.sleep(1)
    answer = requests.post(f"{base}/api/v1/auth/token/", json={"username": "demo", "password": PASSWORD}, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["access"])


def _soaked(
    base: str, token: str, process: "subprocess.Popen[bytes]", *, seconds: float, clients: int, sockets: int
) -> int:
    tally, over, meter = Tally(), threading.Event(), Meter(psutil.Process(process.pid))
    clients_start(base, token, count=clients, tally=tally, over=over)
    sockets_start(base, token, count=sockets, tally=tally, over=over)
    answers = frames = 0
    while meter.elapsed_s < seconds:
        time.sleep(EVERY_S)
        sample = meter.look(tally.taken())
        answers, frames = answers + sample.answers, frames + sample.frames
        print(
            f"{sample.at_s:6.0f} s  {sample.answers:5d} answers, 99 of 100 in {sample.answer_p99_s:.2f} s;"
            f" {sample.frames:6d} frames, prices {sample.lag_p99_s:.2f} s old; {sample.queued} queued;"
            f" {len(tally.errors)} errors",
            flush=True,
        )
    over.set()
    time.sleep(2.5)
    found = [*dict.fromkeys(tally.errors[:20]), *meter.growth(warm_s=min(120.0, seconds / 4))]
    (ROOT / "benchmarks" / "soak.svg").write_text(picture(meter.processes, meter.samples))
    slow = statistics.quantiles([sample.answer_p99_s for sample in meter.samples], n=20)[-1]
    row = {
        "what": f"{clients} API clients, {sockets} open pages and six engines for {seconds / 60:g} minutes",
        "runs": 1,
        "failures": int(bool(found)),
        "found": found,
        "answers": answers,
        "frames": frames,
        "errors": len(tally.errors),
        "answer_p99_s": round(slow, 3),
    }
    figure_write("R10", row)
    print("\n".join(f"!! {each}" for each in found))
    print(
        f"soak: {answers} answers, {frames} frames, {len(tally.errors)} errors; {'FAILED' if found else 'nothing grew'}"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
