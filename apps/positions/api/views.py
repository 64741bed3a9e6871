"""Positions, their stories, closing, and where the venue held something else."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.idempotent import HEADER, idempotent
from apps.accounts.api.permissions import caller
from apps.exchanges.selectors import connection_get_for
from apps.orders.rows import order_row
from apps.positions.api import filters
from apps.positions.api import serializers as shapes
from apps.positions.closing import CloseOutcome
from apps.positions.manual import manual_position_close, manual_positions_close
from apps.positions.models import Discrepancy, FundingEntry, Position
from apps.positions.rows import discrepancy_row, funding_entry_row, position_row
from apps.positions.selectors import (
    discrepancies_for,
    funding_entries_for,
    position_get_for,
    position_story,
    positions_for,
)
from cts.lists import RowList, whole, whole_of
from cts.rates import client_address
from cts.rest import etag


class PositionsView(RowList):
    row = staticmethod(position_row)
    model = Position
    serializer_class = shapes.PositionSerializer
    filterset_class = filters.PositionFilter
    ordering_fields = ("id", "created_at", "updated_at")

    def rows_for(self, request: Request) -> QuerySet[Position]:
        return positions_for(caller(request))


class PositionView(APIView):
    @extend_schema(operation_id="positions_retrieve", responses=shapes.PositionSerializer)
    def get(self, request: Request, pk: int) -> Response:
        position = position_get_for(caller(request), pk)
        return Response(position_row(position), headers=etag(position.version))


class PositionStoryView(APIView):
    @extend_schema(operation_id="positions_story", responses=shapes.StorySerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(position_story(position_get_for(caller(request), pk)))


class PositionCloseView(APIView):
    """Cancel what of the entry is still to fill, then close at market what is held."""

    @extend_schema(
        operation_id="positions_close", parameters=[HEADER], request=None, responses=shapes.CloseOutcomeSerializer
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        position = position_get_for(user, pk)
        return Response(outcome_row(manual_position_close(position, user=user, address=client_address(request.META))))


class _CloseManyView(APIView):
    def close(self, request: Request, *, is_profitable_only: bool) -> Response:
        user = caller(request)
        connection = connection_get_for(user, shapes.CloseManyInput.checked(request)["connection"])
        outcomes = manual_positions_close(
            connection, user=user, is_profitable_only=is_profitable_only, address=client_address(request.META)
        )
        return whole(outcome_row(outcome) for outcome in outcomes)


class PositionsCloseAllView(_CloseManyView):
    """Close at market everything a connection holds."""

    @extend_schema(
        operation_id="positions_close_all",
        parameters=[HEADER],
        request=shapes.CloseManyInput,
        responses=whole_of(shapes.CloseOutcomeSerializer),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        return self.close(request, is_profitable_only=False)


class PositionsCloseProfitableView(_CloseManyView):
    """Close at market what of a connection is in profit at this moment."""

    @extend_schema(
        operation_id="positions_close_profitable",
        parameters=[HEADER],
        request=shapes.CloseManyInput,
        responses=whole_of(shapes.CloseOutcomeSerializer),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        return self.close(request, is_profitable_only=True)


class FundingEntriesView(RowList):
    """Funding paid and received, as the venues told it."""

    row = staticmethod(funding_entry_row)
    model = FundingEntry
    serializer_class = shapes.FundingEntrySerializer
    filterset_class = filters.FundingEntryFilter
    ordering_fields = ("id", "paid_at")

    def rows_for(self, request: Request) -> QuerySet[FundingEntry]:
        return funding_entries_for(caller(request))


class DiscrepanciesView(RowList):
    row = staticmethod(discrepancy_row)
    model = Discrepancy
    serializer_class = shapes.DiscrepancySerializer
    filterset_class = filters.DiscrepancyFilter
    ordering_fields = ("id", "created_at")

    def rows_for(self, request: Request) -> QuerySet[Discrepancy]:
        return discrepancies_for(caller(request))


def outcome_row(outcome: CloseOutcome) -> dict[str, Any]:
    return {
        "position": position_row(outcome.position),
        "is_ok": outcome.is_ok,
        "code": outcome.code,
        "detail": outcome.detail,
        "order": order_row(outcome.order) if outcome.order else None,
    }
