"""`make test`: the suite on SQLite, then what touches the database again on PostgreSQL. Ends with the runner's own words."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tests.chromium import chromium_path
from tests.postgres import postgres_url

WORKERS = os.environ.get("CTS_TEST_WORKERS", "2")


def browser_install() -> None:
    """The page tests need a Chromium; root of a Debian machine can get one, others are told loudly."""
    if chromium_path() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("No Chromium found; installing it with apt-get …", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "chromium"]):
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    if chromium_path() is None:
        print(
            "!!! NO CHROMIUM: the tests of the pages in a real browser will be SKIPPED. Install chromium.", flush=True
        )


def suite_run(title: str, *options: str, **environment: str) -> tuple[bool, str]:
    """One run of pytest, its output passed on as it comes; whether it passed, and its summary line."""
    print(f"\n===== {title} =====", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", WORKERS, *options]
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    summary = ""
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        summary = line.strip() or summary
    return process.wait() == 0, f"{title}: {summary}"


def on_sqlite(extra: list[str]) -> tuple[bool, str]:
    return suite_run("SQLite", *extra, TEST_DATABASE_URL="")


def on_postgres(extra: list[str]) -> tuple[bool, str]:
    # What only a browser shows is shown above; here it is the database's turn.
    options = ["--database-only", "-m", "not browser", *extra]
    if url := os.environ.get("TEST_DATABASE_URL"):
        return suite_run("PostgreSQL", *options, TEST_DATABASE_URL=url)
    with postgres_url() as url:
        return suite_run("PostgreSQL", *options, TEST_DATABASE_URL=url)


def main(extra: list[str]) -> int:
    started_at = time.monotonic()
    # As Ctrl-C does: the PostgreSQL server leaves with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    browser_install()
    runs: list[Callable[[list[str]], tuple[bool, str]]] = [on_sqlite, on_postgres]
    results = [run(extra) for run in runs]
    print("\n" + "\n".join(summary for _, summary in results))
    print(f"{'passed' if all(is_ok for is_ok, _ in results) else 'FAILED'} in {time.monotonic() - started_at:.0f} s")
    return 0 if all(is_ok for is_ok, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
