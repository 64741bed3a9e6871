"""The Procfile is the one list of processes; here it is read."""

import re
from pathlib import Path

_LINE = re.compile(r"^([a-z][a-z0-9_-]*):\s*(\S.*)$")


def procfile_read(path: Path) -> dict[str, str]:
    """Name -> shell command, in the file's order."""
    matches = (_LINE.match(line) for line in path.read_text().splitlines())
    return {match[1]: match[2] for match in matches if match}


def shell_argv(command: str) -> list[str]:
    """Through the shell, for `${NAME:-default}`; `exec`, so that our signals reach the process and not its shell."""
    return ["/bin/sh", "-c", f"exec {command}"]
