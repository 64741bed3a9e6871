"""Dead children come back, drained ones leave in order, and nothing outlives its supervisor."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cts.supervisor.child import Backoff, Child
from cts.supervisor.ports import port_is_free, port_pick, port_wait
from cts.supervisor.procfile import procfile_read, shell_argv
from cts.supervisor.supervisor import Supervisor
from cts.supervisor.up import data_dir_close

ROOT = Path(__file__).resolve().parents[2]


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def supervisor(told: Told, tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(say=told)
    yield running
    running.is_hurried = True
    running.stop()


def child(tmp_path: Path, name: str, command: str) -> Child:
    return Child(name, shell_argv(command), env=os.environ, output=tmp_path / f"{name}.out")


def test_the_procfile_names_every_process_of_the_product() -> None:
    assert list(procfile_read(ROOT / "Procfile")) == ["web", "engine", "worker", "beat", "paper"]


def test_waits_double_up_to_thirty_seconds_and_start_anew_after_a_minute_of_life() -> None:
    backoff = Backoff()
    assert [backoff.wait_s(lived_s=0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert [backoff.wait_s(lived_s=61), backoff.wait_s(lived_s=0)] == [1, 2]


def test_a_killed_child_is_started_again_and_told_in_one_line(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    one = child(tmp_path, "engine", "sleep 60")
    supervisor.add(one)
    first = one.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert supervisor.until(lambda: one.is_running and one.pid != first, timeout_s=5)
    assert told.lines == ["engine ended (signal 9); starting it again in 1 s"]


def test_a_child_that_fails_tells_its_last_words(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    supervisor.add(child(tmp_path, "web", "sh -c 'echo no such setting; exit 3'"))
    supervisor.until(lambda: bool(told.lines), timeout_s=5)
    assert told.lines == ["web ended (exit 3: no such setting); starting it again in 1 s"]


LEAVES_A_NOTE = """
import signal, sys, time
def bye(*_):
    time.sleep(0.1)
    with open(sys.argv[1], "a") as order:
        order.write(sys.argv[2] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, bye)
print("ready", flush=True)
time.sleep(60)
"""


def test_engines_are_drained_before_what_they_need_goes(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    names = ("redis", "paper", "web", "worker", "engine")
    for name in names:
        argv = [sys.executable, "-c", LEAVES_A_NOTE, str(order), name]
        supervisor.add(Child(name, argv, env=os.environ, output=tmp_path / f"{name}.out"))
    wait_for(lambda: all((tmp_path / f"{name}.out").read_text() == "ready\n" for name in names))
    supervisor.stop()
    left = order.read_text().split()
    assert left[0] == "engine"
    assert set(left[1:3]) == {"web", "worker"}
    assert set(left[3:]) == {"paper", "redis"}


def test_a_child_that_will_not_leave_is_killed_when_hurried(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    stubborn = child(tmp_path, "web", """sh -c 'trap "" TERM; while :; do sleep 0.1; done'""")
    supervisor.add(stubborn)
    time.sleep(0.2)
    supervisor.is_hurried = True
    supervisor.stop()
    assert not stubborn.is_running
    assert told.lines == ["web did not stop in time; it was killed"]


def test_what_a_dead_child_left_behind_is_swept(supervisor: Supervisor, tmp_path: Path) -> None:
    grandchild = tmp_path / "grandchild"
    supervisor.add(child(tmp_path, "worker", f"sh -c 'sleep 600 & echo $! > {grandchild}; exit 1'"))
    supervisor.until(lambda: bool(supervisor.children[0].restart_at), timeout_s=5)
    pid = int(grandchild.read_text())
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


SCRIPT = """
import os, sys
from pathlib import Path
from cts.supervisor.child import Child
from cts.supervisor.supervisor import Supervisor
from cts.supervisor.up import data_dir_close
folder = Path(sys.argv[1])
supervisor = Supervisor(say=print)
supervisor.listen()
for name in ("engine", "web"):
    child = Child(name, ["/bin/sleep", "600"], env=os.environ, output=folder / f"{name}.out")
    supervisor.add(child)
    (folder / f"{name}.pid").write_text(str(child.pid))
(folder / "ready").touch()
supervisor.run()
supervisor.stop()
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A supervisor as a process of its own, in its own group, with two children."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, start_new_session=True)
    wait_for((tmp_path / "ready").exists)
    yield process
    process.kill()
    process.wait()


def pids(tmp_path: Path) -> list[int]:
    return [int(path.read_text()) for path in tmp_path.glob("*.pid")]


def all_gone(tmp_path: Path) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids(tmp_path))


def test_ctrl_c_of_the_whole_terminal_stops_everyone(running: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    assert len(pids(tmp_path)) == 2
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(10) == 0
    assert all_gone(tmp_path)


def test_children_die_with_a_supervisor_that_was_killed(running: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    running.kill()
    running.wait()
    wait_for(lambda: all_gone(tmp_path), timeout_s=5)


def test_a_busy_port_is_seen_and_another_one_picked() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        busy = server.getsockname()[1]
        assert not port_is_free(busy)
        assert port_pick(str(busy)) != busy
        assert not port_wait(busy, timeout_s=60), "somebody serves it: there is nothing to wait for"
    assert port_pick(str(busy)) == busy


def test_a_port_an_outgoing_connection_borrowed_is_waited_for() -> None:
    with socket.socket() as borrower:
        borrower.bind(("127.0.0.1", 0))
        port = borrower.getsockname()[1]
        assert not port_wait(port, timeout_s=0.2)
        threading.Timer(0.3, borrower.close).start()
        assert port_wait(port, timeout_s=10)


def test_what_children_write_is_for_their_owner_alone(tmp_path: Path) -> None:
    writer = child(tmp_path, "writer", f"/bin/sh -c 'mkdir {tmp_path}/made; touch {tmp_path}/made/cts.sqlite3'")
    writer.start()
    wait_for(lambda: not writer.is_running)
    made = tmp_path / "made"
    assert [path.stat().st_mode & 0o777 for path in (made, made / "cts.sqlite3")] == [0o700, 0o600]


def test_a_data_folder_left_open_is_closed_with_its_databases(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    databases = [folder / name for name in ("cts.sqlite3", "cts.sqlite3-wal", "paper.sqlite3")]
    for database in databases:
        database.touch(mode=0o644)
    data_dir_close(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {database.stat().st_mode & 0o777 for database in databases} == {0o600}
