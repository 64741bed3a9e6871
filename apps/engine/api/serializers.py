"""Shapes of engines on the wire. Rows come from rows.py; these document them."""

from typing import Any

from rest_framework import serializers

from apps.engine.models import ActualState, DesiredState
from cts.rest import Input


class EngineSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Empty where it was never started")
    version = serializers.IntegerField()
    connection = serializers.IntegerField()
    desired = serializers.ChoiceField(DesiredState.choices)
    actual = serializers.ChoiceField(ActualState.choices)
    epoch = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField()
    retry_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()


class EngineEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    connection = serializers.IntegerField()
    kind = serializers.CharField()
    actor = serializers.CharField()
    detail = serializers.DictField()
    created_at = serializers.DateTimeField()


class VerbResultSerializer(serializers.Serializer[Any]):
    connection = serializers.IntegerField()
    is_ok = serializers.BooleanField()
    code = serializers.CharField()
    detail = serializers.CharField()
    engine = EngineSerializer(allow_null=True)


class EmergencyStopInput(Input):
    mode = serializers.ChoiceField(["flatten", "protect"], default="flatten")
    connections = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=500, required=False, help_text="Absent: all of yours"
    )


class StopStepSerializer(serializers.Serializer[Any]):
    step = serializers.CharField()
    is_ok = serializers.BooleanField()
    detail = serializers.CharField()


class StopReportSerializer(serializers.Serializer[Any]):
    connection = serializers.IntegerField()
    mode = serializers.ChoiceField(["flatten", "protect"])
    is_complete = serializers.BooleanField()
    steps = StopStepSerializer(many=True)


class StopReportsSerializer(serializers.Serializer[Any]):
    connections = StopReportSerializer(many=True)
