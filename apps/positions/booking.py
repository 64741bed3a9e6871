"""From a fill to positions: whose it is, how much of it, and what follows when one of them closes."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import redis
from django.db import transaction
from django.utils import timezone

from apps.exchanges.models import Connection
from apps.exchanges.selectors import instrument_for, tickers_for
from apps.orders.history import History, history_for
from apps.orders.models import Fill, Order
from apps.orders.services import entry_lock_create, fill_record, fills_unknown
from apps.positions.exposure import net_pnl
from apps.positions.ledger import (
    entry_may_fill,
    execution_noted,
    position_fold,
    position_folded,
    position_keyed,
    position_noted,
    timeout_from,
)
from apps.positions.models import Position, PositionStatus
from apps.positions.selectors import LIVE, leg_quantities
from cts.domain.errors import DomainError
from cts.domain.exits import default_stop_ratio
from cts.domain.position import EXACT, PLACES, Execution, split
from cts.domain.risk import OUTSIDE_EXITS
from cts.domain.types import Instrument, OrderPurpose, Origin, PositionMode, PositionSide, Side, VenueFill
from cts.kill_points import KillPoint, reached

log = logging.getLogger(__name__)

ZERO = Decimal(0)
_REASONS = {
    OrderPurpose.STOP: "stop",
    OrderPurpose.EMERGENCY: "emergency",
    OrderPurpose.MANUAL: "manual",
    OrderPurpose.EXTERNAL: "external",
}


def fill_book(connection: Connection, *, fill: VenueFill, source: str) -> Fill | None:
    """The fill and what it does to positions, in one transaction. None when it changes nothing.

    None means heard before, or not attributable yet: the next poll brings that one again.
    """
    booked = _booked(connection, fill=fill, source=source)
    if booked is not None:
        reached(KillPoint.AFTER_FILL_COMMIT)
    return booked


@transaction.atomic
def _booked(connection: Connection, *, fill: VenueFill, source: str) -> Fill | None:
    row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    booked = fill_record(row, fill=fill, source=source, position_side=_leg_acted_on(row, fill))
    if booked is not None:
        position_apply_fill(booked)
        reached(KillPoint.BEFORE_FILL_COMMIT)
    return booked


def fills_book(connection: Connection, *, fills: Sequence[VenueFill]) -> list[VenueFill]:
    """What a poll has brought; returns those that were news."""
    fresh = fills_unknown(connection, fills)
    return [fill for fill in fresh if fill_book(connection, fill=fill, source="poll") is not None]


@transaction.atomic(savepoint=False)
def position_apply_fill(fill: Fill) -> list[Position]:
    """Give the fill to the position its order belongs to; what that can't take, to others of the same leg, oldest first."""
    order = fill.order
    execution = _execution(fill)
    instrument = _instrument(fill)
    shares = _foreign_shares(fill, execution) if order.purpose == OrderPurpose.EXTERNAL else _shares(order, execution)
    changed = []
    for position, quantity in shares:
        part = _part(execution, quantity)
        execution_noted(position, part, fill=fill)
        if part.side is PositionSide(position.side).exit_side:
            position.exit_reason = position.exit_reason or _REASONS.get(OrderPurpose(order.purpose), "exit")
        elif position.timeout_at is None:
            position.timeout_at = timeout_from(order, opened_at=fill.executed_at)
        was_closed = position.status == PositionStatus.CLOSED
        position_folded(position, instrument=instrument)
        if position.status == PositionStatus.CLOSED and not was_closed:
            _on_closed(position)
        elif was_closed and position.status != PositionStatus.CLOSED:
            log.error("position_reopened_by_late_fill", extra={"position": position.pk, "fill": fill.pk})
        changed.append(position)
    return changed


def position_for_entry(order: Order) -> Position:
    """The position an entry opens, held; made at its first fill, with the connection held."""
    key = order.position_key or order.client_order_id
    if (known := position_keyed(order.connection_id, key)) is not None:
        return known
    ratios = {name: order.exits.get(name) for name in ("target_ratio", "trail_arm_ratio", "trail_give_back_ratio")}
    given, waiver = order.exits.get("stop_ratio"), order.exits.get("stop_waiver")
    stop_ratio = default_stop_ratio(Origin(order.origin), given=given, is_waived=bool(waiver))
    row = Position.objects.create(
        connection=order.connection,
        key=key,
        symbol=order.symbol,
        side=order.position_side,
        origin=order.origin,
        line_id=order.line_id,
        stop_ratio=stop_ratio,
        **ratios,
    )
    if stop_ratio != given:
        position_noted(row, kind="stop_default", data={"stop_ratio": stop_ratio})
    if waiver:
        data = {"origin": order.origin, "by": order.explanation.get("by", ""), "reason": waiver}
        position_noted(row, kind="stop_waived", data=data)
    return row


def _leg_acted_on(connection: Connection, fill: VenueFill) -> PositionSide | None:
    """In one-way mode venues don't name the leg: whatever is held on the other side is closed first."""
    if fill.position_side is not None or connection.position_mode == PositionMode.HEDGE:
        return fill.position_side
    closes = PositionSide.SHORT if fill.side is Side.BUY else PositionSide.LONG
    return closes if (fill.symbol, closes) in leg_quantities(connection) else None


def _shares(order: Order, execution: Execution) -> list[tuple[Position, Decimal]]:
    """Of an order of ours: all to its position, but what it has too much goes to those whose leg it took from."""
    position = position_keyed(order.connection_id, order.position_key) if order.is_reduce_only else None
    position = position or position_for_entry(_entry_of(order) or order)
    taken, left = split(position_fold(position), execution)
    if left == 0 or entry_may_fill(position):
        # The fill of its entry may be on the way behind that of its exit; the fold puts them in order.
        return [(position, execution.quantity)]
    siblings, unplaced = _oldest_first(position.connection, position, left)
    own = taken + unplaced
    return [(position, own), *siblings] if own else siblings


