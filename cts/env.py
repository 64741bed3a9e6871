"""How the environment is read: each kind of value with its check. Which knobs there are is said in settings.py alone."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
_env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

_MAKE = {
    "CTS_SECRET_KEY": "openssl rand -hex 32",
    "CTS_ENCRYPTION_KEYS": 'echo "k1:$(openssl rand -hex 32)"',
}
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON;"
)


def text(name: str, default: str = "") -> str:
    return str(_env.str(name, default=default))


def words(name: str, default: list[str]) -> list[str]:
    return list(_env.list(name, default=default))


def folder(name: str, default: Path) -> Path:
    return Path(text(name, str(default))).resolve()


def choice(name: str, default: str, *, of: tuple[str, ...]) -> str:
    value = text(name, default).upper()
    if value not in of:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(of)}")
    return value


def number(name: str, default: float, *, low: float, high: float) -> float:
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a number; set it to {low:g}-{high:g}") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={raw} is outside {low:g}-{high:g}")
    return value


def switch(name: str, default: bool) -> bool:
    raw = text(name, str(default)).lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is not a switch; use true or false")


def address(name: str, *, schemes: tuple[str, ...], default: str = "") -> str:
    value = text(name, default)
    # The value may hold a password, so it isn't repeated.
    if value and value.partition("://")[0] not in schemes:
        raise ImproperlyConfigured(f"{name} is not an address we know; write it like {schemes[0]}://…")
    return value


def secret(name: str, *, minimum: int, default: str = "") -> str:
    value = text(name, default)
    if len(value) < minimum or len(set(value)) < 8:
        raise ImproperlyConfigured(
            f"{name} must be set to at least {minimum} characters that nobody can guess; make one with: {_MAKE[name]}"
        )
    return value


def database(name: str, *, default: str, pool: int, test_file: Path) -> dict[str, Any]:
    """Django's description of the database at that address, with what each kind needs to keep its promises."""
    config: dict[str, Any] = _env.db_url_config(address(name, schemes=("postgres", "postgresql", "sqlite")) or default)
    options = config.setdefault("OPTIONS", {})
    if "sqlite" in config["ENGINE"]:
        config["ENGINE"] = "cts.sqlite"
        # IMMEDIATE: a transaction takes the write lock at its start and waits for it, instead of failing half way.
        options |= {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": _SQLITE_PRAGMAS}
        # A file for the tests too: threads of one in-memory database share a cache, whose locks nobody waits for.
        config["TEST"] = {"NAME": str(test_file)}
    else:
        config["CONN_HEALTH_CHECKS"] = True
        options.setdefault("pool", {"min_size": 1, "max_size": pool, "timeout": 10})
    return config
