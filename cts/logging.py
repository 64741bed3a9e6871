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

import redis
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from kombu.exceptions import OperationalError as BrokerError

from cts.domain.errors import DomainError, ExchangeError

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_NAMES = (
    r"secret|pass[-_]?phrase|password|passwd|signature|private[-_]?key|api[-_]?key|access[-_]?(?:key|token|sign|passphrase)"
    r"|refresh[-_]?token|authorization|cookie|session[-_]?(?:id|key)|listen[-_]?key|credentials"
)
_SECRET_NAME = re.compile(rf"(?i)({_NAMES}|^(sign|token)$)")
_SECRET_VALUE = re.compile(
    rf"(?i)((?:{_NAMES}|\bsign|[-_]sign|\btoken)[\"']?\s*[=:]\s*(?:b(?=[\"']))?[\"']?(?:bearer\s+|basic\s+)?)([^\s\"'&,;}}]+)"
)
# What is a secret by its shape, whatever it is called: a password inside a URL, a signed web token.
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^@\s/]+(?=@)")
_WEB_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+")


def redact(text: str) -> str:
    """Strike the value of everything that is named or shaped like a secret."""
    text = _SECRET_VALUE.sub(r"\1***", text)
    return _WEB_TOKEN.sub("***", _URL_PASSWORD.sub(r"\1***", text))


def record_row(record: logging.LogRecord) -> dict[str, Any]:
    """A log line as data, secrets struck out: at, level, logger, event, and whatever ids came in `extra`."""
    row: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": redact(record.getMessage()),
    }
    if current := request_id.get():
        row["request_id"] = current
    row |= {name: _safe(name, value) for name, value in record.__dict__.items() if name not in _STANDARD}
    if record.exc_info:
        row["error"] = redact(logging.Formatter().formatException(record.exc_info))
    return row


def _safe(name: object, value: object) -> object:
    if _SECRET_NAME.search(str(name)):
        return "***"
    if isinstance(value, dict):
        return {str(key): _safe(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_safe("", inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else redact(str(value))


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(record_row(record), default=str)


class SystemLogger:
    """A logger that knows its ids: `SystemLogger(__name__, connection=5).info("order_sent", order=7)`."""

    def __init__(self, name: str, **ids: object) -> None:
        self._log = logging.getLogger(name)
        self._ids = ids

    def bind(self, **ids: object) -> "SystemLogger":
        return SystemLogger(self._log.name, **{**self._ids, **ids})

    def info(self, event: str, **ids: object) -> None:
        self._write(logging.INFO, event, ids)

    def warning(self, event: str, **ids: object) -> None:
        self._write(logging.WARNING, event, ids)

    def error(self, event: str, *, error: BaseException | None = None, **ids: object) -> None:
        self._write(logging.ERROR, event, ids, error)

    def _write(self, level: int, event: str, ids: dict[str, object], error: BaseException | None = None) -> None:
        if self._log.isEnabledFor(level):
            # An id named like a field of the record itself ("name", "module") would raise: it gets an underscore.
            extra = {f"{key}_" if key in _STANDARD else key: value for key, value in {**self._ids, **ids}.items()}
            self._log.log(level, event, exc_info=error, extra=extra)


class ErrorHandler:
    """Tells operational errors, which are expected and answered, from programmer errors, which are bugs and alert."""

    operational: tuple[type[BaseException], ...] = (
        DomainError,
        ExchangeError,
        OperationalError,
        InterfaceError,
        BrokerError,
        redis.RedisError,
        OSError,
        Http404,
        PermissionDenied,
    )

    def __init__(self, logger: SystemLogger) -> None:
        self._logger = logger

    def is_operational(self, error: BaseException) -> bool:
        return isinstance(error, self.operational)

    def record(self, error: BaseException, *, event: str, is_repeated: bool = False, **ids: object) -> bool:
        """Log once, where the error is handled: a line for the expected, the whole traceback for a bug. True for a bug.

        A bug that `is_repeated` is a line too: its traceback stands above.
        """
        reason = f"{type(error).__name__}: {error}"
        if self.is_operational(error):
            self._logger.warning(event, reason=reason, **ids)
            return False
        self._logger.error(event, error=None if is_repeated else error, reason=reason, is_bug=True, **ids)
        return True


# What Django answers as the caller's own mistake.
_ANSWERED = (Http404, PermissionDenied, SuspiciousOperation, BadRequest)
_request_errors = ErrorHandler(SystemLogger("cts.requests"))


def request_error_record(
    request: HttpRequest, error: BaseException, *, status: int, code: str = "server_error", user: object = None
) -> None:
    """The one line of a request that failed on our side; Django's own line of it is left out (`NotTwice`)."""
    # Only a user who was looked up already: asking for one may be what failed.
    user = user or request.__dict__.get("_cached_user")
    request._cts_is_recorded = True  # type: ignore[attr-defined]
    _request_errors.record(
        error,
        event="request_failed",
        method=request.method,
        path=request.path,
        user=getattr(user, "pk", None),
        status=status,
        code=code,
    )


class NotTwice(logging.Filter):
    """Keeps out what Django says of a request whose error stands in the log with its ids already."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(getattr(record, "request", None), "_cts_is_recorded", False)


class RequestIdMiddleware:
    """Give each request an id, in its logs and in its answer, so that a user's report finds its lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Django goes on to its own answer; here it is only written down."""
        if not isinstance(exception, _ANSWERED):
            request_error_record(request, exception, status=500)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = request_id.get()
            return response
        finally:
            request_id.reset(token)


def configure(*, log_dir: Path, level: str, is_stderr: bool = True) -> None:
    """Lines to `<log_dir>/<process>.log` (rotated), warnings to stderr too. The process name comes from CTS_PROCESS."""
    log_dir.mkdir(parents=True, exist_ok=True)
    process = re.sub(r"[^a-z0-9_-]", "", os.environ.get("CTS_PROCESS", "manage"))
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "filters": {"not_twice": {"()": NotTwice}},
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
            "root": {"handlers": ["file", "stderr"] if is_stderr else ["file"], "level": level},
            "loggers": {
                "daphne": {"level": "WARNING"},
                "celery": {"level": "WARNING"},
                # A task's failure is written by cts/celery.py, which tells bugs from what had to be expected.
                "celery.app.trace": {"level": "CRITICAL"},
                "django.request": {"filters": ["not_twice"]},
                "urllib3": {"level": "WARNING"},
            },
        }
    )
