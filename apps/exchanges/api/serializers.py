"""Shapes of connections, instruments and prices on the wire. Rows come from rows.py; these document them."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.exchanges.models import ENVIRONMENTS, MARGIN_MODES, MARKETS, POSITION_MODES, SymbolMode
from cts.rest import Input

Choice = serializers.ChoiceField


class ExchangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_community = serializers.BooleanField()
    credential_fields = serializers.ListField(child=serializers.CharField())
    environments = serializers.ListField(child=Choice(ENVIRONMENTS))
    markets = serializers.ListField(child=Choice(MARKETS))
    capabilities = serializers.ListField(child=serializers.CharField())
    timeframes_s = serializers.ListField(child=serializers.IntegerField())
    max_leverage = serializers.IntegerField()
    docs_url = serializers.CharField()
    keys_url = serializers.CharField()


class ConnectionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    exchange = serializers.CharField()
    environment = Choice(ENVIRONMENTS)
    market = Choice(MARKETS)
    margin_mode = Choice(MARGIN_MODES)
    position_mode = Choice(POSITION_MODES)
    leverage = serializers.IntegerField()
    is_enabled = serializers.BooleanField()
    is_active = serializers.BooleanField()
    is_live_armed = serializers.BooleanField()
    is_preset_armed = serializers.BooleanField()
    volume_factor_live = serializers.CharField()
    volume_factor_preset = serializers.CharField()
    symbol_mode = Choice(SymbolMode.choices)
    symbols = serializers.ListField(child=serializers.CharField())
    forced_symbols = serializers.ListField(child=serializers.CharField())
    top_count = serializers.IntegerField()
    key_hint = serializers.CharField()
    last_test_at = serializers.DateTimeField(allow_null=True)
    is_test_passed = serializers.BooleanField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()
    last_error_at = serializers.DateTimeField(allow_null=True)
    entries_stopped_at = serializers.DateTimeField(allow_null=True)


class TestLineSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    step = serializers.CharField()
    is_ok = serializers.BooleanField()
    detail = serializers.CharField()
    elapsed_ms = serializers.FloatField()


class TryOutSerializer(serializers.Serializer[Any]):
    is_ok = serializers.BooleanField()
    lines = TestLineSerializer(many=True)


class ConnectionTestSerializer(TryOutSerializer):
    id = serializers.IntegerField()
    connection = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class BalanceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    connection = serializers.IntegerField()
    asset = serializers.CharField()
    total = serializers.CharField()
    available = serializers.CharField()
    equity = serializers.CharField()
    unrealized_pnl = serializers.CharField()
    at = serializers.DateTimeField()


class InstrumentSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    exchange = serializers.CharField()
    environment = Choice(ENVIRONMENTS)
    market = Choice(MARKETS)
    symbol = serializers.CharField()
    venue_symbol = serializers.CharField()
    base = serializers.CharField()
    quote = serializers.CharField()
    settle = serializers.CharField()
    max_leverage = serializers.IntegerField()
    is_trading = serializers.BooleanField()
    tick_size = serializers.CharField()
    lot_step = serializers.CharField()
    min_quantity = serializers.CharField()
    max_quantity = serializers.CharField(allow_null=True)
    max_market_quantity = serializers.CharField(allow_null=True)
    min_notional = serializers.CharField(allow_null=True)
    contract_size = serializers.CharField()
    maker_fee_rate = serializers.CharField(allow_null=True)
    taker_fee_rate = serializers.CharField(allow_null=True)
    synced_at = serializers.DateTimeField()


class TickerSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    last = serializers.CharField()
    bid = serializers.CharField(allow_null=True)
    ask = serializers.CharField(allow_null=True)
    mark = serializers.CharField(allow_null=True)
    change_24h_ratio = serializers.CharField(allow_null=True)
    volume_24h = serializers.CharField(allow_null=True)
    turnover_24h = serializers.CharField(allow_null=True)
    funding_rate = serializers.CharField(allow_null=True)
    at_ms = serializers.IntegerField()


class CandleSerializer(serializers.Serializer[Any]):
    open_ms = serializers.IntegerField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField()
    is_closed = serializers.BooleanField()


def _factor() -> serializers.DecimalField:
    return serializers.DecimalField(3, 1, min_value=Decimal("0.1"), max_value=Decimal(10), required=False)


def _symbols() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(max_length=40), max_length=200, required=False)


def _secret() -> serializers.CharField:
    return serializers.CharField(max_length=512, required=False, write_only=True)


class VolumeInput(Input):
    volume_factor_live = _factor()
    volume_factor_preset = _factor()


class SymbolsInput(Input):
    symbol_mode = Choice(SymbolMode.choices, required=False)
    symbols = _symbols()
    forced_symbols = _symbols()
    top_count = serializers.IntegerField(min_value=1, max_value=100, required=False)


class ConnectionChanges(VolumeInput, SymbolsInput):
    """Everything optional; the exchange, environment and market of a connection never change."""

    name = serializers.CharField(max_length=64, required=False)
    margin_mode = Choice(MARGIN_MODES, required=False)
    position_mode = Choice(POSITION_MODES, required=False)
    leverage = serializers.IntegerField(min_value=1, max_value=125, required=False)
    is_enabled = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)
    api_key = _secret()
    api_secret = _secret()
    passphrase = _secret()


class ConnectionCreate(ConnectionChanges):
    name = serializers.CharField(max_length=64)
    exchange = serializers.CharField(max_length=32)
    environment = Choice(ENVIRONMENTS)
    market = Choice(MARKETS, required=False)


class ArmInput(Input):
    origin = Choice(["live", "preset"], default="live")


class VenueQuery(Input):
    exchange = serializers.CharField(max_length=32)
    environment = Choice(ENVIRONMENTS)
    market = Choice(MARKETS, default="linear")


class CandleQuery(Input):
    connection = serializers.IntegerField(min_value=1)
    symbol = serializers.CharField(max_length=40)
    timeframe_s = serializers.IntegerField(min_value=1, max_value=2_592_000, default=60)
    limit = serializers.IntegerField(min_value=1, max_value=1500, default=500)
