"""Filters of lists of what happens on connections."""

from datetime import UTC, datetime
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import BigIntegerField
from django_filters.fields import IsoDateTimeField


class _IdField(forms.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": BigIntegerField.MAX_BIGINT, **options})


class WholeNumberFilter(filters.Filter):  # type: ignore[misc]
    """By id. A plain number, not a choice of rows: a choice would tell whose ids exist."""

    field_class = _IdField


class _InstantField(IsoDateTimeField):  # type: ignore[misc]
    def to_python(self, value: Any) -> datetime | None:
        told: datetime | None = super().to_python(value)
        try:
            return told.astimezone(UTC) if told else None
        except OverflowError:
            raise forms.ValidationError("Choose a time between the years 1 and 9999", code="invalid") from None


class InstantFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    """A moment, in UTC by the time the database sees it: PostgreSQL refuses offsets that ISO 8601 allows."""

    field_class = _InstantField


class OnConnectionFilter(filters.FilterSet):  # type: ignore[misc]
    connection = WholeNumberFilter(field_name="connection_id")
    symbol = filters.CharFilter(max_length=40)
