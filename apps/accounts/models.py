"""People, their roles and the record of what they did."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from cts.db import LedgerModel


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    TRADER = "trader", "Trader"
    ADMINISTRATOR = "administrator", "Administrator"


class Theme(models.TextChoices):
    SYSTEM = "system", "As the system"
    DARK = "dark", "Dark"
    LIGHT = "light", "Light"


class User(AbstractUser):
    """Viewers see, traders also act, administrators also enter the admin. Everyone sees own things only."""

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.TRADER)
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)

    class Meta(AbstractUser.Meta):
        constraints = [models.CheckConstraint(name="user_role_known", condition=models.Q(role__in=Role.values))]

    @property
    def can_trade(self) -> bool:
        return self.is_active and self.role in (Role.TRADER, Role.ADMINISTRATOR)


class AuditEntry(LedgerModel):
    """Who did what to which thing, from where. Append-only; never holds a secret."""

    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="audit_entries")
    actor = models.CharField(max_length=150, help_text="Name at the time, or the process that acted")
    action = models.CharField(max_length=64, db_index=True)
    entity = models.CharField(max_length=64, blank=True)
    entity_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-created_at"]), models.Index(fields=["entity", "entity_id"])]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.entity} {self.entity_id}"
