"""Shapes of people and tokens on the wire."""

from typing import Any

from rest_framework import serializers

from apps.accounts.models import Role, Theme
from cts.rest import Input


class SignIn(Input):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class Refresh(Input):
    refresh = serializers.CharField(max_length=2048, write_only=True)


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    can_trade = serializers.BooleanField()
    theme = serializers.ChoiceField(Theme.choices)


class UserChanges(Input):
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=150)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=150)
    theme = serializers.ChoiceField(Theme.choices, required=False)
