"""Every dependency and setting looked at once, each with its mend. Shows no secret."""

import importlib.metadata
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import WARNING, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from apps.exchanges.crypto import EnvelopeError, credentials_unseal
from apps.exchanges.models import Connection
from apps.monitoring.selectors import Check, health_report
from cts.embedded import FILE_NAME
from cts.redis_server import redis_binary


def examine() -> list[Check]:
    """What this machine brings, then how the parts are."""
    found = [*_machine(), *_configuration(), *_database()]
    return found + [Check(**check) for check in health_report()["checks"]]


def _good(name: str, detail: str) -> Check:
    return Check(name=name, is_ok=True, detail=detail)


def _bad(name: str, detail: str, remedy: str) -> Check:
    return Check(name=name, is_ok=False, detail=detail, remedy=remedy)


def _machine() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    is_fit = (3, 11) <= sys.version_info[:2] <= (3, 14)
    yield _good("python", version) if is_fit else _bad("python", version, "Use Python 3.11 to 3.14")
    yield _packages()
    yield _page_assets()
    if settings.IS_REDIS_PRIVATE:
        try:
            yield _good("redis_program", Path(redis_binary()).name)
        except FileNotFoundError as error:
            yield _bad("redis_program", "none found", str(error))


def _packages() -> Check:
    lock = (settings.BASE_DIR / "requirements" / "base.txt").read_text()
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)\s*\\?$", lock, re.MULTILINE))
    installed = {_plain(item.metadata["Name"]): item.version for item in importlib.metadata.distributions()}
    wrong = [name for name, version in pinned.items() if installed.get(_plain(name)) != version]
    if wrong:
        return _bad(
            "packages", f"not as locked: {', '.join(sorted(wrong)[:10])}", "Run `make run`, which installs them"
        )
    return _good("packages", f"{len(pinned)} as locked")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _page_assets() -> Check:
    folders = ("lightweight-charts", "htmx.org")
    missing = [name for name in folders if not (settings.BASE_DIR / "node_modules" / name).is_dir()]
    if missing:
        return _bad("page_assets", f"missing {', '.join(missing)}", "Run `make run`, or `npm ci`")
    return _good("page_assets", "installed")


def _configuration() -> Iterator[Check]:
    kind = "embedded" if settings.IS_EMBEDDED else "production"
    yield _good("settings", f"{kind}, http://{settings.HOST}:{settings.PORT}, log level {settings.LOG_LEVEL}")
    yield from (_folder(name, path) for name, path in (("data_dir", settings.DATA_DIR), ("log_dir", settings.LOG_DIR)))
    path = settings.DATA_DIR / FILE_NAME
    if settings.IS_EMBEDDED and path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
        is_private = not mode & 0o077
        yield (
            _good("secrets_file", f"{path.name}, mode {mode:o}")
            if is_private
            else _bad("secrets_file", f"others may read it (mode {mode:o})", f"chmod 600 {path}")
        )
    problems = run_checks(include_deployment_checks=not settings.IS_EMBEDDED)
    serious = [problem for problem in problems if problem.level >= WARNING]
    yield from (_bad("system_check", f"{p.id}: {p.msg}", p.hint or "See the check's documentation") for p in serious)
    if not serious:
        yield _good("system_check", "no complaint")


def _folder(name: str, path: Path) -> Check:
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".doctor"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return _bad(name, f"{path} can't be written ({error.strerror})", f"Make it writable, or set CTS_{name.upper()}")
    return _good(name, f"{path}, {shutil.disk_usage(path).free / 1e9:.1f} GB free")


def _database() -> Iterator[Check]:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            yield _bad("migrations", f"{len(missing)} not applied", "Run `manage.py migrate` (`manage.py up` does)")
            return
        yield _good("migrations", "all applied")
        yield _keys()
    except DatabaseError as error:
        yield _bad("migrations", f"unknown ({type(error).__name__})", "See the line `database`")


def _keys() -> Check:
    sealed = [row.pk for row in Connection.objects.all() if not _opens(row)]
    if sealed:
        remedy = "Give CTS_ENCRYPTION_KEYS the key they were sealed with, or enter the venue's keys again"
        return _bad("encryption_keys", f"connections {', '.join(map(str, sealed))} can't be opened", remedy)
    return _good("encryption_keys", f"open all {Connection.objects.count()} connections")


def _opens(row: Connection) -> bool:
    try:
        credentials_unseal(row.credentials, connection_id=row.pk)
    except EnvelopeError:
        return False
    return True
