"""Connections, what venues list, balances, leases and feeds. Keys are never shown; acts are services'."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin import ReadOnlyAdmin, each_acted
from apps.accounts.models import User
from apps.exchanges import models
from apps.exchanges.services import connection_disarm, connection_test, connection_update
from cts.domain.errors import DomainError

VENUE = ("exchange", "environment", "market")


@admin.register(models.Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "owner",
        *VENUE,
        "is_enabled",
        "is_live_armed",
        "is_test_passed",
        "last_seen_at",
        "key_hint",
    )
    list_filter = (*VENUE, "is_enabled", "is_active", "is_live_armed", "is_preset_armed", "is_test_passed")
    search_fields = ("name", "owner__username", "key_hint", "last_error")
    list_select_related = ("owner",)
    actions = ("test", "disarm", "enable", "disable")

    @admin.action(description="Test against the exchange")
    def test(self, request: HttpRequest, rows: QuerySet[models.Connection]) -> None:
        each_acted(request, rows, _tested, done="tested, all good")

    @admin.action(description="Disarm")
    def disarm(self, request: HttpRequest, rows: QuerySet[models.Connection]) -> None:
        each_acted(request, rows, _disarmed, done="disarmed")

    @admin.action(description="Enable")
    def enable(self, request: HttpRequest, rows: QuerySet[models.Connection]) -> None:
        each_acted(
            request, rows, lambda row, by: connection_update(row, user=by, changes={"is_enabled": True}), done="enabled"
        )

    @admin.action(description="Disable and disarm")
    def disable(self, request: HttpRequest, rows: QuerySet[models.Connection]) -> None:
        each_acted(
            request,
            rows,
            lambda row, by: connection_update(row, user=by, changes={"is_enabled": False}),
            done="disabled",
        )


def _tested(row: models.Connection, by: User) -> None:
    test = connection_test(row, user=by)
    if not test.is_ok:
        raise DomainError("test_failed", next(line["detail"] for line in test.lines if not line["is_ok"]))


def _disarmed(row: models.Connection, by: User) -> None:
    for origin in ("live", "preset"):
        connection_disarm(row, user=by, origin=origin)


@admin.register(models.ConnectionTest)
class ConnectionTestAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "connection", "is_ok")
    list_filter = ("is_ok", "connection__exchange")
    search_fields = ("connection__name",)
    list_select_related = ("connection",)


@admin.register(models.Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = (*VENUE, "symbol", "tick_size", "lot_step", "min_quantity", "is_trading", "synced_at")
    list_filter = (*VENUE, "is_trading")
    search_fields = ("symbol", "venue_symbol")


@admin.register(models.InstrumentChange)
class InstrumentChangeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "instrument", "changes")
    search_fields = ("instrument__symbol",)
    list_select_related = ("instrument",)


@admin.register(models.AccountBalance)
class AccountBalanceAdmin(ReadOnlyAdmin):
    list_display = ("connection", "asset", "equity", "available", "unrealized_pnl", "at")
    list_filter = ("asset", "connection__exchange")
    search_fields = ("connection__name", "asset")
    list_select_related = ("connection",)


@admin.register(models.CandleFile)
class CandleFileAdmin(ReadOnlyAdmin):
    list_display = (*VENUE, "symbol", "timeframe_s", "day", "rows", "updated_at")
    list_filter = (*VENUE, "timeframe_s")
    search_fields = ("symbol", "path")


@admin.register(models.Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "epoch", "heartbeat_at", "expires_at")
    search_fields = ("name", "owner")


@admin.register(models.Feed)
class FeedAdmin(ReadOnlyAdmin):
    list_display = (*VENUE, "is_connected", "last_tick_at", "clock_offset_ms", "reconnects", "last_error")
    list_filter = (*VENUE, "is_connected")
