"""Connections grouped, their limits and the equity they had."""

from django.conf import settings
from django.db import models

from cts.db import ExactDecimalField, LedgerModel, VersionedModel


class Portfolio(VersionedModel):
    """Accounts watched and limited together, all of the same kind of money. A limit that is None doesn't exist."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios")
    name = models.CharField(max_length=64)
    connections = models.ManyToManyField("exchanges.Connection", related_name="portfolios", blank=True)
    max_positions = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Open positions in all of them")
    max_total_notional_ratio = models.FloatField(null=True, blank=True, help_text="All positions, of all equity")
    max_symbol_notional_ratio = models.FloatField(
        null=True, blank=True, help_text="One symbol and side on all exchanges, of all equity"
    )
    max_daily_loss_ratio = models.FloatField(null=True, blank=True)
    max_drawdown_ratio = models.FloatField(null=True, blank=True)
    peak_equity = ExactDecimalField(null=True, blank=True, help_text="Highest equity since its members last changed")
    peak_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="portfolio_name_unique_per_owner")]

    def __str__(self) -> str:
        return self.name


SETTLE_ASSET = "USDT"
LIMIT_FIELDS = {field.name: field for field in Portfolio._meta.concrete_fields if field.name.startswith("max_")}


class EquitySnapshot(LedgerModel):
    """Equity of a connection in its settle asset, as the venue told it; at most one a minute."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.CASCADE, related_name="equity_snapshots")
    minute = models.DateTimeField()
    equity = ExactDecimalField()
    unrealized_pnl = ExactDecimalField(default=0)

    class Meta:
        ordering = ["minute"]
        constraints = [models.UniqueConstraint(fields=["connection", "minute"], name="equity_snapshot_unique")]
