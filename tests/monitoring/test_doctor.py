"""The doctor names what is wrong with its mend, in words and as JSON, and says so by its exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from apps.exchanges.models import Connection
from apps.monitoring.doctor import examine

pytestmark = pytest.mark.django_db


def named(name: str) -> dict[str, object]:
    return next(vars(check) for check in examine() if check.name == name)


def test_every_complaint_comes_with_its_mend() -> None:
    bad = [check for check in examine() if not check.is_ok]
    assert {"workers", "beat"} <= {check.name for check in bad}, "no process of ours runs in this test"
    assert all(check.remedy for check in bad)


def test_the_exit_code_and_json_agree(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    checks = json.loads(capsys.readouterr().out)
    assert ended.value.code == (0 if all(check["is_ok"] for check in checks) else 1) == 1
    assert next(check for check in checks if check["name"] == "packages")["is_ok"]


def test_keys_that_no_longer_open_a_connection_are_found(
    connection_factory: Callable[..., Connection], settings: LazySettings
) -> None:
    connection = connection_factory()
    assert named("encryption_keys")["is_ok"]
    settings.ENCRYPTION_KEYS = "other:" + "fedcba9876543210" * 4
    told = named("encryption_keys")
    assert not told["is_ok"]
    assert str(connection.pk) in str(told["detail"])
    assert "CTS_ENCRYPTION_KEYS" in str(told["remedy"])


def test_secrets_others_may_read_are_found(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "install.env").touch(mode=0o644)
    assert not named("secrets_file")["is_ok"]
    (tmp_path / "install.env").chmod(0o600)
    assert named("secrets_file")["is_ok"]


def test_no_secret_is_shown(settings: LazySettings) -> None:
    told = " ".join(f"{check.detail} {check.remedy}" for check in examine())
    for secret in (settings.SECRET_KEY, settings.ENCRYPTION_KEYS, settings.DEMO_PASSWORD):
        assert secret not in told
