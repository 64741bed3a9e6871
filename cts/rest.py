"""Defaults of every API view: parser, pages by cursor, limits per caller. No business here.

DRF reads these while it defines its views, so nothing here may import `rest_framework.views` or `generics`.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cts.domain.errors import DomainError
from cts.rates import client_address, rate_usage

if TYPE_CHECKING:
    from rest_framework.views import APIView


class BoundedJSONParser(JSONParser):
    """JSON whose nesting cannot exhaust the stack."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            parsed: dict[str, Any] = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply") from None
        return parsed


class Input(serializers.Serializer[Any]):
    """A request body. Unknown fields are refused: a misspelled `is_reduce_only` must not open a position."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self.fields]):
            raise ValidationError({str(name): ["There is no such field"] for name in unknown}, code="unknown_field")
        return super().to_internal_value(data)

    @classmethod
    def checked(cls, request: Request) -> dict[str, Any]:
        """The validated body, or a 400 that names each field at fault."""
        return cls._valid(request.data)

    @classmethod
    def query(cls, request: Request) -> dict[str, Any]:
        """The same of the query string."""
        return cls._valid(request.query_params.dict())

    @classmethod
    def _valid(cls, data: Any) -> dict[str, Any]:
        given = cls(data=data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


class Pagination(CursorPagination):
    """`{results, next, previous}` by cursor, so that rows arriving meanwhile neither repeat nor hide others."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, TypeError, OverflowError, DataError, DjangoValidationError):
            # A cursor is text the client holds; DRF trusts the position inside it.
            raise ValidationError({"cursor": ["This cursor is not one of ours"]}) from None

    def decode_cursor(self, request: Request) -> Any:
        encoded = request.query_params.get(self.cursor_query_param)
        if encoded is None:
            return None
        try:
            parse_qs(b64decode(encoded.encode("ascii"), validate=True).decode("ascii"), strict_parsing=True)
            return super().decode_cursor(request)
        except (binascii.Error, ValueError, NotFound):
            raise ValidationError({"cursor": ["This cursor is not one of ours"]}) from None

    def get_page_size(self, request: Request) -> int:
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return self.page_size
        if not (raw.isascii() and raw.isdigit() and len(raw) <= 4 and 1 <= int(raw) <= self.max_page_size):
            raise ValidationError({"page_size": [f"Ask for 1 to {self.max_page_size} rows"]})
        return int(raw)

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        allowed: Sequence[str] = getattr(view, "ordering_fields", ("id",))
        asked = request.query_params.get("ordering") or str(getattr(view, "ordering", self.ordering))
        if asked.removeprefix("-") not in allowed:
            raise ValidationError({"ordering": [f"Order by one of {', '.join(allowed)}, or the same with a minus"]})
        tie_break = "-id" if asked.startswith("-") else "id"
        return (asked,) if asked.removeprefix("-") == "id" else (asked, tie_break)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        allowed: Sequence[str] = getattr(view, "ordering_fields", ("id",))
        orders = [sign + name for name in allowed for sign in ("", "-")]
        size = {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
            {"name": "page_size", "in": "query", "required": False, "schema": size},
            {"name": "ordering", "in": "query", "required": False, "schema": {"type": "string", "enum": orders}},
        ]


class CallerThrottle(BaseThrottle):
    """Requests a minute of the user, of the token and of the address; whichever is spent first refuses."""

    _left_s: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        for caller, value in self._callers(request):
            usage = rate_usage(f"api.{caller}", value, rate=f"{settings.API_RATES[caller]}/m", is_counted=True)
            if usage.is_exceeded:
                self._left_s = usage.left_s
                return False
        return True

    def wait(self) -> float | None:
        return self._left_s

    def _callers(self, request: Request) -> list[tuple[str, str]]:
        callers = [("address", client_address(request.META) or "unknown")]
        if request.user and request.user.is_authenticated:
            callers.append(("user", str(request.user.pk)))
        if token := getattr(request.auth, "payload", {}).get("jti"):
            callers.append(("token", str(token)))
        return callers


def version_check(request: Request, *, version: int) -> None:
    """Refuse a change of what the caller read in another version, where the caller says which it read.

    Raises:
        DomainError: `version_conflict`.
    """
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted.strip().removeprefix("W/").strip('"') not in (str(version), "*"):
        raise DomainError("version_conflict", "It has changed since you read it; read it again and repeat your change")


def etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}
