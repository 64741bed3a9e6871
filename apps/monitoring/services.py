"""What monitoring writes: the state of health last told, and log lines into the database."""

import json
import logging
from datetime import datetime
from typing import Any

from apps.monitoring.models import LogRecord
from apps.monitoring.selectors import health_report
from cts import bus
from cts.realtime import push

log = logging.getLogger(__name__)


def health_watch() -> bool:
    """Look at the parts and tell the pages when something changed; True when it did."""
    report = health_report()
    failing = {check["name"]: check["detail"] for check in report["checks"] if not check["is_ok"]}
    before = bus.client().getset(bus.state_key("health"), json.dumps(sorted(failing)))
    if before is not None and json.loads(before) == sorted(failing):
        return False
    push("health", {"type": "health", **report})
    if failing:
        log.warning("health_changed", extra={"failing": failing})
    else:
        log.info("health_changed", extra={"failing": {}})
    return True


def log_records_create(rows: list[dict[str, Any]]) -> None:
    """Keep formatted log lines (see cts.logging.record_row): what isn't a column becomes `context`."""
    LogRecord.objects.bulk_create([_log_record(row) for row in rows])


def _log_record(row: dict[str, Any]) -> LogRecord:
    columns = {"at", "level", "logger", "event", "error"}
    return LogRecord(
        at=datetime.fromisoformat(row["at"]),
        level=row["level"],
        logger=row["logger"][:100],
        event=row["event"],
        error=row.get("error", ""),
        context=json.loads(json.dumps({key: row[key] for key in row.keys() - columns}, default=str)),
    )
