"""Shapes of positions on the wire. Rows come from rows.py; these document them."""

from typing import Any

from rest_framework import serializers

from apps.orders.api.serializers import FillSerializer, OrderEventSerializer, OrderSerializer
from apps.positions.models import PositionStatus
from cts.db import enum_choices
from cts.domain import types
from cts.rest import Input

Choice = serializers.ChoiceField


class PositionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    connection = serializers.IntegerField()
    key = serializers.CharField()
    symbol = serializers.CharField()
    side = Choice(enum_choices(types.PositionSide))
    status = Choice(PositionStatus.choices)
    origin = Choice(enum_choices(types.Origin))
    quantity = serializers.CharField()
    peak_quantity = serializers.CharField()
    average_entry_price = serializers.CharField(allow_null=True)
    average_exit_price = serializers.CharField(allow_null=True)
    realized_pnl = serializers.CharField(help_text="Before fees and funding")
    fees = serializers.CharField()
    funding = serializers.CharField()
    net_pnl = serializers.CharField()
    target_price = serializers.CharField(allow_null=True)
    stop_price = serializers.CharField(allow_null=True)
    best_price = serializers.CharField(allow_null=True)
    timeout_at = serializers.DateTimeField(allow_null=True)
    exit_reason = serializers.CharField()
    stop_status = Choice(["on_venue", "watched", "missing", "waived", "none"])
    uncovered_since = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class CloseManyInput(Input):
    connection = serializers.IntegerField(min_value=1)


class FundingEntrySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    connection = serializers.IntegerField()
    symbol = serializers.CharField()
    payment_id = serializers.CharField()
    amount = serializers.CharField(help_text="Positive when received")
    asset = serializers.CharField()
    given = serializers.CharField(help_text="How much of it found the positions it was for")
    paid_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class DiscrepancySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    connection = serializers.IntegerField()
    symbol = serializers.CharField()
    side = Choice(enum_choices(types.PositionSide))
    ours = serializers.CharField()
    venue = serializers.CharField()
    cause = serializers.CharField()
    detail = serializers.DictField()
    created_at = serializers.DateTimeField()


class CloseOutcomeSerializer(serializers.Serializer[Any]):
    position = PositionSerializer()
    is_ok = serializers.BooleanField(help_text="Closed, or its exit is on the way")
    code = serializers.CharField()
    detail = serializers.CharField()
    order = OrderSerializer(allow_null=True)


class StoryOrderSerializer(OrderSerializer):
    events = OrderEventSerializer(many=True)


class StoryLineSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    what = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]


class StorySerializer(serializers.Serializer[Any]):
    """A trade explained from the first signal to the last fill."""

    position = PositionSerializer()
    why = serializers.DictField(help_text="Configuration and statistics at that moment")
    exits = serializers.DictField()
    sizing = serializers.DictField()
    checks = serializers.ListField(child=serializers.DictField())
    orders = StoryOrderSerializer(many=True)
    stops = OrderSerializer(many=True)
    fills = FillSerializer(many=True)
    timeline = StoryLineSerializer(many=True)
