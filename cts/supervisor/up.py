"""The way from nothing to a running CTS: ports, Redis, migrations, processes, demo, health, and back down again."""

import fcntl
import ipaddress
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from cts.embedded import STARTING, install_update
from cts.redis_server import redis_binary, redis_configuration
from cts.supervisor.child import Child
from cts.supervisor.ports import port_pick, port_wait
from cts.supervisor.probe import HealthProbe, http_get
from cts.supervisor.procfile import procfile_read, shell_argv
from cts.supervisor.supervisor import Supervisor

HEALTHY_TIMEOUT_S = 180.0


class UpRefused(Exception):
    """CTS can't start; the message is one sentence with the remedy."""


@dataclass(frozen=True, kw_only=True)
class UpPlan:
    """What `up` needs to know of the settings."""

    base_dir: Path
    data_dir: Path
    log_dir: Path
    host: str
    port: int
    host_header: str
    is_embedded: bool
    is_redis_private: bool
    is_paper_port_chosen: bool  # by the environment, and so not ours to change
    paper_port: int
    install: dict[str, str] = field(repr=False)
    demo_password: str = field(repr=False)


class Up:
    def __init__(self, plan: UpPlan, *, say: Callable[[str], None], only: list[str]) -> None:
        self._plan = plan
        self._say = say
        self._commands = _chosen(procfile_read(plan.base_dir / "Procfile"), only)
        self._install = dict(plan.install)
        self._supervisor = Supervisor(say=say)
        self._starting = plan.data_dir / STARTING

    def run(self) -> int:
        """Until told to stop. The exit code: 0 after an orderly stop, 1 when the start failed."""
        self._supervisor.listen()
        with _alone_on(self._plan.data_dir):
            self._ports_choose()
            try:
                self._start()
                self._supervisor.run()
            finally:
                self._starting.unlink(missing_ok=True)
                self._say("Stopping (press Ctrl-C again to hurry)")
                started_at = time.monotonic()
                self._supervisor.stop()
                self._say(f"Stopped in {time.monotonic() - started_at:.1f} s; nothing is left running")
        return 0

    def _start(self) -> None:
        supervisor = self._supervisor
        started_at = time.monotonic()
        self._starting.touch()
        if self._plan.is_redis_private:
            self._redis_start()
        self._step("migrate", "migrate", "--noinput", timeout_s=600)
        self._say("Database ready")
        for name, command in self._commands.items():
            supervisor.add(self._child(name, shell_argv(command)))
        self._say(f"Started {', '.join(self._commands)}")
        if self._plan.is_embedded and "paper" in self._commands:
            self._paper_wait()
            self._step("seed_demo", "seed_demo", timeout_s=300)
        self._starting.unlink()
        if "web" in self._commands and not supervisor.is_stopping:
            self._healthy_wait(started_at)

    def _ports_choose(self) -> None:
        plan = self._plan
        if "web" in self._commands:
            _port_demand(plan.host, plan.port, variable="CTS_PORT")
        if "paper" in self._commands and plan.is_paper_port_chosen:
            _port_demand("127.0.0.1", plan.paper_port, variable="CTS_PAPER_PORT")
        if not plan.is_embedded:
            return
        ports = {name: str(port_pick(plan.install.get(name))) for name in ("CTS_REDIS_PORT", "CTS_PAPER_PORT")}
        self._install = install_update(plan.data_dir, **ports)

    @property
    def _paper_port(self) -> int:
        is_ours = self._plan.is_embedded and not self._plan.is_paper_port_chosen
        return int(self._install["CTS_PAPER_PORT"]) if is_ours else self._plan.paper_port

    def _environment(self, name: str) -> dict[str, str]:
        plan = self._plan
        binaries = Path(sys.executable).parent
        return os.environ | {
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "CTS_PROCESS": name,
            "CTS_LOG_STDERR": "false",  # the log files have it all; stderr is left for what can't be logged
            "CTS_HOST": plan.host,
            "CTS_PORT": str(plan.port),
            "CTS_PAPER_PORT": str(self._paper_port),
            "CTS_DATA_DIR": str(plan.data_dir),
            "CTS_LOG_DIR": str(plan.log_dir),
        }

    def _child(self, name: str, argv: list[str], *, stdin_text: str = "") -> Child:
        output = self._plan.log_dir / f"{name}.out"
        return Child(name, argv, env=self._environment(name), output=output, stdin_text=stdin_text)

    def _redis_start(self) -> None:
        directory = self._plan.data_dir / "redis"
        directory.mkdir(parents=True, exist_ok=True)
        port, password = int(self._install["CTS_REDIS_PORT"]), self._install["CTS_REDIS_PASSWORD"]
        text = redis_configuration(port=port, directory=directory, password=password)
        self._supervisor.add(self._child("redis", [redis_binary(), "-"], stdin_text=text))
        client = redis.Redis(host="127.0.0.1", port=port, password=password, socket_timeout=1)
        if not self._supervisor.until(lambda: _answers(client), timeout_s=20) and not self._supervisor.is_stopping:
            raise UpRefused(f"The private Redis server did not start; see {self._plan.log_dir / 'redis.out'}")
        self._say(f"Redis ready on port {port}")

    def _step(self, name: str, *arguments: str, timeout_s: float) -> None:
        if self._supervisor.is_stopping:
            return
        child = self._child(name, [sys.executable, "manage.py", *arguments])
        if not self._supervisor.step(child, timeout_s=timeout_s) and not self._supervisor.is_stopping:
            raise UpRefused(f"`manage.py {name}` failed ({child.last_line()}); see {self._plan.log_dir / name}.out")

    def _paper_wait(self) -> None:
        def is_up() -> bool:
            return http_get("127.0.0.1", self._paper_port, "/_health", timeout_s=1)[0] == 200

        if not self._supervisor.until(is_up, timeout_s=90) and not self._supervisor.is_stopping:
            raise UpRefused(f"The paper venue did not start; see {self._plan.log_dir / 'paper.out'}")
        self._say(f"Paper venue ready on port {self._paper_port}")

    def _healthy_wait(self, started_at: float) -> None:
        plan = self._plan
        host = _reachable(plan.host)
        probe = HealthProbe(host, plan.port, say=self._say, host_header=plan.host_header)
        if self._supervisor.until(probe, timeout_s=HEALTHY_TIMEOUT_S):
            self._say(f"Healthy after {time.monotonic() - started_at:.0f} s")
        elif not self._supervisor.is_stopping:
            self._say(f"Not healthy yet ({'; '.join(probe.pending)}); it keeps trying, `manage.py doctor` says more")
        if self._supervisor.is_stopping:
            return
        self._say(f"\n  CTS is at http://{host}:{plan.port}/")
        if plan.is_embedded:
            self._say(f"  Sign in as demo with the password {plan.demo_password} (or your own, if you changed it)")
        self._say(f"  Ctrl-C stops it all. Logs: {plan.log_dir}\n")


