"""Where the client lives: a virtual environment made once and kept in the user's cache, and a process that obeys."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any

VERSION = "3.1.20"
# All of it by version: the client is not developed any more, and what it stands on is to stay as it was seen to work.
PACKAGES = (
    f"ccxt=={VERSION}", "aiodns==4.0.4", "aiohappyeyeballs==2.7.1", "aiohttp==3.10.11", "aiosignal==1.4.0",
    "attrs==26.1.0", "certifi", "cffi==2.1.1", "charset-normalizer==3.5.3", "cryptography==50.0.2",
    "frozenlist==1.8.0", "idna==3.20", "multidict==6.9.1", "propcache==0.5.4", "pycares==5.2.1", "pycparser==3.12",
    "requests==2.34.2", "typing_extensions==4.16.0", "urllib3==2.8.0", "yarl==1.25.1",
)  # fmt: skip
WORKER = Path(__file__).with_name("worker.py")


class Unobtainable(Exception):
    """The environment can't be made here: no way to PyPI, or nothing there for this Python."""


class Refused(Exception):
    """An error of the client's; `kinds` are the names of its class and of those above it."""

    def __init__(self, kinds: list[str], message: str) -> None:
        super().__init__(f"{kinds[0]}: {message}")
        self.kinds = kinds


def interpreter() -> Path:
    """The environment's Python; making it takes a minute, the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cts"
    python = f"{sys.version_info.major}{sys.version_info.minor}"
    folder = cache / f"btcex-{VERSION}-{python}-{sha256(' '.join(PACKAGES).encode()).hexdigest()[:8]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder))
            _run(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES)
            (folder / "complete").touch()
    return folder / "bin" / "python"


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if ended.returncode:
        raise Unobtainable(f"{command[1:4]} failed: {ended.stderr.strip()[-300:]}")


class Client:
    """The client by its own names: `client("fetch_ticker", symbol)`."""

    def __init__(self, **settings: Any) -> None:
        """`rest` and `ws` are addresses, `key` and `secret` the account's; none of them for work without a network."""
        self._process = subprocess.Popen(
            [str(interpreter()), "-I", str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ask(settings)

    def __call__(self, name: str, *args: Any) -> Any:
        return self._ask({"call": name, "args": args})

    def watch(self, name: str, *args: Any) -> int:
        """Begin to listen; the number of what will have been heard."""
        return int(self._ask({"watch": name, "args": args}))

    def heard(self, number: int) -> Any:
        return self._ask({"heard": number})

    def set(self, name: str, value: Any) -> None:
        self._ask({"set": name, "value": value})

    def rate(self, kind: str, *, calls: int, **options: Any) -> Any:
        """Calls a second of one piece of the client, and what it gave."""
        return self._ask({"rate": kind, "calls": calls, **options})

    def _ask(self, what: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The client's process ended")
        answer = json.loads(line)
        if "kinds" in answer:
            raise Refused(answer["kinds"], answer["message"])
        return answer["result"]

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(10)
