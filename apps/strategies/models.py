"""Rule sets, configurations, studies with their lines, and what the simulated positions earned."""

from django.conf import settings
from django.db import models

from apps.exchanges.models import ENVIRONMENTS, MARKETS
from cts.db import LedgerModel, VersionedModel, enum_choices
from cts.domain.types import PositionSide

SIDES = enum_choices(PositionSide)


class Level(models.TextChoices):
    BASE = "base", "Base"
    MAIN = "main", "Main"
    REAL = "real", "Real"


class BaseState(models.TextChoices):
    EVALUATING = "evaluating", "Evaluating"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    FAILED = "failed", "Failed"


class RuleSet(VersionedModel):
    """Which lines may rise to main and real. Equal sets are computed once for all who follow them."""

    name = models.CharField(max_length=64)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rule_sets",
        help_text="Empty: offered to everyone",
    )
    real_lines_per_side = models.PositiveSmallIntegerField(default=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="rule_set_name_unique_per_owner"),
            # Of those offered to everyone too; said apart, because SQLite takes every empty owner for a different one.
            models.UniqueConstraint(
                fields=["name"], name="rule_set_name_unique", condition=models.Q(owner__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """`metric` over the last `window` positions must be `operator` `threshold`, given `min_count` positions."""

    rule_set = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="rules")
    level = models.CharField(max_length=8, choices=Level.choices)
    metric = models.CharField(max_length=32)
    window = models.PositiveSmallIntegerField(default=0, help_text="Newest positions looked at; 0: all kept")
    operator = models.CharField(
        max_length=2, choices=[("ge", "at least"), ("le", "at most"), ("gt", "above"), ("lt", "below")]
    )
    threshold = models.FloatField()
    min_count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["rule_set", "level", "id"]
        constraints = [models.UniqueConstraint(fields=["rule_set", "level", "metric", "window"], name="rule_unique")]


class Configuration(models.Model):
    """An entry signal with its parameters, and the exits. Immutable; equal ones are one row (`digest`)."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    indication = models.CharField(max_length=32, db_index=True)
    parameters = models.JSONField(default=dict)
    take_profit_steps = models.PositiveSmallIntegerField()
    stop_loss_ratio = models.FloatField()
    trail_arm_pct = models.FloatField(null=True, blank=True)
    trail_give_back_pct = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="configuration_exits_positive", condition=models.Q(take_profit_steps__gte=1, stop_loss_ratio__gt=0)
            ),
            models.CheckConstraint(
                name="configuration_trail_whole",
                condition=models.Q(trail_arm_pct__isnull=True, trail_give_back_pct__isnull=True)
                | models.Q(trail_arm_pct__gt=0, trail_give_back_pct__gt=0),
            ),
        ]


class Study(VersionedModel):
    """A market watched with one set of parameters; shared by all connections that have the same. `digest` is of them all."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    exchange = models.SlugField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    market = models.CharField(max_length=8, choices=MARKETS)
    symbols = models.JSONField()
    timeframe_s = models.PositiveSmallIntegerField(default=60)
    position_cost_ratio = models.FloatField(default=0.001)
    fee_ratio = models.FloatField(help_text="Taker fee of one side")
    slippage_ratio = models.FloatField(default=0.0001)
    position_timeout_s = models.PositiveIntegerField(default=7200)
    lines_per_symbol = models.PositiveIntegerField(default=2000)
    searched_at = models.DateTimeField(null=True, blank=True)
    warmed_until = models.DateTimeField(null=True, blank=True, help_text="Bars up to here are in the lines' results")
    progress = models.JSONField(default=dict, blank=True, help_text='Long work: {"what", "done", "total"}')

    class Meta:
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return f"{self.exchange} {self.environment} {self.market} {self.timeframe_s} s"

    @property
    def lease_name(self) -> str:
        return f"study:{self.pk}"


class StudyFollow(models.Model):
    """A connection follows a study under a rule set."""

    connection = models.OneToOneField("exchanges.Connection", on_delete=models.CASCADE, related_name="follow")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="follows")
    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="follows")


class Line(VersionedModel):
    """Configuration x symbol x side inside a study, with its base state and newest statistics."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="lines")
    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT, related_name="lines")
    symbol = models.CharField(max_length=40)
    side = models.CharField(max_length=5, choices=SIDES)
    base_state = models.CharField(max_length=12, choices=BaseState.choices, default=BaseState.EVALUATING)
    is_watched = models.BooleanField(default=True, help_text="Kept by the last search")
    statistics = models.JSONField(default=dict)
    cooldown_until_ms = models.BigIntegerField(default=0)
    open_position = models.JSONField(
        null=True, blank=True, help_text="The simulated position now open, so that a restart takes it up"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "configuration", "symbol", "side"], name="line_unique")]
        indexes = [models.Index(fields=["study", "is_watched"]), models.Index(fields=["study", "symbol", "side"])]


class LineResult(models.Model):
    """One closed simulated position. Ratios, never volume. Trimmed to the newest a line keeps."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="results")
    opened_ms = models.BigIntegerField()
    closed_ms = models.BigIntegerField()
    entry_price = models.FloatField()
    exit_price = models.FloatField()
    gain_ratio = models.FloatField(help_text="Net of fees and slippage")
    reason = models.CharField(max_length=8, choices=[(r, r) for r in ("target", "stop", "trail", "timeout")])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "opened_ms"], name="line_result_unique")]
        indexes = [models.Index(fields=["line", "-closed_ms"])]


class LevelChange(LedgerModel):
    """A promotion or demotion of a line, with the numbers that caused it."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="level_changes")
    rule_set = models.ForeignKey(RuleSet, null=True, blank=True, on_delete=models.CASCADE)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    numbers = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
