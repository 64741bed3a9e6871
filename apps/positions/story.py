"""A trade explained from the first signal to the last fill. Reads only."""

from typing import Any

from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.rows import fill_row, order_event_row, order_row
from apps.positions.models import Position, PositionEvent
from apps.positions.rows import position_row
from cts.db import iso
from cts.domain.types import OrderPurpose


def position_story(position: Position) -> dict[str, Any]:
    """Configuration, statistics at the moment, sum, checks, requests, answers, fills, stops, timeline. Four queries."""
    orders = list(Order.objects.filter(connection_id=position.connection_id, position_key=position.key).order_by("pk"))
    told = list(OrderEvent.objects.filter(order__in=orders).order_by("pk"))
    events = list(PositionEvent.objects.filter(position=position).order_by("sequence"))
    fill_ids = [event.fill_id for event in events if event.fill_id is not None]
    fills = list(Fill.objects.filter(pk__in=fill_ids).select_related("order").order_by("executed_at", "pk"))
    entry = next((order for order in orders if not order.is_reduce_only), None)
    return {
        "position": position_row(position),
        "why": entry.explanation if entry else {},
        "exits": _exits(entry, position),
        "sizing": entry.sizing if entry else {},
        "checks": entry.checks if entry else [],
        "orders": [_order(order, told) for order in orders],
        "stops": [order_row(order) for order in orders if order.purpose == OrderPurpose.STOP],
        "fills": [fill_row(fill) for fill in fills],
        "timeline": _timeline(orders, told, events),
    }


def _exits(entry: Order | None, position: Position) -> dict[str, Any]:
    """As asked for; where no stop was, the one the position goes by all the same."""
    asked = entry.exits if entry else {}
    return asked if position.stop_ratio is None else {**asked, "stop_ratio": position.stop_ratio}


def _order(order: Order, told: list[OrderEvent]) -> dict[str, Any]:
    return {**order_row(order), "events": [order_event_row(event) for event in told if event.order_id == order.pk]}


def _timeline(orders: list[Order], told: list[OrderEvent], events: list[PositionEvent]) -> list[dict[str, Any]]:
    """Everything that happened, in the order in which we recorded it."""
    purposes = {order.pk: order.purpose for order in orders}
    lines = [
        (event.created_at, f"{purposes[event.order_id]} order", event.kind, event.after, event.data) for event in told
    ]
    lines += [(event.created_at, "position", event.kind, "", event.data) for event in events]
    return [
        {"at": iso(at), "what": what, "kind": kind, "status": status, "data": data}
        for at, what, kind, status, data in sorted(lines, key=lambda line: line[0])
    ]
