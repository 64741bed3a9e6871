"""Shape of the health report on the wire."""

from typing import Any

from rest_framework import serializers


class CheckSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    is_ok = serializers.BooleanField()
    detail = serializers.CharField()
    remedy = serializers.CharField()
    age_s = serializers.FloatField(allow_null=True)


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ok", "failing"])
    checks = CheckSerializer(many=True)
