"""Orders, what happened to them, and their fills."""

from typing import Any

import msgspec
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.idempotent import HEADER, REQUIRED_HEADER, idempotent, key_required
from apps.accounts.api.permissions import caller
from apps.exchanges.selectors import connection_get_for
from apps.orders.amendment import NewTerms
from apps.orders.api import filters
from apps.orders.api import serializers as shapes
from apps.orders.cancellation import CancelOutcome
from apps.orders.creation import Judged
from apps.orders.drafts import sizing_steps
from apps.orders.manual import (
    Ticket,
    manual_order_amend,
    manual_order_cancel,
    manual_order_judge,
    manual_order_place,
    manual_orders_cancel_all,
)
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.rows import fill_row, order_event_row, order_row
from apps.orders.selectors import fills_for, order_events_for, order_get_for, orders_for
from cts.domain.orders import OrderTerms
from cts.domain.units import decimal_text
from cts.lists import RowList, whole, whole_of
from cts.rates import client_address
from cts.rest import etag, version_check
from cts.schema import IF_MATCH


class OrdersView(RowList):
    row = staticmethod(order_row)
    model = Order
    serializer_class = shapes.OrderSerializer
    filterset_class = filters.OrderFilter
    ordering_fields = ("id", "created_at", "updated_at")

    def rows_for(self, request: Request) -> QuerySet[Order]:
        return orders_for(caller(request))

    @extend_schema(
        operation_id="orders_create",
        parameters=[REQUIRED_HEADER],
        request=shapes.OrderCreate,
        responses={201: shapes.OrderSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        user, key = caller(request), key_required(request)
        asked = shapes.OrderCreate.checked(request)
        connection = connection_get_for(user, asked.pop("connection"))
        address = client_address(request.META)
        order = manual_order_place(connection, user=user, ticket=_ticket(asked, key=key), address=address)
        return Response(order_row(order), status=201, headers=etag(order.version))


class OrderWhatIfView(APIView):
    """What would become of an order by hand: its size, its cost, and every risk check. Nothing is stored or sent."""

    @extend_schema(operation_id="orders_what_if", request=shapes.OrderCreate, responses=shapes.WhatIfSerializer)
    def post(self, request: Request) -> Response:
        user = caller(request)
        asked = shapes.OrderCreate.checked(request)
        connection = connection_get_for(user, asked.pop("connection"))
        return Response(judged_row(manual_order_judge(connection, user=user, ticket=_ticket(asked, key="what-if"))))


def judged_row(judged: Judged) -> dict[str, Any]:
    """An order that isn't one: what it would be, and every check it would meet."""
    code, reason = judged.refusal or ("", "")
    return {
        "is_allowed": judged.refusal is None,
        "reason_code": code,
        "reason": reason,
        "quantity": decimal_text(judged.sized.quantity),
        "price": decimal_text(judged.draft.price),
        "notional": decimal_text(judged.sized.notional),
        "margin": decimal_text(judged.sized.margin),
        "sizing": sizing_steps(judged.sized),
        "checks": msgspec.to_builtins(judged.verdict.checks),
    }


def _ticket(asked: dict[str, Any], *, key: str) -> Ticket:
    terms = {name: asked.pop(name) for name in OrderTerms.__struct_fields__ if name in asked}
    return msgspec.convert({**asked, "key": key, "terms": terms}, Ticket)


class OrderView(APIView):
    @extend_schema(operation_id="orders_retrieve", responses=shapes.OrderSerializer)
    def get(self, request: Request, pk: int) -> Response:
        order = order_get_for(caller(request), pk)
        return Response(order_row(order), headers=etag(order.version))

    @extend_schema(
        operation_id="orders_amend",
        parameters=[HEADER, IF_MATCH],
        request=shapes.OrderAmend,
        responses=shapes.OrderSerializer,
    )
    @idempotent
    def patch(self, request: Request, pk: int) -> Response:
        user = caller(request)
        order = order_get_for(user, pk)
        version_check(request, version=order.version)
        terms = NewTerms(**shapes.OrderAmend.checked(request))
        amended = manual_order_amend(order, user=user, terms=terms, address=client_address(request.META))
        return Response(order_row(amended), headers=etag(amended.version))


class OrderEventsView(RowList):
    """Every step of the order's life, the request and the answer among them."""

    row = staticmethod(order_event_row)
    model = OrderEvent
    serializer_class = shapes.OrderEventSerializer
    ordering = "id"

    def rows_for(self, request: Request) -> QuerySet[OrderEvent]:
        return order_events_for(caller(request), self.kwargs["pk"])


class OrderCancelView(APIView):
    @extend_schema(operation_id="orders_cancel", parameters=[HEADER], request=None, responses=shapes.OrderSerializer)
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        user = caller(request)
        order = order_get_for(user, pk)
        canceled = manual_order_cancel(order, user=user, address=client_address(request.META))
        return Response(order_row(canceled), headers=etag(canceled.version))


class OrdersCancelAllView(APIView):
    """Every open order of a connection, or of one of its symbols; stops that protect a live position stay."""

    @extend_schema(
        operation_id="orders_cancel_all",
        parameters=[HEADER],
        request=shapes.CancelAllInput,
        responses=whole_of(shapes.CancelOutcomeSerializer),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        user = caller(request)
        asked = shapes.CancelAllInput.checked(request)
        connection = connection_get_for(user, asked["connection"])
        address = client_address(request.META)
        outcomes = manual_orders_cancel_all(connection, user=user, symbol=asked.get("symbol"), address=address)
        return whole(outcome_row(outcome) for outcome in outcomes)


def outcome_row(outcome: CancelOutcome) -> dict[str, Any]:
    return {
        "symbol": outcome.symbol,
        "is_ok": outcome.is_ok,
        "detail": outcome.detail,
        "order": order_row(outcome.order) if outcome.order else None,
    }


class FillsView(RowList):
    row = staticmethod(fill_row)
    model = Fill
    serializer_class = shapes.FillSerializer
    filterset_class = filters.FillFilter
    ordering_fields = ("id", "executed_at")

    def rows_for(self, request: Request) -> QuerySet[Fill]:
        return fills_for(caller(request))
