"""Shapes of studies and lines on the wire. Rows come from rows.py; these document them."""

from typing import Any

from rest_framework import serializers

from apps.exchanges.models import ENVIRONMENTS, MARKETS
from apps.strategies.models import SIDES, BaseState


class StudySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    exchange = serializers.CharField()
    environment = serializers.ChoiceField(ENVIRONMENTS)
    market = serializers.ChoiceField(MARKETS)
    symbols = serializers.ListField(child=serializers.CharField())
    timeframe_s = serializers.IntegerField()
    position_cost_ratio = serializers.FloatField()
    fee_ratio = serializers.FloatField()
    slippage_ratio = serializers.FloatField()
    position_timeout_s = serializers.IntegerField()
    lines_per_symbol = serializers.IntegerField()
    searched_at = serializers.DateTimeField(allow_null=True)
    warmed_until = serializers.DateTimeField(allow_null=True)
    progress = serializers.DictField(help_text='Long work: {"what", "done", "total"}')


class LineSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    study = serializers.IntegerField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(SIDES)
    indication = serializers.CharField()
    parameters = serializers.DictField(child=serializers.FloatField())
    take_profit_steps = serializers.IntegerField()
    stop_loss_ratio = serializers.FloatField()
    trail_arm_pct = serializers.FloatField(allow_null=True)
    trail_give_back_pct = serializers.FloatField(allow_null=True)
    base_state = serializers.ChoiceField(BaseState.choices)
    is_watched = serializers.BooleanField()
    statistics = serializers.DictField()
    open_position = serializers.DictField(allow_null=True, help_text="The simulated position now open")
