"""Connections with their encrypted keys, what a venue lists, balances, leases and feeds."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from cts.db import ExactDecimalField, LedgerModel, VersionedModel, enum_choices, random_mark
from cts.domain import types

ENVIRONMENTS, MARKETS = enum_choices(types.Environment), enum_choices(types.Market)
MARGIN_MODES, POSITION_MODES = enum_choices(types.MarginMode), enum_choices(types.PositionMode)


class SymbolMode(models.TextChoices):
    MAIN = "main", "Chosen list"
    TOP_VOLUME = "top_volume", "Top by 24 h volume"
    TOP_CHANGE = "top_change", "Top by 24 h change"


class Connection(VersionedModel):
    """One API credential on one exchange account, and how it may be used."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="connections")
    name = models.CharField(max_length=64)
    exchange = models.SlugField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    market = models.CharField(max_length=8, choices=MARKETS, default=types.Market.LINEAR)
    margin_mode = models.CharField(max_length=8, choices=MARGIN_MODES, default=types.MarginMode.CROSS)
    position_mode = models.CharField(max_length=8, choices=POSITION_MODES, default=types.PositionMode.HEDGE)
    leverage = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1), MaxValueValidator(125)])

    # AES-256-GCM envelope; only the connector factory opens it. `key_hint` is the last four characters of the key.
    credentials = models.BinaryField(editable=False)
    key_hint = models.CharField(max_length=4, editable=False)

    is_enabled = models.BooleanField(default=True, help_text="May be used at all")
    is_active = models.BooleanField(default=True, help_text="Shown and watched on the dashboard")
    is_live_armed = models.BooleanField(default=False, help_text="The main engine may send orders")
    is_preset_armed = models.BooleanField(default=False, help_text="Presets may send orders")
    entries_stopped_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Emergency stop: no entry, by hand neither, until armed again"
    )
    volume_factor_live = models.DecimalField(max_digits=3, decimal_places=1, default=1)
    volume_factor_preset = models.DecimalField(max_digits=3, decimal_places=1, default=1)

    symbol_mode = models.CharField(max_length=16, choices=SymbolMode.choices, default=SymbolMode.MAIN)
    symbols = models.JSONField(default=list, help_text="Main list, canonical spelling")
    forced_symbols = models.JSONField(default=list, blank=True)
    top_count = models.PositiveSmallIntegerField(default=10)

    last_test_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_test_passed = models.BooleanField(null=True, editable=False)
    last_seen_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Last good answer from the venue"
    )
    last_error = models.TextField(blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Another one after every change of what entries are judged by. Random, not counted: one that a rollback or a
    # restored backup takes back can't come again with other facts behind it.
    facts_mark = models.BigIntegerField(default=random_mark, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="connection_name_unique_per_owner"),
            models.CheckConstraint(
                name="connection_armed_needs_enabled",
                condition=models.Q(is_enabled=True, is_active=True)
                | models.Q(is_live_armed=False, is_preset_armed=False),
            ),
            models.CheckConstraint(
                name="connection_volume_factor_live",
                condition=models.Q(volume_factor_live__gte="0.1", volume_factor_live__lte="10"),
            ),
            models.CheckConstraint(
                name="connection_volume_factor_preset",
                condition=models.Q(volume_factor_preset__gte="0.1", volume_factor_preset__lte="10"),
            ),
            models.CheckConstraint(name="connection_leverage", condition=models.Q(leverage__gte=1, leverage__lte=125)),
        ]
        indexes = [models.Index(fields=["exchange", "environment", "market"])]

    def __str__(self) -> str:
        return f"{self.name} ({self.exchange} {self.environment})"

    @property
    def venue(self) -> tuple[str, str, str]:
        """What a feed is shared by."""
        return self.exchange, self.environment, self.market


