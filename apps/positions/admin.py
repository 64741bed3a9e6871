"""Positions, their history, and differences from the venue: a ledger, to be read."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin
from apps.positions import models


@admin.register(models.Position)
class PositionAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "connection", "symbol", "side", "status", "quantity", "average_entry_price", "realized_pnl"),
        *("fees", "origin", "exit_reason", "uncovered_since", "opened_at", "closed_at"),
    )
    list_filter = ("status", "side", "origin", "exit_reason", "connection__exchange", "connection__environment")
    search_fields = ("key", "symbol", "connection__name")
    list_select_related = ("connection",)


@admin.register(models.PositionEvent)
class PositionEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "position", "sequence", "kind")
    list_filter = ("kind",)
    search_fields = ("position__key", "position__symbol")
    list_select_related = ("position",)


@admin.register(models.Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "connection", "symbol", "side", "ours", "venue", "cause")
    list_filter = ("cause", "connection__exchange")
    search_fields = ("symbol", "connection__name")
    list_select_related = ("connection",)


@admin.register(models.FundingEntry)
class FundingEntryAdmin(ReadOnlyAdmin):
    list_display = ("paid_at", "connection", "symbol", "amount", "asset", "given", "payment_id")
    list_filter = ("connection__exchange", "connection__environment")
    search_fields = ("symbol", "payment_id", "connection__name")
    list_select_related = ("connection",)


@admin.register(models.SyncState)
class SyncStateAdmin(ReadOnlyAdmin):
    list_display = ("connection", "synced_at", "fills_until", "funding_until", "last_error")
    search_fields = ("connection__name", "last_error")
    list_select_related = ("connection",)
