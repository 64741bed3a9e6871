"""Kept log lines, and the health on the admin's first page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin import ReadOnlyAdmin
from apps.engine.models import Engine
from apps.engine.rows import engine_row
from apps.monitoring.models import LogRecord
from apps.monitoring.selectors import health_report


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html shows; static/js/admin.js keeps the health new."""
    engines = Engine.objects.select_related("connection").order_by("connection_id")[:200]
    shown = [{**engine_row(engine), "name": str(engine.connection)} for engine in engines]
    return {**context, "health": health_report(), "engines": shown}


@admin.register(LogRecord)
class LogRecordAdmin(ReadOnlyAdmin):
    list_display = ("at", "level", "logger", "event", "told")
    list_filter = ("level", "logger")
    search_fields = ("event", "logger", "error")
    date_hierarchy = "at"

    @admin.display(description="With")
    def told(self, row: LogRecord) -> str:
        """Its ids and its reason: an event's name alone tells nobody what to look at."""
        return ", ".join(f"{name} {value}" for name, value in row.context.items() if name != "request")[:300]
