"""Positions as the API serves them and the websocket pushes them."""

from typing import Any

from apps.exchanges.connectors.spec import Capability
from apps.exchanges.selectors import spec_for
from apps.orders.rows import text_or_none
from apps.positions.models import Discrepancy, FundingEntry, Position, PositionStatus
from cts.db import iso
from cts.domain import pnl
from cts.domain.units import decimal_text


def position_row(position: Position) -> dict[str, Any]:
    return {
        "id": position.pk,
        "version": position.version,
        "connection": position.connection_id,
        "key": position.key,
        "symbol": position.symbol,
        "side": str(position.side),
        "status": str(position.status),
        "origin": str(position.origin),
        "quantity": decimal_text(position.quantity),
        "peak_quantity": decimal_text(position.peak_quantity),
        "average_entry_price": text_or_none(position.average_entry_price),
        "average_exit_price": text_or_none(position.average_exit_price),
        "realized_pnl": decimal_text(position.realized_pnl),
        "fees": decimal_text(position.fees),
        "funding": decimal_text(position.funding),
        "net_pnl": decimal_text(pnl.net(position.realized_pnl, fees=position.fees, funding=position.funding)),
        "target_price": text_or_none(position.target_price),
        "stop_price": text_or_none(position.stop_price),
        "best_price": text_or_none(position.best_price),
        "timeout_at": iso(position.timeout_at),
        "exit_reason": position.exit_reason,
        "stop_status": stop_status(position),
        "uncovered_since": iso(position.uncovered_since),
        "opened_at": iso(position.opened_at),
        "closed_at": iso(position.closed_at),
    }


def stop_status(position: Position) -> str:
    """`on_venue`, `watched` (by its engine, where the venue takes no stops), `missing`, `waived` (none was asked for, as
    its story says), or `none` (nothing to protect).
    """
    if position.status == PositionStatus.CLOSED or position.quantity == 0:
        return "none"
    if position.stop_ratio is None:
        return "waived"
    if position.stop_order_id and position.uncovered_since is None:
        return "on_venue"
    spec = spec_for(position.connection.exchange, position.connection.market)
    return "missing" if spec.can(Capability.CONDITIONAL) else "watched"


def funding_entry_row(entry: FundingEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "connection": entry.connection_id,
        "symbol": entry.symbol,
        "payment_id": entry.payment_id,
        "amount": decimal_text(entry.amount),
        "asset": entry.asset,
        "given": decimal_text(entry.given),
        "paid_at": iso(entry.paid_at),
        "created_at": iso(entry.created_at),
    }


def discrepancy_row(discrepancy: Discrepancy) -> dict[str, Any]:
    return {
        "id": discrepancy.pk,
        "connection": discrepancy.connection_id,
        "symbol": discrepancy.symbol,
        "side": str(discrepancy.side),
        "ours": decimal_text(discrepancy.ours),
        "venue": decimal_text(discrepancy.venue),
        "cause": discrepancy.cause,
        "detail": discrepancy.detail,
        "created_at": iso(discrepancy.created_at),
    }
