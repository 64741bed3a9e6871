"""An install makes its secrets once, keeps them to itself, and the environment always wins."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cts.embedded import install_update, install_values


def test_secrets_are_made_once(tmp_path: Path) -> None:
    assert install_values(tmp_path) == install_values(tmp_path)


def test_two_installs_share_no_secret(tmp_path: Path) -> None:
    first, second = install_values(tmp_path / "a"), install_values(tmp_path / "b")
    assert not set(first.values()) & set(second.values())


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    install_values(tmp_path)
    assert stat.S_IMODE((tmp_path / "install.env").stat().st_mode) == 0o600
    install_update(tmp_path, CTS_REDIS_PORT="4000")
    assert stat.S_IMODE((tmp_path / "install.env").stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_one_set(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(install_values, [tmp_path / "data"] * 32))
    assert all(values == found[0] for values in found)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["install.env"]


def test_what_is_remembered_later_keeps_the_secrets(tmp_path: Path) -> None:
    before = install_values(tmp_path)
    after = install_update(tmp_path, CTS_REDIS_PORT="4000")
    assert after == {**before, "CTS_REDIS_PORT": "4000"} == install_values(tmp_path)
