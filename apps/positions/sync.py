"""Our ledger brought in step with the venue: orders, fills, positions, balances. At start, on reconnect, every 30 s."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import Connection
from apps.exchanges.services import balances_record
from apps.orders.ages import ages
from apps.orders.executor import OrderExecutor
from apps.orders.ledger import milliseconds
from apps.orders.models import Order
from apps.orders.requests import order_recall, order_request
from apps.orders.resolution import SENDING_TIMEOUTS, claimed_for_s
from apps.orders.selectors import orders_lacking_fills, orders_live, orders_unsettled
from apps.orders.services import equity_peak_note, order_apply_venue, order_refresh, order_reopen
from apps.positions.closing import positions_closing_stuck
from apps.positions.funding import funding_book
from apps.positions.legs import SyncReport, fills_fetch, legs_settle
from apps.positions.manager import PositionManager
from apps.positions.models import Position, PositionStatus, SyncState
from apps.positions.selectors import positions_live
from apps.positions.services import fills_book, position_settle, sync_state_set
from cts.domain.errors import ExchangeError
from cts.domain.reconcile import OrderAction, OurOrder, Remedy, orders_diff
from cts.domain.types import OrderStatus
from cts.kill_points import KillPoint, reached

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=2)
RECENT = timedelta(minutes=10)
GAP = timedelta(seconds=90)
FUNDING_SHOWN_S = 60.0


def connection_sync(
    connection: Connection, *, connector: Connector, sleep: Callable[[float], None] = time.sleep
) -> SyncReport:
    """Make our rows tell what the venue tells. Safe to repeat and to run twice at once.

    Raises:
        ExchangeError: the venue could not be read; what was done until then stands.
    """
    report, started_at = SyncReport(), timezone.now()
    # The cursor is a moment of the venue's: our clock may be set back or forth.
    reached_until = datetime.fromtimestamp(connector.now_ms() / 1000, UTC)
    executor = OrderExecutor(sleep=sleep)
    state = SyncState.objects.filter(connection=connection).first()
    _orders_sync(connection, connector, executor, report, started_at=started_at)
    reached(KillPoint.AFTER_SYNC_ORDERS)
    _fills_sync(connection, connector, report, state=state, now=started_at)
    reached(KillPoint.AFTER_SYNC_FILLS)
    for position in positions_live(connection).filter(status=PositionStatus.OPENING):
        position_settle(position)
    legs_settle(connection, connector=connector, report=report, is_first=state is None, sleep=sleep)
    reached(KillPoint.AFTER_SYNC_LEGS)
    paid_until = _funding_sync(connection, connector, report, state=state, now=reached_until)
    _balances_sync(connection, connector)
    _positions_keep(connection, connector, report, executor=executor)
    is_settled = not orders_unsettled(connection).exists()
    reached(KillPoint.BEFORE_SYNC_CURSOR)
    fills_until = reached_until if is_settled else None
    sync_state_set(connection, fills_until=fills_until, funding_until=paid_until, at=timezone.now())
    return report


def _orders_sync(
    connection: Connection,
    connector: Connector,
    executor: OrderExecutor,
    report: SyncReport,
    *,
    started_at: datetime,
) -> None:
    for order in orders_unsettled(connection):
        order_recall(order, connector)
    asked_at = time.monotonic()
    listed = connector.open_orders()
    ours = {order.pk: order for order in _judged(connection, since=started_at - RECENT)}
    actions = orders_diff(
        [_our(order) for order in ours.values()],
        listed=listed,
        asked_for_s=time.monotonic() - asked_at,
        sending_s=SENDING_TIMEOUTS * settings.VENUE_TIMEOUT_S,
    )
    for action in actions:
        report.orders[action.remedy] = report.orders.get(action.remedy, 0) + 1
        try:
            _remedy(connection, action, ours=ours, connector=connector, executor=executor)
        except ExchangeError as error:
            # One order the venue won't tell of must not keep the others from being told.
            report.problems.append(str(error))
            log.warning("order_not_synced", extra={"order": action.order_id, "reason": str(error)})


def _judged(connection: Connection, *, since: datetime) -> list[Order]:
    recent = Order.objects.filter(connection=connection, finished_at__gte=since).select_related("connection")
    return [*orders_live(connection), *recent.exclude(status=OrderStatus.DENIED)]


def _our(order: Order) -> OurOrder:
    return OurOrder(
        id=order.pk,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=order.symbol,
        status=OrderStatus(order.status),
        filled_quantity=order.filled_quantity,
        claimed_for_s=claimed_for_s(order) if order.claimed_at else None,
        ended_for_s=ages.age_s(("ended", order.pk), order.finished_at) if order.finished_at else None,
    )


def _remedy(
    connection: Connection,
    action: OrderAction,
    *,
    ours: dict[int, Order],
    connector: Connector,
    executor: OrderExecutor,
) -> None:
    order = ours.get(action.order_id or 0)
    told = action.venue_order
    if told is not None and action.remedy is Remedy.REOPEN and order is not None:
        order_reopen(order, told)
    elif told is not None:
        order_apply_venue(connection, told)
    elif order is None:
        return
    elif action.remedy is Remedy.SEND:
        executor.submit(order, connector=connector)
    elif action.remedy is Remedy.RESOLVE:
        executor.resolve(order, connector=connector)
    else:
        order_refresh(order, connector=connector)


def _fills_sync(
    connection: Connection, connector: Connector, report: SyncReport, *, state: SyncState | None, now: datetime
) -> None:
    since = (state.fills_until - OVERLAP) if state else connection.created_at
    if connector.has_nameless_fills:
        for order in Order.objects.filter(connection=connection, updated_at__gte=since).exclude(venue_order_id=""):
            connector.learn(order_request(order), venue_order_id=order.venue_order_id)
    for symbol in sorted(_symbols(connection, state=state, now=now)):
        report.fills += fills_fetch(connection, connector, symbol=symbol, since=since)
    for order in orders_lacking_fills(connection):
        fills = connector.fills(order.symbol, venue_order_id=order.venue_order_id)
        report.fills += len(fills_book(connection, fills=fills))


def _symbols(connection: Connection, *, state: SyncState | None, now: datetime) -> set[str]:
    """Where something may have happened; after a gap, everything the connection trades."""
    lately = min(state.synced_at, now) - OVERLAP if state else connection.created_at
    touched = Order.objects.filter(connection=connection, updated_at__gte=lately).values_list("symbol", flat=True)
    live = Position.objects.filter(connection=connection).exclude(status=PositionStatus.CLOSED)
    symbols = set(touched) | set(live.values_list("symbol", flat=True))
    if state is None or not timedelta(0) <= now - state.synced_at <= GAP:
        symbols |= {*connection.symbols, *connection.forced_symbols}
    return symbols


def _funding_sync(
    connection: Connection, connector: Connector, report: SyncReport, *, state: SyncState | None, now: datetime
) -> datetime | None:
    """Asked for once after each moment at which it may be due; until when it is known then, else None."""
    known_until = state.funding_until if state else None
    due_until = _funding_due(now)
    # Known until later than now: the venue's clock has gone back.
    is_known = known_until is not None and due_until <= known_until <= now
    if is_known or not connector.spec.can(Capability.FUNDING_PAYMENTS):
        return None
    since = min(known_until or connection.created_at, now) - OVERLAP
    try:
        report.funding = funding_book(connection, payments=connector.funding_payments(since_ms=milliseconds(since)))
    except ExchangeError as error:
        report.problems.append(str(error))
        log.warning("funding_not_synced", extra={"connection": connection.pk, "reason": str(error)})
        return None
    return due_until


def _funding_due(now: datetime) -> datetime:
    """Venues fund on the hour, and show it a little later."""
    interval_s = settings.FUNDING_INTERVAL_S
    shown = now.timestamp() - min(FUNDING_SHOWN_S, interval_s / 2)
    return datetime.fromtimestamp(shown // interval_s * interval_s, UTC)


def _balances_sync(connection: Connection, connector: Connector) -> None:
    for balance in balances_record(connection, balances=connector.balances()):
        if balance.equity > 0:
            equity_peak_note(connection, asset=balance.asset, equity=balance.equity)


def _positions_keep(
    connection: Connection, connector: Connector, report: SyncReport, *, executor: OrderExecutor
) -> None:
    manager = PositionManager(executor=executor)
    for position in positions_closing_stuck(connection.pk):
        manager.close(position, reason=position.exit_reason, connector=connector)
    outcomes = manager.protect(connection, connector=connector)
    report.uncovered = sum(outcome.state in ("missing", "refused") for outcome in outcomes)
