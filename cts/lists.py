"""Lists of rows over the API: filtered, ordered, one page at a time, or whole where they are short by nature."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

PAGE_PARAMETERS = ("cursor", "page_size", "ordering", "format")


class _ListSchema(AutoSchema):  # type: ignore[no-untyped-call, misc, unused-ignore]
    """drf-spectacular knows lists by DRF's mixins, which would also bring serializers that render."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET"


class RowList(GenericAPIView[Any]):
    """GET of a page of rows, each in the shape `row` gives it; `serializer_class` documents it."""

    schema = _ListSchema()
    model: ClassVar[type[Model]]
    ordering_fields: ClassVar[Sequence[str]] = ("id",)
    ordering: ClassVar[str] = "-id"

    @staticmethod
    def row(item: Any, /) -> dict[str, Any]:
        raise NotImplementedError

    def rows_for(self, request: Request) -> QuerySet[Any]:
        """What this caller may see."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        # The schema is drawn without a caller; it needs the model, never a row.
        if getattr(self, "swagger_fake_view", False):
            return self.model._default_manager.none()
        return self.rows_for(self.request)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.get_queryset()
        query_check(request, rows=rows, view=self)
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response([type(self).row(item) for item in page or []])


def query_check(request: Request, *, rows: QuerySet[Any], view: GenericAPIView[Any]) -> None:
    """Refuse a query that would be half understood: a misspelled filter must not answer with everything.

    Raises:
        ValidationError: unknown parameters, and switches that are neither true nor false.
    """
    filterset = DjangoFilterBackend().get_filterset(request, rows, view)
    fields = {} if filterset is None else filterset.form.fields
    known = {*fields, *PAGE_PARAMETERS}
    wrong = {name: f"There is no such parameter; there are {', '.join(sorted(known))}" for name in request.query_params}
    wrong = {name: said for name, said in wrong.items() if name not in known}
    for name, field in fields.items():
        # Django reads what is neither as "not asked".
        given = request.query_params.get(name, "")
        if isinstance(field, forms.NullBooleanField) and given and given not in ("true", "false", "True", "False"):
            wrong[name] = "Write true or false"
    if wrong:
        raise ValidationError({name: [said] for name, said in wrong.items()})


def whole(rows: Iterable[dict[str, Any]]) -> Response:
    """A short list in the shape of the long ones."""
    return Response({"results": list(rows), "next": None, "previous": None})


@cache
def whole_of(row: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The schema of `whole`."""
    name = row.__name__.removesuffix("Serializer")
    pages = {side: serializers.CharField(allow_null=True) for side in ("next", "previous")}
    return inline_serializer(f"Whole{name}List", {"results": row(many=True), **pages})
