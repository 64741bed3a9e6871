"""System checks: what would break later is said at `manage.py check`, with an id and the remedy."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from apps.exchanges.crypto import current_key_id

OLDEST_POSTGRESQL = 140_000


@register(Tags.security)
def encryption_keys_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A keyring we can't read would be noticed when the first connection trades."""
    try:
        current_key_id()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint='Make one with: echo "k1:$(openssl rand -hex 32)"', id="cts.E001")]
    return []


@register(Tags.files)
def folders_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Candles, HALT files and logs go there."""
    folders = {"CTS_DATA_DIR": settings.DATA_DIR, "CTS_LOG_DIR": settings.LOG_DIR}
    return [
        Error(f"{name}={folder} can't be written", hint="Create it, or name another folder", id="cts.E002")
        for name, folder in folders.items()
        if not _is_writable(Path(folder))
    ]


@register(Tags.security, deploy=True)
def production_database_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """SQLite keeps one machine honest; several machines need PostgreSQL."""
    if settings.IS_EMBEDDED or connections["default"].vendor == "postgresql":
        return []
    return [Error("Production runs on PostgreSQL", hint="Set DATABASE_URL to postgres://…", id="cts.E003")]


@register(Tags.database)
def database_version_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Run with `check --database default`, as it asks the server."""
    connection = connections["default"]
    if "default" not in (kwargs.get("databases") or []) or connection.vendor != "postgresql":
        return []
    connection.ensure_connection()
    version: int = connection.pg_version  # type: ignore[attr-defined]
    if version >= OLDEST_POSTGRESQL:
        return []
    return [Error(f"PostgreSQL {version // 10_000} is too old", hint="Use PostgreSQL 14 or newer", id="cts.E004")]


def _is_writable(folder: Path) -> bool:
    # A folder that isn't there yet will be made by whoever needs it, if its nearest parent lets us.
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
