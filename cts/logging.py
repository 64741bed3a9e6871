"""JSON log lines with ids, secrets struck out, and a request id on every web request. No database here."""

import contextvars
import json
import logging
import logging.config
import os
import re
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_SECRET_NAME = re.compile(
    r"(?i)(secret|passphrase|password|signature|api_?key|access_?token|refresh_?token|authorization|listen_?key)"
)
_SECRET_VALUE = re.compile(
    r"(?i)((?:secret|passphrase|password|signature|sign|api_?key|access_?token|refresh_?token|listen_?key|authorization)"
    r"[\"']?\s*[=:]\s*[\"']?(?:bearer\s+)?)([^\s\"'&,;}]+)"
)


def redact(text: str) -> str:
    """Strike the value of everything that is named like a secret."""
    return _SECRET_VALUE.sub(r"\1***", text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, event, and whatever ids came in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        if current := request_id.get():
            row["request_id"] = current
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                row[name] = "***" if _SECRET_NAME.search(name) else _plain(value)
        if record.exc_info:
            row["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(row, default=str)


def _plain(value: object) -> object:
    return (
        redact(value)
        if isinstance(value, str)
        else value
        if isinstance(value, int | float | bool | None)
        else redact(str(value))
    )


class RequestIdMiddleware:
    """Give each request an id, in its logs and in its answer, so that a user's report finds its lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


def configure(*, log_dir: Path, level: str) -> None:
    """Lines to `<log_dir>/cts.log` (rotated) and warnings to stderr. The process name comes from CTS_PROCESS."""
    log_dir.mkdir(parents=True, exist_ok=True)
    process = re.sub(r"[^a-z0-9_-]", "", os.environ.get("CTS_PROCESS", "manage"))
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {
                # One file per process: rotation by several writers of one file loses lines.
                "file": {
                    "class": "logging.handlers.RotatingFileHandler",
                    "filename": str(log_dir / f"{process}.log"),
                    "maxBytes": 20_000_000,
                    "backupCount": 5,
                    "formatter": "json",
                    "delay": True,
                },
                "stderr": {
                    "class": "logging.StreamHandler",
                    "stream": sys.stderr,
                    "formatter": "json",
                    "level": "WARNING",
                },
            },
            "root": {"handlers": ["file", "stderr"], "level": level},
            "loggers": {
                "daphne": {"level": "WARNING"},
                "celery": {"level": "WARNING"},
                "urllib3": {"level": "WARNING"},
            },
        }
    )
