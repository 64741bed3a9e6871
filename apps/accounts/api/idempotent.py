"""`Idempotency-Key` on writes that trade: sent twice, done once, answered twice the same."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http.request import RawPostDataException
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.accounts.idempotency import idempotency_claim, idempotency_finish, idempotency_release
from cts.domain.errors import DomainError

Handler = Callable[..., Response]
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SCHEMA = {"type": "string", "pattern": r"^[A-Za-z0-9_.:-]{1,64}$"}
_ABOUT = "Your own name for this request; repeating it with the same body repeats the answer, not the act"
HEADER = OpenApiParameter("Idempotency-Key", _SCHEMA, OpenApiParameter.HEADER, description=_ABOUT)
REQUIRED_HEADER = OpenApiParameter(
    "Idempotency-Key", _SCHEMA, OpenApiParameter.HEADER, required=True, description=_ABOUT
)


def key_of(request: Request) -> str:
    """The caller's key, or empty."""
    key: str = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        raise DomainError(
            "idempotency_key_invalid", "Use 1 to 64 letters, digits, and _ . : -", field="Idempotency-Key"
        )
    return key


def key_required(request: Request) -> str:
    """The key of a write that must not happen twice however it is repeated."""
    if not (key := key_of(request)):
        raise DomainError(
            "idempotency_key_required", "Name this request, so it can't happen twice", field="Idempotency-Key"
        )
    return key


def idempotent(handler: Handler) -> Handler:
    """Run the handler once per key. Only what was done is kept: after an error the key is free again."""

    @wraps(handler)
    def once(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = key_of(request)
        if not key:
            return handler(view, request, *args, **kwargs)
        scope = f"{request.method} {request.path}"
        claim, answer = idempotency_claim(caller(request), key=key, scope=scope, body=_body(request))
        if answer is not None:
            return Response(answer.body, status=answer.status, headers={"Idempotency-Replayed": "true"})
        try:
            response = handler(view, request, *args, **kwargs)
        except BaseException:
            idempotency_release(claim)
            raise
        idempotency_finish(claim, status=response.status_code, body=response.data)
        return response

    return once


def _body(request: Request) -> bytes:
    try:
        return bytes(request._request.body)
    except RawPostDataException:
        # Read by Django as a form, which no parser of ours takes: the handler refuses it anyway.
        return b""
