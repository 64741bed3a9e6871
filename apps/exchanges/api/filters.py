"""Filters of lists of what happens on connections."""

import django_filters as filters
from django import forms


class WholeNumberFilter(filters.Filter):  # type: ignore[misc]
    """By id. A plain number, not a choice of rows: a choice would tell whose ids exist."""

    field_class = forms.IntegerField


class OnConnectionFilter(filters.FilterSet):  # type: ignore[misc]
    connection = WholeNumberFilter(field_name="connection_id")
    symbol = filters.CharFilter(max_length=40)
