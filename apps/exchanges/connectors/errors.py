"""A venue's answer to one of the five errors, by the spec's table and nothing else."""

import re
import time
from datetime import UTC, datetime, timedelta

from apps.exchanges.connectors.spec import ErrorClass, ExchangeSpec, Intent
from cts.domain.errors import (
    AmbiguousResult,
    AuthFailed,
    ExchangeError,
    OrderNotFound,
    RateLimited,
    Rejected,
    Unavailable,
)

HELD_UP = "It could not be sent in time"
_UNTIL = re.compile(r"(?:until|after|after time:) (\d{13})\b")


class ResignNeeded(Exception):
    """Never leaves the connector: the clock or token was refused, so nothing happened; sync and sign again, once."""

    def __init__(self, final: ExchangeError) -> None:
        super().__init__(final.message)
        self.final = final


def classify(spec: ExchangeSpec, *, code: str, message: str, http_status: int) -> ErrorClass:
    """The code where we know it, by its message where that tells; else what the status says. 5xx says nothing about
    what was done."""
    words = spec.worded_errors.get(code, ())
    worded = next((known for word, known in words if word in message.lower()), None)
    known = worded or spec.errors.get(code) or spec.http_errors.get(http_status)
    if known is None:
        known = _BY_STATUS.get(http_status) or (ErrorClass.RECONCILE if http_status >= 500 else ErrorClass.REJECT)
    return ErrorClass.BAN if known is ErrorClass.LIMIT and "banned until" in message else known


def error_for(
    spec: ExchangeSpec,
    error_class: ErrorClass,
    *,
    code: str,
    message: str,
    http_status: int,
    intent: Intent,
    retry_at: datetime | None = None,
) -> ExchangeError:
    text = f"{spec.label} {code or http_status}: {message[:300] or 'no reason given'}"
    origin = {"exchange": spec.name, "venue_code": code}
    if error_class in (ErrorClass.LIMIT, ErrorClass.BAN):
        is_ban = error_class is ErrorClass.BAN
        return RateLimited(
            text,
            retry_at=retry_at
            or _told_in(message)
            or datetime.now(UTC) + timedelta(seconds=spec.ban_s if is_ban else 1),
            is_ban=is_ban,
            http_status=http_status,
            **origin,
        )
    if error_class is ErrorClass.RECONCILE:
        kind = AmbiguousResult if intent is Intent.PLACE else Unavailable
        return kind(text, http_status=http_status, **origin)
    return _PLAIN[error_class](text, http_status=http_status, **origin)


def held_up_check(send_by: float | None, *, exchange: str) -> None:
    """Before bytes leave: whether they still may, by the clock nobody sets.

    Raises:
        Unavailable: others take it for never sent by now.
    """
    if send_by is not None and time.monotonic() > send_by:
        raise Unavailable(HELD_UP, exchange=exchange)


def told_until_ms(message: str) -> int | None:
    """Until when the venue says it is closed to us, by its clock."""
    found = _UNTIL.search(message)
    return int(found[1]) if found else None


def _told_in(message: str) -> datetime | None:
    told_ms = told_until_ms(message)
    return None if told_ms is None else datetime.fromtimestamp(told_ms / 1000, UTC)


_BY_STATUS = {429: ErrorClass.LIMIT, 401: ErrorClass.AUTH, 403: ErrorClass.AUTH}
_PLAIN: dict[ErrorClass, type[ExchangeError]] = {
    ErrorClass.RETRY: Unavailable,
    ErrorClass.RESIGN: AuthFailed,
    ErrorClass.REJECT: Rejected,
    ErrorClass.GONE: OrderNotFound,
    ErrorClass.AUTH: AuthFailed,
}
