"""Each rule of `make lint` that is ours fails on what it forbids: a planted import, a host name, a machine's path."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint import HOST, MACHINE_PATH, hosts_found, machine_paths_found

ROOT = Path(__file__).resolve().parents[2]
# Put together here, so that this file doesn't hold what it looks for.
HOME, PROJECT = "/" + "home/jane/x.py", "/" + "root/.cache"


@pytest.mark.parametrize(
    "line", ["--index-url x", "a @ https://files.test/a.whl", '"resolved": "https://npm.test/a.tgz"', "-e file:../a"]
)
def test_a_host_in_a_lock_file_is_found(line: str) -> None:
    assert HOST.search(line)


@pytest.mark.parametrize("line", ["amqp==5.4.2 \\", "    --hash=sha256:9362660c", '"version": "5.2.1"'])
def test_a_pin_is_no_host(line: str) -> None:
    assert not HOST.search(line)


@pytest.mark.parametrize("line", [f"see {HOME}", f'"{PROJECT}"', f"cd {HOME}"])
def test_a_path_of_somebodys_machine_is_found(line: str) -> None:
    assert MACHINE_PATH.search(line)


@pytest.mark.parametrize("line", ["/api/v1/work/", "/usr/bin/env bash", "apps/root/x", "$HOME/work/cts", "/proc/self"])
def test_other_paths_are_not(line: str) -> None:
    assert not MACHINE_PATH.search(line)


def test_the_repository_has_neither() -> None:
    assert hosts_found() == []
    assert machine_paths_found() == []


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code alone, to plant things in."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("cts", "apps", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken_contracts(tree: Path) -> str:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=tree, env=os.environ, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("apps/orders/rows.py", "import apps.engine.models", "The ladder of apps"),
        ("apps/accounts/models.py", "import apps.exchanges.models", "The ladder of apps"),
        ("cts/db.py", "import apps.accounts.models", "The ladder of apps"),
        ("cts/domain/units.py", "import random", "The domain is pure"),
        ("apps/exchanges/connectors/base.py", "import django.db", "Connectors know no Django"),
        ("cts/bus.py", "import tests.chromium", "Nobody but the composition root imports the tests"),
    ],
)
def test_a_planted_import_breaks_its_contract(tree: Path, module: str, planted: str, contract: str) -> None:
    path = tree / module
    before = path.read_text()
    path.write_text(f"{before}\n{planted}\n")
    try:
        told = broken_contracts(tree)
    finally:
        path.write_text(before)
    assert f"{contract} BROKEN" in told
