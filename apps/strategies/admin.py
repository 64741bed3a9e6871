"""Studies, their lines and results, and the rules lines rise by."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin
from apps.strategies import models


@admin.register(models.RuleSet)
class RuleSetAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "real_lines_per_side", "updated_at")
    search_fields = ("name", "owner__username")
    list_select_related = ("owner",)


@admin.register(models.Rule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ("rule_set", "level", "metric", "window", "operator", "threshold", "min_count")
    list_filter = ("level", "metric")
    search_fields = ("rule_set__name", "metric")
    list_select_related = ("rule_set",)


@admin.register(models.Configuration)
class ConfigurationAdmin(ReadOnlyAdmin):
    list_display = ("id", "indication", "parameters", "take_profit_steps", "stop_loss_ratio", "trail_arm_pct")
    list_filter = ("indication", "take_profit_steps")
    search_fields = ("digest", "indication")


@admin.register(models.Study)
class StudyAdmin(ReadOnlyAdmin):
    list_display = ("id", "exchange", "environment", "market", "timeframe_s", "symbols", "searched_at", "warmed_until")
    list_filter = ("exchange", "environment", "market", "timeframe_s")
    search_fields = ("digest",)


@admin.register(models.StudyFollow)
class StudyFollowAdmin(ReadOnlyAdmin):
    list_display = ("connection", "study", "rule_set")
    search_fields = ("connection__name",)
    list_select_related = ("connection", "study", "rule_set")


@admin.register(models.Line)
class LineAdmin(ReadOnlyAdmin):
    list_display = ("id", "study", "symbol", "side", "configuration", "base_state", "is_watched", "updated_at")
    list_filter = ("base_state", "is_watched", "side", "symbol")
    search_fields = ("symbol", "configuration__indication")
    list_select_related = ("study", "configuration")


@admin.register(models.LineResult)
class LineResultAdmin(ReadOnlyAdmin):
    list_display = ("id", "line_id", "opened_ms", "closed_ms", "entry_price", "exit_price", "gain_ratio", "reason")
    list_filter = ("reason",)


@admin.register(models.LevelChange)
class LevelChangeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "line_id", "rule_set", "before", "after")
    list_filter = ("before", "after")
    list_select_related = ("rule_set",)
