"""Engines and the emergency stop."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.idempotent import HEADER, idempotent
from apps.accounts.api.permissions import caller
from apps.accounts.models import User
from apps.engine.api import serializers as shapes
from apps.engine.coordinator import GlobalTradeEngineCoordinator, VerbResult
from apps.engine.models import Engine, EngineEvent
from apps.engine.reports import StopReport
from apps.engine.rows import engine_event_row, engine_row
from apps.engine.selectors import engine_events_for, engine_get_for, engines_for
from apps.exchanges.models import Connection
from apps.exchanges.selectors import connection_get_for, connections_for
from cts.lists import RowList, whole, whole_of
from cts.rest import etag

VERB = OpenApiParameter("verb", str, OpenApiParameter.PATH, enum=list(GlobalTradeEngineCoordinator.VERBS))


class EnginesView(RowList):
    row = staticmethod(engine_row)
    model = Engine
    serializer_class = shapes.EngineSerializer
    filterset_fields = ("desired", "actual")

    def rows_for(self, request: Request) -> QuerySet[Engine]:
        return engines_for(caller(request))


class EngineView(APIView):
    @extend_schema(operation_id="engines_retrieve", responses=shapes.EngineSerializer)
    def get(self, request: Request, connection_id: int) -> Response:
        engine = engine_get_for(caller(request), connection_id)
        return Response(engine_row(engine), headers=etag(engine.version))


class EngineEventsView(RowList):
    row = staticmethod(engine_event_row)
    model = EngineEvent
    serializer_class = shapes.EngineEventSerializer

    def rows_for(self, request: Request) -> QuerySet[EngineEvent]:
        return engine_events_for(caller(request), self.kwargs["connection_id"])


class EngineVerbView(APIView):
    """Tell one engine what is wanted of it; its run follows within a second."""

    @extend_schema(
        operation_id="engines_act", parameters=[VERB, HEADER], request=None, responses=shapes.EngineSerializer
    )
    @idempotent
    def post(self, request: Request, connection_id: int, verb: str) -> Response:
        user = caller(request)
        act: Callable[..., Engine] = getattr(GlobalTradeEngineCoordinator(), verb)
        engine = act(connection_get_for(user, connection_id), actor=user.get_username(), user=user)
        return Response(engine_row(engine), headers=etag(engine.version))


class EnginesVerbView(APIView):
    """The same for all of one's own that are active; what fails on one doesn't keep the others."""

    @extend_schema(
        operation_id="engines_act_all",
        parameters=[VERB, HEADER],
        request=None,
        responses=whole_of(shapes.VerbResultSerializer),
    )
    @idempotent
    def post(self, request: Request, verb: str) -> Response:
        user = caller(request)
        act: Callable[..., list[VerbResult]] = getattr(GlobalTradeEngineCoordinator(), f"{verb}_all")
        results = act(connections_for(user).filter(is_active=True), actor=user.get_username(), user=user)
        return whole(verb_result_row(result) for result in results)


class EmergencyStopView(APIView):
    """Disarm, cancel every open order, then flatten or keep protected by stops. Of all connections unless told."""

    @extend_schema(
        operation_id="engines_emergency_stop",
        parameters=[HEADER],
        request=shapes.EmergencyStopInput,
        responses=shapes.StopReportsSerializer,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        user = caller(request)
        asked = shapes.EmergencyStopInput.checked(request)
        reports = GlobalTradeEngineCoordinator().emergency_stop(
            _chosen(user, asked.get("connections")), actor=user.get_username(), user=user, mode=asked["mode"]
        )
        return Response({"connections": [stop_report_row(report) for report in reports]})


def _chosen(user: User, ids: list[int] | None) -> Iterable[Connection]:
    """All of one's own, or each by its one door: a wrong id stops the call before anything is half done."""
    return connections_for(user) if ids is None else [connection_get_for(user, pk) for pk in dict.fromkeys(ids)]


def verb_result_row(result: VerbResult) -> dict[str, Any]:
    return {
        "connection": result.connection_id,
        "is_ok": result.is_ok,
        "code": result.code,
        "detail": result.detail,
        "engine": engine_row(result.engine) if result.engine else None,
    }


def stop_report_row(report: StopReport) -> dict[str, Any]:
    return {
        "connection": report.connection_id,
        "mode": report.mode,
        "is_complete": report.is_complete,
        "steps": report.steps,
    }
