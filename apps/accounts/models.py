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


class TokenFamily(models.Model):
    """All API tokens that one sign-in led to. Revoked, none of them opens anything any more, whatever its own end."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    key = models.CharField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"


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


class IdempotencyKey(models.Model):
    """A write a caller named, and its answer once there is one, so that sending it twice does it once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="idempotency_keys")
    key = models.CharField(max_length=64)
    scope = models.CharField(max_length=200, help_text="Method and path")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the request's body")
    claimed_at = models.DateTimeField(help_text="When the request now at work, or last at work, began")
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the answer; empty while at work")
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key", "scope"], name="idempotency_key_unique")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
