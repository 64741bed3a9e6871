"""Log lines worth keeping in the database, and checks of the parts."""

from django.db import models

from cts.db import LedgerModel


class LogRecord(LedgerModel):
    """A warning or worse, secrets struck out, with the ids it came with."""

    at = models.DateTimeField(db_index=True)
    level = models.CharField(max_length=10, db_index=True)
    logger = models.CharField(max_length=100)
    event = models.TextField()
    context = models.JSONField(default=dict)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