class ConnectionTest(LedgerModel):
    """One test of a connection, line by line: [{"at", "step", "is_ok", "detail", "elapsed_ms"}]."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="tests")
    is_ok = models.BooleanField()
    lines = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]


class Instrument(VersionedModel):
    """Trading rules of a symbol on a venue, as last synced. Quantities in base units."""

    exchange = models.SlugField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    market = models.CharField(max_length=8, choices=MARKETS)
    symbol = models.CharField(max_length=40)
    venue_symbol = models.CharField(max_length=40)
    base = models.CharField(max_length=20)
    quote = models.CharField(max_length=20)
    settle = models.CharField(max_length=20, blank=True)
    tick_size = ExactDecimalField()
    lot_step = ExactDecimalField()
    min_quantity = ExactDecimalField()
    max_quantity = ExactDecimalField(null=True, blank=True)
    max_market_quantity = ExactDecimalField(null=True, blank=True)
    min_notional = ExactDecimalField(null=True, blank=True)
    contract_size = ExactDecimalField(default=1)
    max_leverage = models.PositiveSmallIntegerField(default=1)
    maker_fee_rate = ExactDecimalField(null=True, blank=True)
    taker_fee_rate = ExactDecimalField(null=True, blank=True)
    is_trading = models.BooleanField(default=True)
    synced_at = models.DateTimeField()

    class Meta:
        ordering = ["exchange", "symbol"]
        constraints = [
            models.UniqueConstraint(fields=["exchange", "environment", "market", "symbol"], name="instrument_unique"),
            models.CheckConstraint(
                name="instrument_steps_positive", condition=models.Q(tick_size__gt=0, lot_step__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.exchange} {self.symbol}"


class InstrumentChange(LedgerModel):
    """What a sync changed in an instrument's rules: {"field": [old, new]}."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="changes")
    changes = models.JSONField()

    class Meta:
        ordering = ["-id"]


class AccountBalance(VersionedModel):
    """The newest balance of an asset on a connection, as the venue told it at `at`."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="balances")
    asset = models.CharField(max_length=20)
    total = ExactDecimalField()
    available = ExactDecimalField()
    equity = ExactDecimalField()
    unrealized_pnl = ExactDecimalField(default=0)
    at = models.DateTimeField()

    class Meta:
        ordering = ["asset"]
        constraints = [models.UniqueConstraint(fields=["connection", "asset"], name="balance_unique")]


class CandleFile(models.Model):
    """Catalogue of recorded bars: one Parquet file per venue, symbol, timeframe and UTC day."""

    exchange = models.SlugField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    market = models.CharField(max_length=8, choices=MARKETS)
    symbol = models.CharField(max_length=40)
    timeframe_s = models.PositiveIntegerField()
    day = models.DateField()
    path = models.CharField(max_length=255, help_text="Relative to CTS_DATA_DIR")
    rows = models.PositiveIntegerField()
    first_ms = models.BigIntegerField()
    last_ms = models.BigIntegerField()
    is_whole = models.BooleanField(
        default=False, help_text="The day is over and the venue has told all it has of it; what is absent never was"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange", "environment", "market", "symbol", "timeframe_s", "day"], name="candle_file_unique"
            )
        ]


class Lease(models.Model):
    """The right to be the one run of that name. `epoch` grows with every taking, and fences off whoever held it before."""

    name = models.CharField(max_length=80, unique=True)
    owner = models.CharField(max_length=120, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.name} #{self.epoch}"


class Feed(VersionedModel):
    """The public stream of one venue, however many listen to it."""

    exchange = models.SlugField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    market = models.CharField(max_length=8, choices=MARKETS)
    symbols = models.JSONField(default=list)
    is_connected = models.BooleanField(default=False)
    last_tick_at = models.DateTimeField(null=True, blank=True)
    clock_offset_ms = models.IntegerField(null=True, blank=True)
    reconnects = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exchange", "environment", "market"], name="feed_unique")]

    def __str__(self) -> str:
        return f"{self.exchange} {self.environment} {self.market}"

    @property
    def lease_name(self) -> str:
        return f"feed:{self.exchange}:{self.environment}:{self.market}"
