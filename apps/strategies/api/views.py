"""Studies the caller's connections follow, and their lines."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.strategies.api import filters
from apps.strategies.api import serializers as shapes
from apps.strategies.models import Line, Study
from apps.strategies.rows import line_row, study_row
from apps.strategies.selectors import line_get_for, lines_for, studies_for, study_get_for
from cts.lists import RowList
from cts.rest import etag


class StudiesView(RowList):
    row = staticmethod(study_row)
    model = Study
    serializer_class = shapes.StudySerializer
    filterset_fields = ("exchange", "environment", "market", "timeframe_s")

    def rows_for(self, request: Request) -> QuerySet[Study]:
        return studies_for(caller(request))


class StudyView(APIView):
    @extend_schema(operation_id="studies_retrieve", responses=shapes.StudySerializer)
    def get(self, request: Request, pk: int) -> Response:
        study = study_get_for(caller(request), pk)
        return Response(study_row(study), headers=etag(study.version))


class LinesView(RowList):
    row = staticmethod(line_row)
    model = Line
    serializer_class = shapes.LineSerializer
    filterset_class = filters.LineFilter
    ordering_fields = ("id", "updated_at")

    def rows_for(self, request: Request) -> QuerySet[Line]:
        return lines_for(caller(request))


class LineView(APIView):
    @extend_schema(operation_id="lines_retrieve", responses=shapes.LineSerializer)
    def get(self, request: Request, pk: int) -> Response:
        line = line_get_for(caller(request), pk)
        return Response(line_row(line), headers=etag(line.version))
