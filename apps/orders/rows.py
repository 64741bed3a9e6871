"""Orders and fills as the API serves them and the websocket pushes them."""

from decimal import Decimal
from typing import Any

from apps.orders.models import LIMIT_FIELDS, EntryLock, Fill, Order, OrderEvent, RiskLimits
from cts.db import iso
from cts.domain.units import decimal_text


def order_row(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "version": order.version,
        "connection": order.connection_id,
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "position_key": order.position_key,
        "oco_group": order.oco_group,
        "symbol": order.symbol,
        "side": str(order.side),
        "position_side": str(order.position_side),
        "order_type": str(order.order_type),
        "time_in_force": str(order.time_in_force),
        "quantity": decimal_text(order.quantity),
        "price": text_or_none(order.price),
        "trigger_price": text_or_none(order.trigger_price),
        "is_reduce_only": order.is_reduce_only,
        "purpose": str(order.purpose),
        "origin": str(order.origin),
        "status": str(order.status),
        "reason_code": order.reason_code,
        "reason": order.reason,
        "filled_quantity": decimal_text(order.filled_quantity),
        "average_price": text_or_none(order.average_price),
        "created_at": iso(order.created_at),
        "updated_at": iso(order.updated_at),
        "submitted_at": iso(order.submitted_at),
        "finished_at": iso(order.finished_at),
    }


def order_event_row(event: OrderEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "order": event.order_id,
        "sequence": event.sequence,
        "kind": event.kind,
        "before": event.before,
        "after": event.after,
        "data": event.data,
        "created_at": iso(event.created_at),
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    return {
        "id": fill.pk,
        "connection": fill.connection_id,
        "order": fill.order_id,
        "client_order_id": fill.order.client_order_id,
        "position_key": fill.order.position_key,
        "purpose": str(fill.order.purpose),
        "venue_trade_id": fill.venue_trade_id,
        "symbol": fill.symbol,
        "side": str(fill.side),
        "position_side": str(fill.position_side),
        "price": decimal_text(fill.price),
        "quantity": decimal_text(fill.quantity),
        "fee": decimal_text(fill.fee),
        "fee_asset": fill.fee_asset,
        "is_maker": fill.is_maker,
        "executed_at": iso(fill.executed_at),
        "source": fill.source,
    }


def entry_lock_row(lock: EntryLock) -> dict[str, Any]:
    return {
        "id": lock.pk,
        "connection": lock.connection_id,
        "symbol": lock.symbol,
        "reason_code": lock.reason_code,
        "reason": lock.reason,
        "until": iso(lock.until),
        "created_at": iso(lock.created_at),
    }


def risk_limits_row(limits: RiskLimits) -> dict[str, Any]:
    numbers = {name: getattr(limits, name) for name in LIMIT_FIELDS}
    return {"connection": limits.connection_id, "version": limits.version, **numbers}


def text_or_none(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