def _chosen(commands: dict[str, str], only: list[str]) -> dict[str, str]:
    if unknown := [name for name in only if name not in commands]:
        raise UpRefused(f"The Procfile has no process {', '.join(unknown)}; it has {', '.join(commands)}")
    return {name: command for name, command in commands.items() if not only or name in only}


def _reachable(host: str) -> str:
    """Where to ask a server that listens on `host`: one that listens everywhere also answers on loopback."""
    try:
        return "127.0.0.1" if ipaddress.ip_address(host).is_unspecified else host
    except ValueError:
        return host or "127.0.0.1"


def _port_demand(host: str, port: int, *, variable: str) -> None:
    if not port_wait(port, host=host):
        raise UpRefused(
            f"Port {port} is already in use; stop what uses it or choose another: {variable}={port + 10} make run"
        )


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def data_dir_close(data_dir: Path) -> None:
    """Nobody else on this machine may look into it, nor into the databases an earlier start may have left open."""
    data_dir.mkdir(parents=True, exist_ok=True)
    data_dir.chmod(0o700)
    for database in data_dir.glob("*.sqlite3*"):
        database.chmod(0o600)


@contextmanager
def _alone_on(data_dir: Path) -> Iterator[None]:
    """Two supervisors on one data folder would fight over its database and its ports."""
    data_dir_close(data_dir)
    with (data_dir / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpRefused(
                f"CTS already runs from {data_dir}; stop it first, or set another CTS_DATA_DIR and CTS_PORT"
            ) from None
        yield
