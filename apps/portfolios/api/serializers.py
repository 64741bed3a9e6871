"""Shapes of portfolios on the wire. Rows come from rows.py; these document them."""

from typing import Any

from rest_framework import serializers

from apps.orders.api.serializers import PlainFloat
from apps.portfolios.services import BOUNDS
from cts.rest import Input


def _ratio(name: str, help_text: str) -> serializers.FloatField:
    low, high = BOUNDS[name]
    return PlainFloat(
        min_value=low,
        max_value=high,
        required=False,
        allow_null=True,
        help_text=f"{help_text}; a ratio: 0.05 is 5 %. Null: no limit",
    )


class PortfolioCreate(Input):
    name = serializers.CharField(max_length=64)
    connections = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=500, help_text="Your own, all of one environment"
    )
    max_positions = serializers.IntegerField(
        min_value=0,
        max_value=int(BOUNDS["max_positions"][1]),
        required=False,
        allow_null=True,
        help_text="Open positions in all of them. Null: no limit",
    )
    max_total_notional_ratio = _ratio("max_total_notional_ratio", "Value of all positions, of all equity")
    max_symbol_notional_ratio = _ratio(
        "max_symbol_notional_ratio", "Value of one symbol and side on all exchanges, of all equity"
    )
    max_daily_loss_ratio = _ratio("max_daily_loss_ratio", "Loss since 00:00 UTC, of equity")
    max_drawdown_ratio = _ratio("max_drawdown_ratio", "Equity below its peak; from there everything stops")


class PortfolioChanges(PortfolioCreate):
    """What is absent stays as it is."""

    name = serializers.CharField(max_length=64, required=False)
    connections = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=500, required=False, help_text="All of them, anew"
    )


class PortfolioSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    connections = serializers.ListField(child=serializers.IntegerField())
    max_positions = serializers.IntegerField(allow_null=True)
    max_total_notional_ratio = serializers.FloatField(allow_null=True)
    max_symbol_notional_ratio = serializers.FloatField(allow_null=True)
    max_daily_loss_ratio = serializers.FloatField(allow_null=True)
    max_drawdown_ratio = serializers.FloatField(allow_null=True)
    peak_equity = serializers.CharField(allow_null=True, help_text="Drawdown counts from here")
    peak_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class AllocationSerializer(serializers.Serializer[Any]):
    connection = serializers.IntegerField()
    name = serializers.CharField()
    exchange = serializers.CharField()
    equity = serializers.CharField(allow_null=True)
    share_ratio = serializers.FloatField(allow_null=True)
    positions = serializers.IntegerField()
    notional = serializers.CharField()


class ExposureSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    long = serializers.CharField()
    short = serializers.CharField()
    net = serializers.CharField(help_text="Long less short")
    gross = serializers.CharField(help_text="Long and short")
    net_ratio = serializers.FloatField(allow_null=True, help_text="Of equity")


class LimitUsageSerializer(serializers.Serializer[Any]):
    limit = serializers.CharField()
    used = serializers.FloatField(allow_null=True)
    allowed = serializers.FloatField()


class StandingSerializer(serializers.Serializer[Any]):
    """How the accounts stand together by now, at the newest prices. Money in USDT."""

    equity = serializers.CharField(allow_null=True, help_text="Null where that of an account isn't known")
    day_pnl = serializers.CharField(help_text="Since 00:00 UTC, open positions included")
    open_pnl = serializers.CharField()
    positions = serializers.IntegerField(help_text="Entries on their way included")
    notional = serializers.CharField()
    drawdown_ratio = serializers.FloatField()
    day_loss_ratio = serializers.FloatField()
    allocation = AllocationSerializer(many=True)
    exposure = ExposureSerializer(many=True)
    usage = LimitUsageSerializer(many=True)


class WindowSerializer(serializers.Serializer[Any]):
    hours = serializers.IntegerField()
    trades = serializers.IntegerField(help_text="Positions closed")
    wins = serializers.IntegerField()
    win_rate = serializers.FloatField(allow_null=True)
    profit_factor = serializers.FloatField(allow_null=True, help_text="Null while there is no loss")
    net_pnl = serializers.CharField(help_text="After fees and funding")
    fees = serializers.CharField()
    funding = serializers.CharField()
    expectancy = serializers.CharField(allow_null=True, help_text="Net result of a trade on average")
    equity_change = serializers.CharField(allow_null=True)
    drawdown_ratio = serializers.FloatField(allow_null=True, help_text="Deepest fall of equity from a peak")


class EquityPointSerializer(serializers.Serializer[Any]):
    minute = serializers.DateTimeField()
    equity = serializers.CharField()


class EquityQuery(Input):
    hours = serializers.IntegerField(min_value=1, max_value=2160, default=24)
