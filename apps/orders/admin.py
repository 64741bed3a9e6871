"""Orders, fills and what led to them: a ledger, to be read."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin
from apps.orders import models


@admin.register(models.Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        *("created_at", "connection", "symbol", "side", "position_side", "order_type", "quantity"),
        *("filled_quantity", "status", "purpose", "client_order_id"),
    )
    list_filter = ("status", "purpose", "origin", "order_type", "connection__exchange", "connection__environment")
    search_fields = ("client_order_id", "venue_order_id", "position_key", "symbol", "connection__name", "reason")
    date_hierarchy = "created_at"
    list_select_related = ("connection",)


@admin.register(models.Fill)
class FillAdmin(ReadOnlyAdmin):
    list_display = ("executed_at", "connection", "symbol", "side", "price", "quantity", "fee", "fee_asset", "source")
    list_filter = ("source", "is_maker", "connection__exchange", "connection__environment")
    search_fields = ("venue_trade_id", "symbol", "order__client_order_id", "connection__name")
    date_hierarchy = "executed_at"
    list_select_related = ("connection",)


@admin.register(models.OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "order", "sequence", "kind", "before", "after")
    list_filter = ("kind", "after")
    search_fields = ("order__client_order_id", "order__symbol")
    list_select_related = ("order",)


@admin.register(models.RiskLimits)
class RiskLimitsAdmin(ReadOnlyAdmin):
    list_display = ("connection", "sizing_mode", "max_positions", "max_leverage", "max_daily_loss_ratio", "updated_at")
    search_fields = ("connection__name",)
    list_select_related = ("connection",)


@admin.register(models.EntryLock)
class EntryLockAdmin(ReadOnlyAdmin):
    list_display = ("until", "connection", "symbol", "reason_code", "reason")
    list_filter = ("reason_code",)
    search_fields = ("connection__name", "symbol", "reason")
    list_select_related = ("connection",)


@admin.register(models.EquityPeak)
class EquityPeakAdmin(ReadOnlyAdmin):
    list_display = ("connection", "asset", "equity", "at")
    list_filter = ("asset",)
    search_fields = ("connection__name",)
    list_select_related = ("connection",)
