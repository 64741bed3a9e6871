"""`manage.py up` as a newcomer meets it: everything comes up by itself, what dies comes back, Ctrl-C leaves nothing."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.exchanges.connectors.registry import EXCHANGES
from cts.supervisor.ports import port_pick
from tests.install import ROOT, Install

pytestmark = [pytest.mark.slow, pytest.mark.wire, pytest.mark.timeout(600)]


def wait_for(condition: Callable[[], bool], timeout_s: float, told: Callable[[], str]) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    running = Install(tmp_path_factory.mktemp("install")).up()
    wait_for(lambda: "Sign in as demo" in running.told(), 300, running.told)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.kill()


def test_it_tells_where_it_is_and_how_to_sign_in(install: Install) -> None:
    assert install.health()[1]["engines"]["detail"] == f"{len(EXCHANGES)} as wanted"
    assert f"http://127.0.0.1:{install.port}/" in install.told()
    assert set(install.children()) == {"web", "engine", "worker", "beat", "paper", "redis"}


def test_the_secrets_are_in_no_list_of_processes_and_no_log(install: Install) -> None:
    secrets = dict(line.split("=", 1) for line in (install.folder / "data/install.env").read_text().splitlines())
    private = [value for name, value in secrets.items() if not name.endswith("_PORT")]
    commands = " ".join(" ".join(child.cmdline()) for child in install.children().values())
    logs = " ".join(path.read_text() for path in (install.folder / "logs").iterdir())
    assert [value for value in private if value in commands or value in logs] == []


def test_a_killed_engine_process_is_started_again_and_healthy(install: Install) -> None:
    first = install.children()["engine"]
    first.kill()
    wait_for(lambda: "engine ended (signal 9); starting it again in 1 s" in install.told(), 10, install.told)
    wait_for(lambda: "engine" in install.children(), 10, install.told)
    restarted_at = time.monotonic()
    wait_for(lambda: install.engines_beat_since(restarted_at), 60, install.told)
    assert install.children()["engine"].pid != first.pid


def test_a_second_supervisor_on_the_same_data_is_refused(install: Install) -> None:
    environment = install.environment | {"CTS_PORT": str(port_pick(None))}
    again = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert "CTS already runs from" in again.stderr


def test_a_busy_port_is_one_sentence_with_the_remedy(install: Install, tmp_path: Path) -> None:
    environment = install.environment | {"CTS_DATA_DIR": str(tmp_path)}
    refused = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Port {install.port} is already in use; stop what uses it or choose another:")
    assert len(refused.stderr.strip().splitlines()) == 1


def test_ctrl_c_leaves_nothing_and_the_next_start_goes_on_with_the_same_data(install: Install) -> None:
    before = list(install.children().values())
    assert install.interrupt() < 25
    assert [child for child in before if child.is_running()] == []
    secrets = (install.folder / "data/install.env").read_text()
    install.up()
    seeded = install.folder / "logs/seed_demo.out"
    wait_for(lambda: "Found demo with Bybit paper, Binance paper" in seeded.read_text(), 60, install.told)
    assert (install.folder / "data/install.env").read_text() == secrets
    install.interrupt()
