"""Engines: what their owner wants, what they do, and how that went."""

from django.db import models

from cts.db import LedgerModel, VersionedModel


class DesiredState(models.TextChoices):
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"


class ActualState(models.TextChoices):
    STOPPED = "stopped", "Stopped"
    STARTING = "starting", "Starting"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPING = "stopping", "Stopping"
    FAILED = "failed", "Failed"


class Engine(VersionedModel):
    """The trade engine of one connection. Its lease is `engine:<connection id>`; `epoch` is that of its last run."""

    connection = models.OneToOneField("exchanges.Connection", on_delete=models.CASCADE, related_name="engine")
    desired = models.CharField(max_length=8, choices=DesiredState.choices, default=DesiredState.STOPPED)
    actual = models.CharField(max_length=8, choices=ActualState.choices, default=ActualState.STOPPED)
    epoch = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failed starts in a row")
    retry_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    needs_owner = models.BooleanField(
        default=False, help_text="Gave up over what only its owner can mend: keys, settings, terms the venue refuses"
    )
    restart_requested = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"engine {self.connection_id} {self.actual}"


class EngineEvent(LedgerModel):
    """What happened to an engine and who or what made it happen."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=32)
    actor = models.CharField(max_length=150)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
