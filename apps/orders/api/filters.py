"""Filters of orders and fills."""

import django_filters as filters
from django.db.models import QuerySet

from apps.exchanges.api.filters import InstantFilter, OnConnectionFilter, WholeNumberFilter
from apps.orders.models import Fill, Order
from cts.db import enum_choices
from cts.domain import types

_FINAL = sorted(types.FINAL_STATUSES)


class OrderFilter(OnConnectionFilter):
    status = filters.MultipleChoiceFilter(choices=enum_choices(types.OrderStatus))
    purpose = filters.MultipleChoiceFilter(choices=enum_choices(types.OrderPurpose))
    side = filters.ChoiceFilter(choices=enum_choices(types.Side))
    is_open = filters.BooleanFilter(method="by_open", label="May still change what is held")
    position_key = filters.CharFilter(max_length=36)
    client_order_id = filters.CharFilter(max_length=36)
    created_after = InstantFilter(field_name="created_at", lookup_expr="gte")
    created_before = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: tuple[str, ...] = ()

    def by_open(self, rows: QuerySet[Order], name: str, value: bool) -> QuerySet[Order]:
        return rows.exclude(status__in=_FINAL) if value else rows.filter(status__in=_FINAL)


class FillFilter(OnConnectionFilter):
    order = WholeNumberFilter(field_name="order_id")
    position_key = filters.CharFilter(field_name="order__position_key", max_length=36)
    executed_after = InstantFilter(field_name="executed_at", lookup_expr="gte")
    executed_before = InstantFilter(field_name="executed_at", lookup_expr="lt")

    class Meta:
        model = Fill
        fields: tuple[str, ...] = ()