def _foreign_shares(fill: Fill, execution: Execution) -> list[tuple[Position, Decimal]]:
    """Of an order made elsewhere: closing takes from the oldest, what opens is a position of its own."""
    order, leg = fill.order, PositionSide(fill.position_side)
    if execution.side is leg.entry_side:
        return [(position_for_entry(order), execution.quantity)]
    shares, left = _oldest_first(fill.connection, None, execution.quantity, symbol=fill.symbol, side=leg)
    if left and fill.connection.position_mode == PositionMode.ONE_WAY:
        order.position_side = PositionSide.SHORT if leg is PositionSide.LONG else PositionSide.LONG
        shares.append((position_for_entry(order), left))
    elif left:
        log.error("fill_closes_nothing", extra={"fill": fill.pk, "connection": fill.connection_id})
    return shares


def _oldest_first(
    connection: Connection,
    position: Position | None,
    quantity: Decimal,
    *,
    symbol: str = "",
    side: str = "",
) -> tuple[list[tuple[Position, Decimal]], Decimal]:
    rows = Position.objects.select_for_update(of=("self",)).select_related("connection")
    rows = rows.filter(
        connection=connection,
        symbol=position.symbol if position else symbol,
        side=position.side if position else side,
        status__in=LIVE,
    )
    shares, left = [], quantity
    for row in rows.order_by("pk"):
        if left == 0:
            break
        part = ZERO if position is not None and row.pk == position.pk else min(left, row.quantity)
        if part > 0:
            shares.append((row, part))
            left -= part
    return shares, left


def _entry_of(order: Order) -> Order | None:
    """Of an order that reduces; one that opens is its own."""
    if not order.is_reduce_only:
        return order
    return (
        Order.objects.filter(
            connection_id=order.connection_id, client_order_id=order.position_key, is_reduce_only=False
        )
        .select_related("connection")
        .first()
    )


def _execution(fill: Fill) -> Execution:
    return Execution(
        trade_id=fill.venue_trade_id,
        side=Side(fill.side),
        price=fill.price,
        quantity=fill.quantity,
        fee=_fee_settled(fill),
        at_ms=int(fill.executed_at.timestamp() * 1000),
    )


def _part(execution: Execution, quantity: Decimal) -> Execution:
    if quantity == execution.quantity:
        return execution
    share = EXACT.divide(EXACT.multiply(execution.fee, quantity), execution.quantity)
    return Execution(
        trade_id=execution.trade_id,
        side=execution.side,
        price=execution.price,
        quantity=quantity,
        fee=share.quantize(PLACES, context=EXACT).normalize(),
        at_ms=execution.at_ms,
    )


def _instrument(fill: Fill) -> Instrument | None:
    try:
        return instrument_for(fill.connection, fill.symbol)
    except DomainError:
        # Money that moved is booked whether or not we know the symbol's rules.
        log.warning("fill_of_unknown_symbol", extra={"fill": fill.pk, "symbol": fill.symbol})
        return None


def _fee_settled(fill: Fill) -> Decimal:
    """The fee in the settle asset, at the price of the moment where it was paid in another."""
    settle = fill.symbol.partition(":")[2] or fill.symbol.partition("/")[2]
    fee: Decimal = fill.fee
    if fee == 0 or fill.fee_asset in ("", settle):
        return fee
    try:
        tickers = tickers_for(*fill.connection.venue)
    except redis.RedisError:
        tickers = {}
    ticker = tickers.get(f"{fill.fee_asset}/{settle}:{settle}") or tickers.get(f"{fill.fee_asset}/{settle}")
    if ticker is None:
        log.warning("fee_not_converted", extra={"fill": fill.pk, "asset": fill.fee_asset})
        return ZERO
    return EXACT.multiply(fee, ticker.last)


def _on_closed(position: Position) -> None:
    """Rules that count closed positions, in the transaction that closed this one."""
    if position.origin == Origin.EXTERNAL or position.exit_reason in OUTSIDE_EXITS:
        return
    if position.exit_reason != "stop" and net_pnl(position) >= 0:
        return
    now = timezone.now()
    # Read anew: that this one is closed has changed the mark.
    position.connection.refresh_from_db(fields=["facts_mark"])
    history = history_for(position.connection, now=now)
    # While a lock is in force its reason has been dealt with; what is still open then may not lengthen it.
    held = {lock.reason_code for lock in history.locks_active(now=now, symbol=position.symbol)}
    if position.exit_reason == "stop" and "stop_guard" not in held:
        _stop_guard(position, history=history, now=now)
    if net_pnl(position) < 0 and "losing_streak" not in held:
        _streak_pause(position, history=history, now=now)


def _stop_guard(position: Position, *, history: History, now: datetime) -> None:
    stops, limits = history.stops_in_window(symbol=position.symbol, now=now), history.limits
    if stops >= limits.stop_guard_count:
        entry_lock_create(
            position.connection,
            symbol=position.symbol,
            reason_code="stop_guard",
            reason=f"{stops} stops on {position.symbol} in {limits.stop_guard_window_s // 60} minutes",
            until=now + timedelta(seconds=limits.stop_guard_lock_s),
        )


def _streak_pause(position: Position, *, history: History, now: datetime) -> None:
    streak, limits = history.losing_streak(now=now), history.limits
    if streak >= limits.max_losing_streak:
        entry_lock_create(
            position.connection,
            reason_code="losing_streak",
            reason=f"{streak} losing positions in a row",
            until=now + timedelta(seconds=limits.losing_streak_pause_s),
        )
