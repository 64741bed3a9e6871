"""A bad value stops the start with its name and the remedy; production refuses what only suits a laptop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "CTS_EMBEDDED": "false",
    "DATABASE_URL": "postgres://cts:pw@127.0.0.1/cts",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "CTS_SECRET_KEY": "0123456789abcdef" * 4,
    "CTS_ENCRYPTION_KEYS": "k1:" + "0123456789abcdef" * 4,
}


def started(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {"PATH": os.environ["PATH"], "CTS_DATA_DIR": str(tmp_path / "data"), "CTS_LOG_DIR": str(tmp_path / "logs")}
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", "print('it started')"],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"CTS_PORT": "many"}, "CTS_PORT='many' is not a number; set it to 1-65535"),
        ({"CTS_PORT": "70000"}, "CTS_PORT=70000 is outside 1-65535"),
        ({"CTS_EMBEDDED": "maybe"}, "CTS_EMBEDDED='maybe' is not a switch; use true or false"),
        ({"CTS_LOG_LEVEL": "loud"}, "CTS_LOG_LEVEL='LOUD' is not one of DEBUG, INFO, WARNING, ERROR"),
        ({**PRODUCTION, "CTS_SECRET_KEY": "short"}, "CTS_SECRET_KEY must be set to at least 50 characters"),
        ({**PRODUCTION, "CTS_SECRET_KEY": "0" * 64}, "openssl rand -hex 32"),
        ({**PRODUCTION, "CTS_ENCRYPTION_KEYS": ""}, "CTS_ENCRYPTION_KEYS must be set"),
        ({**PRODUCTION, "CTS_DEBUG": "true"}, "CTS_DEBUG must be off"),
        ({**PRODUCTION, "DATABASE_URL": ""}, "DATABASE_URL must name a PostgreSQL database"),
        ({**PRODUCTION, "REDIS_URL": ""}, "REDIS_URL must be set"),
    ],
)
def test_a_bad_value_stops_the_start_in_one_sentence(tmp_path: Path, environment: dict[str, str], told: str) -> None:
    ended = started(tmp_path, **environment)
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_bare_environment_starts_with_secrets_of_its_own(tmp_path: Path) -> None:
    assert "it started" in started(tmp_path).stdout
    assert "CTS_SECRET_KEY=" in (tmp_path / "data" / "install.env").read_text()


def test_production_starts_and_makes_no_secrets(tmp_path: Path) -> None:
    assert "it started" in started(tmp_path, **PRODUCTION).stdout
    assert not (tmp_path / "data" / "install.env").exists()
