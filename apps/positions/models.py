"""Live positions as folds over fills, their history, and differences from what the venue holds."""

from django.db import models

from cts.db import ExactDecimalField, LedgerModel, VersionedModel, enum_choices
from cts.domain import types


class PositionStatus(models.TextChoices):
    OPENING = "opening", "Opening"
    OPEN = "open", "Open"
    CLOSING = "closing", "Closing"
    CLOSED = "closed", "Closed"


class Position(VersionedModel):
    """What one entry holds. Several may share the venue's leg (connection, symbol, side); their quantities add up to it.

    `key` is the client order id of the entry that opened it. Exit levels are prices, set once the average entry is known.
    """

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.PROTECT, related_name="positions")
    key = models.CharField(max_length=36)
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=5, choices=enum_choices(types.PositionSide))
    status = models.CharField(max_length=8, choices=PositionStatus.choices, default=PositionStatus.OPENING)
    origin = models.CharField(max_length=10, choices=enum_choices(types.Origin))
    quantity = ExactDecimalField(default=0)
    peak_quantity = ExactDecimalField(default=0)
    average_entry_price = ExactDecimalField(null=True, blank=True)
    average_exit_price = ExactDecimalField(null=True, blank=True)
    realized_pnl = ExactDecimalField(
        default=0, help_text="Price differences of what was closed, before fees and funding"
    )
    fees = ExactDecimalField(default=0)
    funding = ExactDecimalField(default=0)

    target_ratio = models.FloatField(null=True, blank=True)
    stop_ratio = models.FloatField(null=True, blank=True)
    trail_arm_ratio = models.FloatField(null=True, blank=True)
    trail_give_back_ratio = models.FloatField(null=True, blank=True)
    target_price = ExactDecimalField(null=True, blank=True)
    stop_price = ExactDecimalField(null=True, blank=True)
    best_price = ExactDecimalField(null=True, blank=True, help_text="Best price since the trail armed")
    timeout_at = models.DateTimeField(null=True, blank=True)
    exit_reason = models.CharField(max_length=16, blank=True)
    stop_order = models.ForeignKey(
        "orders.Order", null=True, blank=True, on_delete=models.SET_NULL, related_name="protects"
    )
    uncovered_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when no live stop on the venue covers it"
    )
    line = models.ForeignKey(
        "strategies.Line", null=True, blank=True, on_delete=models.SET_NULL, related_name="positions"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "key"], name="position_key_unique"),
            models.CheckConstraint(name="position_quantity_not_negative", condition=models.Q(quantity__gte=0)),
        ]
        indexes = [
            models.Index(fields=["connection", "status"]),
            models.Index(fields=["connection", "symbol", "side", "status"]),
            models.Index(fields=["connection", "-closed_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol}"


class PositionEvent(LedgerModel):
    """A change of a position and its cause: a fill, a stop placed, an adjustment."""

    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=24)
    fill = models.ForeignKey("orders.Fill", null=True, blank=True, on_delete=models.PROTECT)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["position", "sequence"]
        constraints = [models.UniqueConstraint(fields=["position", "sequence"], name="position_event_sequence_unique")]


class Discrepancy(LedgerModel):
    """Where the venue's leg and the sum of our positions differed, and what came of it."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.PROTECT, related_name="discrepancies")
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=5, choices=enum_choices(types.PositionSide))
    ours = ExactDecimalField()
    venue = ExactDecimalField()
    cause = models.CharField(
        max_length=32,
        choices=[
            ("missing_fills", "Fills we had missed"),
            ("external", "Traded by hand on the venue"),
            ("unexplained", "Unexplained"),
        ],
    )
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "discrepancies"


class FundingEntry(LedgerModel):
    """A payment of funding as the venue told it; `given` is how much of it found the positions it was for."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.PROTECT, related_name="funding_entries")
    symbol = models.CharField(max_length=40)
    payment_id = models.CharField(max_length=80)
    amount = ExactDecimalField(help_text="Positive when received")
    asset = models.CharField(max_length=16)
    given = ExactDecimalField()
    paid_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "funding entries"
        constraints = [
            models.UniqueConstraint(fields=["connection", "symbol", "payment_id"], name="funding_entry_unique")
        ]
        indexes = [models.Index(fields=["connection", "-paid_at"])]


class SyncState(models.Model):
    """How far a connection's ledger is known to equal the venue's."""

    connection = models.OneToOneField("exchanges.Connection", on_delete=models.CASCADE, related_name="sync_state")
    fills_until = models.DateTimeField(help_text="Fills executed before this are all in the ledger")
    funding_until = models.DateTimeField(null=True, blank=True, help_text="Funding paid before this is in the ledger")
    synced_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
