"""Shapes of orders and fills on the wire. Rows come from rows.py; these document them."""

import re
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from cts.db import DECIMAL_PLACES, MAX_DIGITS, enum_choices
from cts.domain import types
from cts.rest import Input

Choice = serializers.ChoiceField


class OrderSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    connection = serializers.IntegerField()
    client_order_id = serializers.CharField()
    venue_order_id = serializers.CharField()
    position_key = serializers.CharField()
    oco_group = serializers.CharField()
    symbol = serializers.CharField()
    side = Choice(enum_choices(types.Side))
    position_side = Choice(enum_choices(types.PositionSide))
    order_type = Choice(enum_choices(types.OrderType))
    time_in_force = Choice(enum_choices(types.TimeInForce))
    quantity = serializers.CharField()
    price = serializers.CharField(allow_null=True)
    trigger_price = serializers.CharField(allow_null=True)
    is_reduce_only = serializers.BooleanField()
    purpose = Choice(enum_choices(types.OrderPurpose))
    origin = Choice(enum_choices(types.Origin))
    status = Choice(enum_choices(types.OrderStatus))
    reason_code = serializers.CharField()
    reason = serializers.CharField()
    filled_quantity = serializers.CharField()
    average_price = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class OrderEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    order = serializers.IntegerField()
    sequence = serializers.IntegerField()
    kind = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()


class FillSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    connection = serializers.IntegerField()
    order = serializers.IntegerField()
    client_order_id = serializers.CharField()
    position_key = serializers.CharField()
    purpose = Choice(enum_choices(types.OrderPurpose))
    venue_trade_id = serializers.CharField()
    symbol = serializers.CharField()
    side = Choice(enum_choices(types.Side))
    position_side = Choice(enum_choices(types.PositionSide))
    price = serializers.CharField()
    quantity = serializers.CharField()
    fee = serializers.CharField()
    fee_asset = serializers.CharField()
    is_maker = serializers.BooleanField()
    executed_at = serializers.DateTimeField()
    source = Choice(["stream", "poll"])  # type: ignore[assignment]


class CancelAllInput(Input):
    connection = serializers.IntegerField(min_value=1)
    symbol = serializers.CharField(max_length=40, required=False)


_PLAIN = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)


def _plain_check(field: serializers.Field[Any, Any, Any, Any], data: Any) -> None:
    """Python also reads digits of other scripts and `1_0`: amounts of money are taken only as everybody reads them."""
    if not _PLAIN.fullmatch(str(data)):
        field.fail("invalid")


class PlainDecimal(serializers.DecimalField):
    def to_internal_value(self, data: Any) -> Decimal:
        _plain_check(self, data)
        return super().to_internal_value(data)


class PlainFloat(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        _plain_check(self, data)
        return super().to_internal_value(data)


def _amount(help_text: str = "", *, required: bool = False) -> serializers.DecimalField:
    smallest = Decimal(1).scaleb(-DECIMAL_PLACES)
    return PlainDecimal(MAX_DIGITS, DECIMAL_PLACES, min_value=smallest, required=required, help_text=help_text)


def _ratio(help_text: str) -> serializers.FloatField:
    return PlainFloat(min_value=0.0001, max_value=1.0, required=False, help_text=help_text)


# A trail of ours follows the position tick by tick; one on the venue would be a second hand on the same stop.
BY_HAND = [choice for choice in enum_choices(types.OrderType) if choice[0] != types.OrderType.TRAILING_STOP]


class OrderCreate(Input):
    """An order by hand. It passes sizing and every risk check an engine's order passes."""

    connection = serializers.IntegerField(min_value=1)
    symbol = serializers.CharField(max_length=40)
    position_side = Choice(enum_choices(types.PositionSide), help_text="The leg it opens, or closes if reduce-only")
    order_type = Choice(BY_HAND, default=types.OrderType.MARKET)
    time_in_force = Choice(enum_choices(types.TimeInForce), default=types.TimeInForce.GTC)
    quantity = _amount("In base units; absent: reckoned from equity and the limits of the connection")
    price = _amount("Of a limit order")
    trigger_price = _amount("Of a stop or take-profit order")
    is_reduce_only = serializers.BooleanField(default=False)
    oco_group = serializers.RegexField(
        r"^[A-Za-z0-9_-]{1,32}\Z",
        required=False,
        help_text="One cancels the other: of waiting orders with the same word here, the first fill ends the rest",
    )
    target_ratio = _ratio("Distance of the target from the entry")
    stop_ratio = _ratio("Distance of the stop from the entry; absent: 2 % from it")
    stop = Choice(["default", "none"], default="default", help_text="`none`: no stop at all, with a `stop_waiver`")
    stop_waiver = serializers.CharField(
        max_length=200, required=False, help_text="With `stop: none`: why, in your words; kept in the trade's story"
    )


class OrderAmend(Input):
    """New terms of an open order; what is absent stays as it is."""

    quantity = _amount("Its whole, what is filled included; never more than before")
    price = _amount("Of a limit order")
    trigger_price = _amount("Of a stop or take-profit order")


class SizingStepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()


class RiskCheckSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    is_passed = serializers.BooleanField()
    value = serializers.CharField()
    limit = serializers.CharField()
    sentence = serializers.CharField()


class WhatIfSerializer(serializers.Serializer[Any]):
    is_allowed = serializers.BooleanField()
    reason_code = serializers.CharField(help_text="Of the first check that fails; empty where it would be sent")
    reason = serializers.CharField()
    quantity = serializers.CharField()
    price = serializers.CharField(help_text="What its size is reckoned at")
    notional = serializers.CharField()
    margin = serializers.CharField()
    sizing = SizingStepSerializer(many=True)
    checks = RiskCheckSerializer(many=True)


class CancelOutcomeSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    is_ok = serializers.BooleanField()
    detail = serializers.CharField()
    order = OrderSerializer(allow_null=True, help_text="Empty: everything else the venue had open on the symbol")
