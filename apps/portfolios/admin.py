"""Portfolios and the equity of their connections."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin
from apps.portfolios import models


@admin.register(models.Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "updated_at")
    search_fields = ("name", "owner__username")
    list_select_related = ("owner",)


@admin.register(models.EquitySnapshot)
class EquitySnapshotAdmin(ReadOnlyAdmin):
    list_display = ("minute", "connection", "equity", "unrealized_pnl")
    list_filter = ("connection__exchange", "connection__environment")
    search_fields = ("connection__name",)
    date_hierarchy = "minute"
    list_select_related = ("connection",)
