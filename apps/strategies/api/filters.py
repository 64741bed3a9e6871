"""Filters of lines."""

import django_filters as filters

from apps.exchanges.api.filters import WholeNumberFilter
from apps.strategies.models import SIDES, BaseState, Line


class LineFilter(filters.FilterSet):  # type: ignore[misc]
    study = WholeNumberFilter(field_name="study_id")
    symbol = filters.CharFilter(max_length=40)
    side = filters.ChoiceFilter(choices=SIDES)
    base_state = filters.MultipleChoiceFilter(choices=BaseState.choices)
    indication = filters.CharFilter(field_name="configuration__indication", max_length=32)

    class Meta:
        model = Line
        fields: tuple[str, ...] = ()
