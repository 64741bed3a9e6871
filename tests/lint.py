"""`make lint`: every check of the text itself. All run, so that one look shows all there is to mend."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARIES = Path(sys.executable).parent
OURS = ("cts", "apps", "tests", "benchmarks", "manage.py")
LOCKS = ("requirements/*.txt", "requirements/*.in", "package-lock.json", "package.json")

# A lock file that names a host pins whoever uses it to that host.
HOST = re.compile(r"(?:https?|git|ssh)://|--(?:extra-)?index-url|--find-links|--trusted-host|\bfile:")
# A path of the machine somebody worked on means nothing on another one.
MACHINE_PATH = re.compile(r"(?<![\w./~$}-])/(?:home|Users|root|work|workspace|mnt)/[\w.-]+|[A-Z]:\\\\Users\\\\")
_HERE = "tests/lint.py"


def tracked() -> list[Path]:
    """The repository's files: known to git, or about to be."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return [ROOT / name for name in answer.stdout.splitlines() if (ROOT / name).is_file()]
    # A copy without its history: what .gitignore names is left out by hand.
    left_out = {"node_modules", "var", "__pycache__", "logs"}
    folders = [path for path in ROOT.iterdir() if path.name not in left_out and not path.name.startswith(".")]
    files = [path for folder in [*folders, ROOT / ".ci"] for path in [folder, *folder.rglob("*")]]
    return [path for path in files if path.is_file() and not left_out & set(path.parts)]


def hosts_found() -> list[str]:
    files = [path for pattern in LOCKS for path in ROOT.glob(pattern)]
    return [f"{path.relative_to(ROOT)}:{line}" for path in files for line in _lines_with(HOST, path)]


def machine_paths_found() -> list[str]:
    files = [path for path in tracked() if path.relative_to(ROOT).as_posix() != _HERE]
    return [f"{path.relative_to(ROOT)}:{line}" for path in files for line in _lines_with(MACHINE_PATH, path)]


def _lines_with(pattern: re.Pattern[str], path: Path) -> list[str]:
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return []
    return [f"{number}: {line.strip()[:120]}" for number, line in enumerate(lines, start=1) if pattern.search(line)]


def _tool(*command: str) -> Callable[[], list[str]]:
    def run() -> list[str]:
        with tempfile.TemporaryDirectory(prefix="cts-lint-") as folder:
            places = {"CTS_DATA_DIR": f"{folder}/data", "CTS_LOG_DIR": f"{folder}/logs", "CTS_LOG_DATABASE": "false"}
            argv = [str(BINARIES / command[0]), *command[1:]]
            ended = subprocess.run(argv, cwd=ROOT, env=os.environ | places, capture_output=True, text=True, check=False)
        return [] if ended.returncode == 0 else (ended.stdout + ended.stderr).strip().splitlines()

    return run


CHECKS: dict[str, Callable[[], list[str]]] = {
    "ruff check": _tool("ruff", "check", *OURS),
    "ruff format": _tool("ruff", "format", "--check", *OURS),
    "layers": _tool("lint-imports"),
    "types": _tool("mypy", "cts", "apps", "tests"),
    "system checks": _tool("python", "manage.py", "check", "--fail-level", "WARNING"),
    "migrations": _tool("python", "manage.py", "makemigrations", "--check", "--dry-run"),
    "API schema": _tool("python", "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull),
    # Low severities are ruff's S rules, which know our `noqa`s.
    "security": _tool("bandit", "-q", "-ll", "-ii", "-r", "cts", "apps"),
    "no host names in lock files": hosts_found,
    "no machine paths": machine_paths_found,
}


def main(only: list[str]) -> int:
    failed = []
    for name, check in CHECKS.items():
        if only and name not in only:
            continue
        started_at = time.monotonic()
        problems = check()
        print(f"{'ok    ' if not problems else 'FAILED'} {name} ({time.monotonic() - started_at:.0f} s)", flush=True)
        if problems:
            failed.append(name)
            print("\n".join(f"    {line}" for line in problems[:200]), flush=True)
    print(f"lint: {len(failed)} failed ({', '.join(failed)})" if failed else "lint: all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
