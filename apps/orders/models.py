"""Orders, their fills and every step on the way. Fills and events are append-only."""

from django.db import models

from cts.db import ExactDecimalField, LedgerModel, VersionedModel, enum_choices
from cts.domain import types


class Order(VersionedModel):
    """One order of ours, or one adopted from the venue. Stored before it is sent, and found again by `client_order_id`."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.PROTECT, related_name="orders")
    client_order_id = models.CharField(max_length=36)
    venue_order_id = models.CharField(max_length=64, blank=True, db_index=True)
    intent_key = models.CharField(max_length=160, help_text="What the client order id is derived from")
    position_key = models.CharField(
        max_length=36, blank=True, db_index=True, help_text="The position this order opens, protects or closes"
    )

    oco_group = models.CharField(
        max_length=32, blank=True, help_text="One cancels the other: the first fill of a group ends its other orders"
    )

    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=4, choices=enum_choices(types.Side))
    position_side = models.CharField(max_length=5, choices=enum_choices(types.PositionSide))
    order_type = models.CharField(max_length=20, choices=enum_choices(types.OrderType))
    time_in_force = models.CharField(
        max_length=10, choices=enum_choices(types.TimeInForce), default=types.TimeInForce.GTC
    )
    quantity = ExactDecimalField()
    price = ExactDecimalField(null=True, blank=True)
    trigger_price = ExactDecimalField(null=True, blank=True)
    is_reduce_only = models.BooleanField(default=False)

    purpose = models.CharField(max_length=10, choices=enum_choices(types.OrderPurpose))
    origin = models.CharField(max_length=10, choices=enum_choices(types.Origin))
    status = models.CharField(max_length=16, choices=enum_choices(types.OrderStatus), default=types.OrderStatus.NEW)
    reason_code = models.CharField(max_length=64, blank=True, help_text="Why denied, rejected, canceled or unknown")
    reason = models.TextField(blank=True)
    filled_quantity = ExactDecimalField(default=0, help_text="Sum of the fills we have")
    reported_quantity = ExactDecimalField(
        default=0, help_text="Filled as the venue says; above ours, fills are missing"
    )
    average_price = ExactDecimalField(null=True, blank=True)

    engine_epoch = models.PositiveBigIntegerField(null=True, blank=True)
    line = models.ForeignKey("strategies.Line", null=True, blank=True, on_delete=models.SET_NULL, related_name="orders")
    reference_price = ExactDecimalField(null=True, blank=True, help_text="The price its size was reckoned at")
    exits = models.JSONField(default=dict, help_text="Ratios of target, stop and trail, and the timeout, of an entry")
    explanation = models.JSONField(default=dict, help_text="Configuration and statistics at that moment")
    sizing = models.JSONField(default=dict, help_text="Every step of the sum")
    checks = models.JSONField(default=list, help_text="Every risk check with its numbers")
    claimed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True, help_text="When the sending was over, however it ended")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "client_order_id"], name="order_client_id_unique"),
            models.UniqueConstraint(
                fields=["connection", "symbol", "venue_order_id"],
                name="order_venue_id_unique",
                condition=~models.Q(venue_order_id=""),
            ),
            models.CheckConstraint(
                name="order_quantity_positive",
                condition=models.Q(quantity__gt=0) | models.Q(status=types.OrderStatus.DENIED),
            ),
            models.CheckConstraint(name="order_filled_not_negative", condition=models.Q(filled_quantity__gte=0)),
            models.CheckConstraint(
                name="order_reduces_a_position",
                condition=models.Q(is_reduce_only=False)
                | ~models.Q(position_key="")
                | models.Q(purpose=types.OrderPurpose.EXTERNAL),
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "status"]),
            models.Index(fields=["connection", "-id"]),
            models.Index(fields=["connection", "created_at"]),
            models.Index(fields=["connection", "symbol", "status"]),
            models.Index(fields=["connection", "oco_group"], name="order_oco_group", condition=~models.Q(oco_group="")),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} {self.status}"


class Fill(LedgerModel):
    """One execution as the venue told it. Unique per connection, symbol and venue trade id, so hearing it twice changes nothing."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    venue_trade_id = models.CharField(max_length=80)
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=4, choices=enum_choices(types.Side))
    position_side = models.CharField(max_length=5, choices=enum_choices(types.PositionSide))
    price = ExactDecimalField()
    quantity = ExactDecimalField()
    fee = ExactDecimalField(default=0)
    fee_asset = models.CharField(max_length=20, blank=True)
    is_maker = models.BooleanField(default=False)
    executed_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=[("stream", "Stream"), ("poll", "Poll")])

    class Meta:
        ordering = ["-id"]
        constraints = [
            # The symbol is part of the key: Binance numbers trades per symbol.
            models.UniqueConstraint(fields=["connection", "symbol", "venue_trade_id"], name="fill_unique"),
            models.CheckConstraint(name="fill_quantity_positive", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(name="fill_price_positive", condition=models.Q(price__gt=0)),
        ]
        indexes = [models.Index(fields=["connection", "-executed_at"]), models.Index(fields=["order"])]


class OrderEvent(LedgerModel):
    """A step in an order's life: intent, claim, request, answer, transition. `sequence` has no gaps within an order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=24)
    before = models.CharField(max_length=16, blank=True)
    after = models.CharField(max_length=16, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["order", "sequence"]
        constraints = [models.UniqueConstraint(fields=["order", "sequence"], name="order_event_sequence_unique")]


class RiskLimits(VersionedModel):
    """What a connection may risk. Ratios, not percents; a connection without a row has these defaults."""

    connection = models.OneToOneField("exchanges.Connection", on_delete=models.CASCADE, related_name="risk_limits")
    sizing_mode = models.CharField(
        max_length=8, choices=[("risk", "By share of equity"), ("cost", "By position cost")], default="risk"
    )
    target_positions = models.PositiveSmallIntegerField(default=50)
    enforce_min_volume = models.BooleanField(
        default=True, help_text="Raise a quantity below the venue's minimum to it, where risk allows"
    )
    max_positions = models.PositiveSmallIntegerField(default=50)
    max_positions_per_side = models.PositiveSmallIntegerField(default=3, help_text="Per symbol and side")
    max_position_notional_ratio = models.FloatField(default=0.5, help_text="Of equity")
    max_total_notional_ratio = models.FloatField(default=5.0, help_text="Of equity")
    max_leverage = models.PositiveSmallIntegerField(default=20)
    max_daily_loss_ratio = models.FloatField(default=0.05)
    max_drawdown_ratio = models.FloatField(default=0.20)
    max_losing_streak = models.PositiveSmallIntegerField(default=8)
    losing_streak_pause_s = models.PositiveIntegerField(default=3600)
    max_orders_per_minute = models.PositiveSmallIntegerField(default=60)
    max_price_deviation_ratio = models.FloatField(default=0.02)
    max_price_age_s = models.FloatField(default=3.0)
    min_free_margin_ratio = models.FloatField(default=0.10)
    stop_guard_count = models.PositiveSmallIntegerField(default=4)
    stop_guard_window_s = models.PositiveIntegerField(default=3600)
    stop_guard_lock_s = models.PositiveIntegerField(default=3600)

    class Meta:
        verbose_name_plural = "risk limits"


LIMIT_FIELDS = {
    field.name: field
    for field in RiskLimits._meta.concrete_fields
    if field.name not in ("id", "connection", "version", "created_at", "updated_at")
}


class EntryLock(models.Model):
    """No entries until `until`, for a connection or one of its symbols, and why. Lifted by time or by hand."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.CASCADE, related_name="entry_locks")
    symbol = models.CharField(max_length=40, blank=True, help_text="Empty: every symbol")
    reason_code = models.CharField(max_length=32)
    reason = models.TextField()
    until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["connection", "until"])]


class EquityPeak(VersionedModel):
    """The highest equity in an asset so far: drawdown counts from here. Set anew by hand after a withdrawal."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.CASCADE, related_name="equity_peaks")
    asset = models.CharField(max_length=20)
    equity = ExactDecimalField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "asset"], name="equity_peak_unique")]
