"""Files that speak for the database while it is down: each connection's state, and HALT, which stops all trading."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.exchanges.models import Connection
from cts.db import iso
from cts.files import draft_of

STALE_S = 90.0
_MIRRORED = (
    "id version name exchange environment market is_enabled is_active is_live_armed is_preset_armed is_test_passed"
    " last_error"
)


class ConnectionStateManager:
    """Coordinates a connection's state in the database with its mirror in `DATA_DIR/state`, and knows HALT and stale."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or settings.DATA_DIR

    @property
    def halt_path(self) -> Path:
        return self._folder / "HALT"

    def is_halted(self) -> bool:
        """Asked before every entry: one look at the file system, whatever else is down."""
        return self.halt_path.exists()

    def halt(self, *, reason: str, actor: str) -> None:
        _write(self.halt_path, {"reason": reason, "actor": actor, "at": iso(timezone.now())})

    def resume(self) -> bool:
        """Take HALT away; False where there was none."""
        try:
            self.halt_path.unlink()
        except FileNotFoundError:
            return False
        return True

    def halt_reason(self) -> str:
        """What was written into the file: by us as JSON, by hand as anything."""
        try:
            text = self.halt_path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""
        try:
            return str(json.loads(text)["reason"])
        except (ValueError, KeyError, TypeError):
            return text[:200] or "HALT file present"

    def mirror(self, connection: Connection) -> None:
        state = {name: getattr(connection, name) for name in _MIRRORED.split()}
        times = {"last_seen_at": iso(connection.last_seen_at), "written_at": iso(timezone.now())}
        _write(self._path(connection.pk), {**state, **times})

    def mirror_read(self, connection_id: int) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads(self._path(connection_id).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return state

    def forget(self, connection_id: int) -> None:
        self._path(connection_id).unlink(missing_ok=True)

    def is_stale(self, connection: Connection, *, now: datetime | None = None) -> bool:
        """Whether a connection in use has not been heard of for too long."""
        if not (connection.is_enabled and connection.is_active):
            return False
        seen = connection.last_seen_at or connection.created_at
        return (now or timezone.now()) - seen > timedelta(seconds=STALE_S)

    def _path(self, connection_id: int) -> Path:
        return self._folder / "state" / "connections" / f"{connection_id}.json"


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    draft.write_text(json.dumps(content, default=str))
    draft.replace(path)
