"""Filters of positions and discrepancies."""

import django_filters as filters
from django.db.models import QuerySet

from apps.exchanges.api.filters import InstantFilter, OnConnectionFilter
from apps.positions.models import Discrepancy, FundingEntry, Position, PositionStatus
from cts.db import enum_choices
from cts.domain import types


class PositionFilter(OnConnectionFilter):
    status = filters.MultipleChoiceFilter(choices=PositionStatus.choices)
    side = filters.ChoiceFilter(choices=enum_choices(types.PositionSide))
    origin = filters.ChoiceFilter(choices=enum_choices(types.Origin))
    is_open = filters.BooleanFilter(method="by_open", label="Not closed")
    closed_after = InstantFilter(field_name="closed_at", lookup_expr="gte")
    closed_before = InstantFilter(field_name="closed_at", lookup_expr="lt")

    class Meta:
        model = Position
        fields: tuple[str, ...] = ()

    def by_open(self, rows: QuerySet[Position], name: str, value: bool) -> QuerySet[Position]:
        closed = {"status": PositionStatus.CLOSED}
        return rows.exclude(**closed) if value else rows.filter(**closed)


class FundingEntryFilter(OnConnectionFilter):
    paid_after = InstantFilter(field_name="paid_at", lookup_expr="gte")
    paid_before = InstantFilter(field_name="paid_at", lookup_expr="lt")

    class Meta:
        model = FundingEntry
        fields: tuple[str, ...] = ()


class DiscrepancyFilter(OnConnectionFilter):
    side = filters.ChoiceFilter(choices=enum_choices(types.PositionSide))

    class Meta:
        model = Discrepancy
        fields: tuple[str, ...] = ()
