"""`make test`: the suite on SQLite, then what touches the database again on PostgreSQL. Ends with the runner's own words."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from tests.chromium import chromium_path
from tests.postgres import postgres_url

# Most tests wait for answers, time-outs and sockets for half of their time.
WORKERS = os.environ.get("CTS_TEST_WORKERS", str(2 * (os.cpu_count() or 2)))
# It starts all of CTS, several times over, and so has its own process beside the others.
WHOLE_INSTALL = "tests/platform/test_up.py"
# These are part of `make chaos`.
FAULT_RUNS = "tests/chaos"


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


class Suite:
    """One run of pytest. Its output is passed on as it comes, or, of one that runs beside another, when it is over."""

    def __init__(self, title: str, *options: str, is_beside: bool = False, **environment: str) -> None:
        self.title = title
        self._kept = tempfile.TemporaryFile("w+") if is_beside else None  # noqa: SIM115 - it lives as long as the run
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", *options],
            env=os.environ | environment,
            stdout=self._kept or subprocess.PIPE,
            text=True,
        )

    def result(self) -> tuple[bool, str]:
        """Whether it passed, and its summary line."""
        print(f"\n===== {self.title} =====", flush=True)
        summary = ""
        for line in self._lines():
            sys.stdout.write(line)
            sys.stdout.flush()
            summary = line.strip() or summary
        return self._process.wait() == 0, f"{self.title}: {summary}"

    def _lines(self) -> TextIO:
        if self._kept is None:
            assert self._process.stdout is not None
            return cast(TextIO, self._process.stdout)
        self._process.wait()
        self._kept.seek(0)
        return cast(TextIO, self._kept)


def all_suites(extra: list[str]) -> list[tuple[bool, str]]:
    """With a selection of one's own, one after the other; else beside each other, for each waits half of its time."""
    only = ["--database-only", "-m", "not browser"]  # what a browser shows doesn't depend on the database
    with postgres() as url:
        if extra:
            sqlite = Suite("SQLite", "-n", WORKERS, *extra, TEST_DATABASE_URL="").result()
            return [sqlite, Suite("PostgreSQL", "-n", WORKERS, *only, *extra, TEST_DATABASE_URL=url).result()]
        suites = [
            Suite("SQLite", "-n", WORKERS, f"--ignore={WHOLE_INSTALL}", f"--ignore={FAULT_RUNS}", TEST_DATABASE_URL=""),
            Suite("SQLite, a whole installation", WHOLE_INSTALL, is_beside=True, TEST_DATABASE_URL=""),
            Suite("PostgreSQL", "-n", "2", *only, is_beside=True, TEST_DATABASE_URL=url),
        ]
        return [suite.result() for suite in suites]


@contextmanager
def postgres() -> Iterator[str]:
    """The server named by the environment, else one of our own."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with postgres_url() as url:
        yield url


def main(extra: list[str]) -> int:
    started_at = time.monotonic()
    # As Ctrl-C does: the PostgreSQL server leaves with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    browser_install()
    results = all_suites(extra)
    print("\n" + "\n".join(summary for _, summary in results))
    print(f"{'passed' if all(is_ok for is_ok, _ in results) else 'FAILED'} in {time.monotonic() - started_at:.0f} s")
    return 0 if all(is_ok for is_ok, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
