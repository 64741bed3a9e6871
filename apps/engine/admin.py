"""Engines and what happened to them. Every action is a verb of the coordinator."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.accounts.admin import ReadOnlyAdmin, confirmation, each_acted
from apps.accounts.models import User
from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.models import Engine, EngineEvent
from cts.domain.errors import DomainError


@admin.register(Engine)
class EngineAdmin(ReadOnlyAdmin):
    list_display = ("connection", "desired", "actual", "epoch", "heartbeat_at", "failures", "retry_at", "last_error")
    list_filter = ("desired", "actual", "connection__exchange", "connection__environment")
    search_fields = ("connection__name", "connection__owner__username", "last_error")
    list_select_related = ("connection",)
    actions = ("start", "pause", "resume", "stop", "restart", "emergency_stop")

    @admin.action(description="Start")
    def start(self, request: HttpRequest, rows: QuerySet[Engine]) -> None:
        each_acted(request, rows, _verb("start"), done="told to start")

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, rows: QuerySet[Engine]) -> None:
        each_acted(request, rows, _verb("pause"), done="told to pause")

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, rows: QuerySet[Engine]) -> None:
        each_acted(request, rows, _verb("resume"), done="told to resume")

    @admin.action(description="Stop")
    def stop(self, request: HttpRequest, rows: QuerySet[Engine]) -> None:
        each_acted(request, rows, _verb("stop"), done="told to stop")

    @admin.action(description="Restart")
    def restart(self, request: HttpRequest, rows: QuerySet[Engine]) -> None:
        each_acted(request, rows, _verb("restart"), done="told to restart")

    @admin.action(description="Emergency stop: disarm, cancel, flatten")
    def emergency_stop(self, request: HttpRequest, rows: QuerySet[Engine]) -> HttpResponse | None:
        question = "Disarm these connections, cancel their orders and close their positions at market?"
        asked = confirmation(self, request, rows, action="emergency_stop", question=question)
        if asked is None:
            each_acted(request, rows, _emergency_stopped, done="stopped and flat")
        return asked


def _verb(name: str) -> Callable[[Engine, User], object]:
    act = getattr(GlobalTradeEngineCoordinator(), name)
    return lambda engine, by: act(engine.connection, actor=by.get_username(), user=by)


def _emergency_stopped(engine: Engine, by: User) -> None:
    coordinator = GlobalTradeEngineCoordinator()
    [report] = coordinator.emergency_stop([engine.connection], actor=by.get_username(), user=by)
    if not report.is_complete:
        failed = [f"{step['step']}: {step['detail']}" for step in report.steps if not step["is_ok"]]
        raise DomainError("stop_incomplete", "; ".join(failed))


@admin.register(EngineEvent)
class EngineEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "engine", "kind", "actor", "detail")
    list_filter = ("kind", "actor")
    search_fields = ("engine__connection__name", "actor")
    list_select_related = ("engine__connection",)
