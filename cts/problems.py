"""Every refusal of the API in one shape, RFC 9457 problem+json, and what each kind of error means to a caller."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import set_rollback

from cts.domain import errors
from cts.logging import redact, request_error_record, request_id

CONTENT_TYPE = "application/problem+json"
# What a refusal of our rules means in HTTP. Codes not named here: 400 with a field at fault, 422 without.
STATUS_BY_CODE = {
    "not_found": 404,
    "sign_in_failed": 401,
    "token_not_valid": 401,
    "read_only": 403,
    "registration_closed": 403,
    "too_many_attempts": 429,
    "version_conflict": 412,
    "idempotency_key_reused": 409,
    "request_in_flight": 409,
}
CONFLICT_ENDINGS = ("_conflict", "_taken", "_exists", "_in_use")


@dataclass(frozen=True, kw_only=True)
class Problem:
    status: int
    code: str
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "errors": self.errors,
            "request_id": request_id.get(),
        }


TOO_LARGE = Problem(status=413, code="too_large", detail="This request is larger than the API takes")
DATABASE_AWAY = Problem(
    status=503,
    code="database_unavailable",
    detail="The database does not answer; ask again in a few seconds, a write under the same Idempotency-Key; see /healthz",
    headers={"Retry-After": "5"},
)
# Not the exceptions' own texts: they tell where Redis and the database are.
_ALWAYS_ALIKE: dict[type[Exception], Problem] = {
    RequestDataTooBig: TOO_LARGE,
    RedisError: Problem(
        status=503,
        code="redis_unavailable",
        detail="Redis does not answer; live prices and engine commands wait for it; see /healthz",
        headers={"Retry-After": "5"},
    ),
    OperationalError: DATABASE_AWAY,
    InterfaceError: DATABASE_AWAY,
}


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for what is a bug of ours: Django logs it and answers with `server_error`."""
    problem = problem_of(exc)
    if problem is None:
        return None
    set_rollback()
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        request = context["request"]
        user = getattr(request, "_user", None)
        request_error_record(request._request, exc, user=user, status=problem.status, code=problem.code)
    return Response(problem.body(), status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE)


def problem_of(exc: Exception) -> Problem | None:
    if isinstance(exc, errors.DomainError):
        return _of_domain(exc)
    if isinstance(exc, errors.ExchangeError):
        return _of_exchange(exc)
    if isinstance(exc, ValidationError):
        rows = list(_field_errors(exc.get_full_details(), ""))
        return Problem(status=400, code="invalid", detail=_summary(rows), errors=rows)
    if isinstance(exc, DjangoValidationError):
        return Problem(status=400, code="invalid", detail="; ".join(exc.messages))
    if isinstance(exc, Http404):
        return Problem(status=404, code="not_found", detail="There is no such thing, or it isn't yours")
    if isinstance(exc, PermissionDenied):
        return Problem(status=403, code="permission_denied", detail=str(exc) or "You may not do this")
    if isinstance(exc, APIException):
        return _of_api(exc)
    return next((problem for kind, problem in _ALWAYS_ALIKE.items() if isinstance(exc, kind)), None)


def _of_api(exc: APIException) -> Problem:
    # simplejwt puts a dict where DRF puts text.
    detail: Any = exc.detail
    code: Any = exc.get_codes()
    if isinstance(detail, dict):
        code, detail = detail.get("code", exc.default_code), detail.get("detail", exc.default_detail)
    # Both are set by DRF on its way here.
    auth_header, wait_s = getattr(exc, "auth_header", None), getattr(exc, "wait", None)
    headers = {"WWW-Authenticate": str(auth_header)} if auth_header else {}
    if wait_s is not None:
        headers["Retry-After"] = str(int(wait_s))
    return Problem(status=exc.status_code, code=str(code), detail=str(detail), headers=headers)


def _of_domain(exc: errors.DomainError) -> Problem:
    rows = [{"field": exc.field, "detail": exc.detail, "code": exc.code}] if exc.field else []
    status = STATUS_BY_CODE.get(exc.code)
    if status is None:
        status = 409 if exc.code.endswith(CONFLICT_ENDINGS) else 400 if exc.field else 422
    return Problem(status=status, code=exc.code, detail=exc.detail, errors=rows)


def _of_exchange(exc: errors.ExchangeError) -> Problem:
    venue = exc.exchange or "The exchange"
    said = redact(exc.message)
    if isinstance(exc, errors.RateLimited):
        wait_s = max(1, int((exc.retry_at - datetime.now(UTC)).total_seconds()) + 1) if exc.retry_at else 1
        detail = f"{venue} takes no more requests for {wait_s} s: {said}"
        return Problem(status=429, code="venue_rate_limited", detail=detail, headers={"Retry-After": str(wait_s)})
    if isinstance(exc, errors.AuthFailed):
        return Problem(status=502, code="venue_auth_failed", detail=f"{venue} refused the API key: {said}")
    if isinstance(exc, errors.Rejected):
        return Problem(status=422, code="venue_rejected", detail=f"{venue} refused, nothing was changed: {said}")
    if isinstance(exc, errors.AmbiguousResult):
        detail = f"{venue} gave no clear answer; the outcome is being looked up, do not repeat: {said}"
        return Problem(status=502, code="venue_outcome_unknown", detail=detail)
    if isinstance(exc, errors.PayloadError):
        return Problem(status=502, code="venue_answer_unreadable", detail=f"{venue} answered unreadably: {said}")
    return Problem(
        status=503, code="venue_unavailable", detail=f"{venue} can't be reached, nothing was changed: {said}"
    )


def _field_errors(detail: Any, path: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, list):
        for index, item in enumerate(detail):
            leaf = isinstance(item, dict) and {"message", "code"} == set(item)
            yield from _field_errors(item, path if leaf else f"{path}.{index}".lstrip("."))
    elif {"message", "code"} == set(detail) and isinstance(detail["code"], str):
        yield {"field": path, "detail": str(detail["message"]), "code": detail["code"]}
    else:
        for name, item in detail.items():
            yield from _field_errors(item, path if name == "non_field_errors" else f"{path}.{name}".lstrip("."))


def _summary(rows: list[dict[str, str]]) -> str:
    return "; ".join(f"{row['field']}: {row['detail']}" if row["field"] else row["detail"] for row in rows[:5])


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _json(problem: Problem) -> JsonResponse:
    return JsonResponse(problem.body(), status=problem.status, content_type=CONTENT_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return _json(TOO_LARGE)
    return _json(Problem(status=400, code="bad_request", detail="This request can't be understood"))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    return _json(Problem(status=403, code="permission_denied", detail="You may not do this"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return _json(Problem(status=404, code="not_found", detail=f"There is nothing at {request.path}"))


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_api(request):
        return defaults.server_error(request)
    detail = "Something broke on our side; it is logged under this request id"
    return _json(Problem(status=500, code="server_error", detail=detail))
