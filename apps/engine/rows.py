"""The one shape of engines and their events, for API and websocket."""

from typing import Any

from apps.engine.models import Engine, EngineEvent
from cts.db import iso


def engine_row(engine: Engine) -> dict[str, Any]:
    return {
        "id": engine.pk,
        "version": engine.version,
        "connection": engine.connection_id,
        "desired": engine.desired,
        "actual": engine.actual,
        "epoch": engine.epoch,
        "started_at": iso(engine.started_at),
        "heartbeat_at": iso(engine.heartbeat_at),
        "failures": engine.failures,
        "retry_at": iso(engine.retry_at),
        "last_error": engine.last_error,
    }


def engine_event_row(event: EngineEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "connection": event.engine.connection_id,
        "kind": event.kind,
        "actor": event.actor,
        "detail": event.detail,
        "created_at": iso(event.created_at),
    }
