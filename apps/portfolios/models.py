"""Connections grouped, their limits and the equity they had."""

from django.conf import settings
from django.db import models

from cts.db import ExactDecimalField, LedgerModel, VersionedModel


class Portfolio(VersionedModel):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios")
    name = models.CharField(max_length=64)
    connections = models.ManyToManyField("exchanges.Connection", related_name="portfolios", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="portfolio_name_unique_per_owner")]

    def __str__(self) -> str:
        return self.name


class EquitySnapshot(LedgerModel):
    """Equity of a connection in its settle asset, as the venue told it; at most one a minute."""

    connection = models.ForeignKey("exchanges.Connection", on_delete=models.CASCADE, related_name="equity_snapshots")
    minute = models.DateTimeField()
    equity = ExactDecimalField()
    unrealized_pnl = ExactDecimalField(default=0)

    class Meta:
        ordering = ["minute"]
        constraints = [models.UniqueConstraint(fields=["connection", "minute"], name="equity_snapshot_unique")]
