"""Settings refuse bad values at start, naming the variable and the remedy, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).parent.parent
SECRETS = {
    "CTS_SECRET_KEY": "f3b1c9d27a5e4860" * 4,
    "CTS_ENCRYPTION_KEYS": "k1:" + "0123456789abcdef" * 4,
}
PRODUCTION = {
    "CTS_EMBEDDED": "false",
    "DATABASE_URL": "postgres://cts:x@db/cts",
    "REDIS_URL": "redis://redis/0",
    **SECRETS,
}


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    folders = {"CTS_DATA_DIR": str(folder / "data"), "CTS_LOG_DIR": str(folder / "logs"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", "import cts.settings as s; print(s.DEBUG, s.IS_EMBEDDED)"],
        env={**own, **folders, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("CTS_EMBEDDED", "maybe", "use true or false"),
        ("CTS_DEBUG", "2", "use true or false"),
        ("CTS_PORT", "http", "set it to 1-65535"),
        ("CTS_PORT", "0", "outside 1-65535"),
        ("CTS_LEASE_TTL_S", "nan", "outside 2-300"),
        ("CTS_API_RATE_USER", "0", "outside 1-1e+06"),
        ("CTS_TRUSTED_PROXIES", "-1", "outside 0-10"),
        ("CTS_LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR"),
        ("CTS_SECRET_KEY", "short", "openssl rand -hex 32"),
        ("CTS_SECRET_KEY", "a" * 64, "openssl rand -hex 32"),
        ("CTS_ENCRYPTION_KEYS", "k1:00", "openssl rand -hex 32"),
        ("CTS_DATA_DIR", "/proc/nowhere", "name another"),
        ("DATABASE_URL", "garbage", "postgres://"),
        ("DATABASE_URL", "mysql://x/y", "postgres://"),
        ("REDIS_URL", "localhost", "redis://"),
    ],
)
def test_a_bad_value_stops_the_start_with_its_name_and_the_remedy(
    tmp_path: Path, name: str, value: str, remedy: str
) -> None:
    answer = start(tmp_path, **{name: value})
    last = answer.stderr.strip().splitlines()[-1]
    assert answer.returncode != 0
    assert last.startswith("django.core.exceptions.ImproperlyConfigured")
    assert name in last
    assert remedy in last


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", "CTS_SECRET_KEY", "CTS_ENCRYPTION_KEYS"])
def test_production_starts_only_when_told_everything(tmp_path: Path, missing: str) -> None:
    answer = start(tmp_path, **{name: value for name, value in PRODUCTION.items() if name != missing})
    assert answer.returncode != 0
    assert missing in answer.stderr.strip().splitlines()[-1]


def test_production_never_shows_debug_pages(tmp_path: Path) -> None:
    answer = start(tmp_path, **PRODUCTION, CTS_DEBUG="true")
    assert "CTS_DEBUG must be off" in answer.stderr


def test_production_starts_when_told_everything(tmp_path: Path) -> None:
    answer = start(tmp_path, **PRODUCTION)
    assert (answer.returncode, answer.stdout) == (0, "False False\n")
    assert not (tmp_path / "data" / "install.env").exists()


def test_an_embedded_start_needs_nothing_and_makes_its_own_secrets(tmp_path: Path) -> None:
    answer = start(tmp_path)
    assert (answer.returncode, answer.stdout) == (0, "False True\n")
    made = tmp_path / "data" / "install.env"
    assert made.stat().st_mode & 0o077 == 0


def test_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    answer = start(tmp_path, CTS_SECRET_KEY="CANARY")
    assert "CANARY" not in answer.stderr + answer.stdout


@pytest.mark.django_db
def test_database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
