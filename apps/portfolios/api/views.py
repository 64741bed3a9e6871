"""Portfolios: made, limited, and what their accounts hold and have earned together."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.portfolios.api import serializers as shapes
from apps.portfolios.models import Portfolio
from apps.portfolios.rows import portfolio_row, standing_row, window_row
from apps.portfolios.selectors import (
    equity_curve,
    points,
    portfolio_get_for,
    portfolio_windows,
    portfolios_for,
    thinned,
)
from apps.portfolios.services import portfolio_create, portfolio_delete, portfolio_update
from apps.portfolios.standing import standing
from cts.lists import RowList, whole, whole_of
from cts.rates import client_address
from cts.rest import etag, version_check
from cts.schema import IF_MATCH


def _answer(portfolio: Portfolio, *, status: int = 200) -> Response:
    return Response(portfolio_row(portfolio), status=status, headers=etag(portfolio.version))


class PortfoliosView(RowList):
    row = staticmethod(portfolio_row)
    model = Portfolio
    serializer_class = shapes.PortfolioSerializer
    ordering_fields = ("id", "name", "created_at", "updated_at")

    def rows_for(self, request: Request) -> QuerySet[Portfolio]:
        return portfolios_for(caller(request))

    @extend_schema(
        operation_id="portfolios_create",
        request=shapes.PortfolioCreate,
        responses={201: shapes.PortfolioSerializer},
    )
    def post(self, request: Request) -> Response:
        asked, address = shapes.PortfolioCreate.checked(request), client_address(request.META)
        return _answer(portfolio_create(user=caller(request), address=address, **asked), status=201)


class PortfolioView(APIView):
    @extend_schema(operation_id="portfolios_retrieve", responses=shapes.PortfolioSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return _answer(portfolio_get_for(caller(request), pk))

    @extend_schema(
        operation_id="portfolios_update",
        parameters=[IF_MATCH],
        request=shapes.PortfolioChanges,
        responses=shapes.PortfolioSerializer,
    )
    def patch(self, request: Request, pk: int) -> Response:
        user = caller(request)
        portfolio = portfolio_get_for(user, pk)
        version_check(request, version=portfolio.version)
        version = portfolio.version if "If-Match" in request.headers else None
        changes, address = shapes.PortfolioChanges.checked(request), client_address(request.META)
        return _answer(portfolio_update(portfolio, user=user, changes=changes, version=version, address=address))

    @extend_schema(operation_id="portfolios_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        user = caller(request)
        portfolio = portfolio_get_for(user, pk)
        version_check(request, version=portfolio.version)
        portfolio_delete(portfolio, user=user, address=client_address(request.META))
        return Response(status=204)


class StandingView(APIView):
    """Equity, allocation, exposure by symbol and side across exchanges, and how much of each limit is used."""

    @extend_schema(operation_id="portfolios_standing", responses=shapes.StandingSerializer)
    def get(self, request: Request, pk: int) -> Response:
        portfolio = portfolio_get_for(caller(request), pk)
        return Response(standing_row(portfolio, standing(portfolio, now=timezone.now())))


class StatisticsView(APIView):
    """Results of the last 4, 12, 24 and 48 hours, and of 7, 30 and 90 days."""

    @extend_schema(operation_id="portfolios_statistics", responses=whole_of(shapes.WindowSerializer))
    def get(self, request: Request, pk: int) -> Response:
        portfolio = portfolio_get_for(caller(request), pk)
        return whole(window_row(window) for window in portfolio_windows(portfolio, now=timezone.now()))


class EquityView(APIView):
    """Equity of all its accounts together, one point a minute or fewer."""

    @extend_schema(
        operation_id="portfolios_equity",
        parameters=[shapes.EquityQuery],
        responses=whole_of(shapes.EquityPointSerializer),
    )
    def get(self, request: Request, pk: int) -> Response:
        portfolio = portfolio_get_for(caller(request), pk)
        since = timezone.now() - timedelta(hours=shapes.EquityQuery.query(request)["hours"])
        ids = portfolio.connections.values_list("pk", flat=True)
        return whole(points(thinned(equity_curve(ids, since=since))))
