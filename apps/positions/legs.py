"""The venue's legs against our sums: fetch what we missed, and set what stays unexplained from the venue."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.utils import timezone

from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from apps.exchanges.selectors import tickers_for
from apps.orders.ledger import milliseconds
from apps.orders.models import Order
from apps.orders.resolution import claimed_for_s, lost_for_s
from apps.orders.selectors import orders_lacking_fills, orders_live
from apps.positions.selectors import leg_quantities
from apps.positions.services import discrepancy_record, fills_book, leg_adjust
from cts.domain.reconcile import LegDifference, legs_diff
from cts.domain.types import OrderStatus, OrderType, VenuePosition

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=24)
# An outcome still unknown after this no longer keeps us from setting the position from the venue.
UNKNOWN_PATIENCE_S = 60.0
MARKET_PATIENCE_S = 10.0
ON_ITS_WAY_MS = 10_000
# Executions the venue has told of by number, but not one by one yet, as when its clock has gone backwards.
LACKING_PATIENCE_S = 300.0


@dataclass
class SyncReport:
    """What a sync found and did; `legs` is what the venue held when it was last asked for them."""

    orders: dict[str, int] = field(default_factory=dict)
    fills: int = 0
    funding: int = 0
    discrepancies: int = 0
    uncovered: int = 0
    problems: list[str] = field(default_factory=list)
    legs: list[VenuePosition] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.problems


def fills_fetch(connection: Connection, connector: Connector, *, symbol: str, since: datetime) -> int:
    """Book what was executed on the symbol since then; returns how many we had not heard of."""
    fills = connector.fills(symbol, since_ms=milliseconds(since))
    return len(fills_book(connection, fills=fills))


def legs_settle(
    connection: Connection,
    *,
    connector: Connector,
    report: SyncReport,
    is_first: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """A difference is looked at twice, with the fills fetched in between, before it is believed."""
    first = _differences(connection, connector, report)
    if not first:
        return
    # Executions may lag behind positions by the venue's own delay.
    sleep(connector.spec.visibility_delay_s)
    missed = {symbol: _fills_again(connection, connector, symbol, report) for symbol in {each.symbol for each in first}}
    second = _differences(connection, connector, report)
    for difference in first:
        if difference in second:
            _settle(connection, difference, report, is_first=is_first)
        elif missed[difference.symbol]:
            discrepancy_record(
                connection, difference=difference, cause="missing_fills", detail={"fills": missed[difference.symbol]}
            )
            report.discrepancies += 1


def _differences(connection: Connection, connector: Connector, report: SyncReport) -> list[LegDifference]:
    report.legs = connector.positions()
    return legs_diff(leg_quantities(connection), venue=report.legs)


def _fills_again(connection: Connection, connector: Connector, symbol: str, report: SyncReport) -> int:
    """How many we had missed. What has only just happened is on its way by the stream too: nobody missed that."""
    since = max(connection.created_at, timezone.now() - LOOK_BACK)
    news = fills_book(connection, fills=connector.fills(symbol, since_ms=milliseconds(since)))
    report.fills += len(news)
    before_ms = connector.now_ms() - ON_ITS_WAY_MS
    return sum(fill.executed_ms < before_ms for fill in news)


def _settle(connection: Connection, difference: LegDifference, report: SyncReport, *, is_first: bool) -> None:
    if _is_moving(connection, difference.symbol):
        log.info("leg_left_moving", extra={"connection": connection.pk, "symbol": difference.symbol})
        return
    # What was held before we came needs no explanation.
    cause = "external" if is_first and difference.ours == 0 else "unexplained"
    try:
        ticker = tickers_for(*connection.venue).get(difference.symbol)
    except redis.RedisError:
        ticker = None
    if leg_adjust(connection, difference=difference, cause=cause, last_price=ticker.last if ticker else None):
        report.discrepancies += 1


def _is_moving(connection: Connection, symbol: str) -> bool:
    """Whether an order on its way explains the difference."""
    lacking = orders_lacking_fills(connection).filter(symbol=symbol)
    return any(map(_is_on_its_way, orders_live(connection, symbol=symbol))) or any(
        claimed_for_s(order) < LACKING_PATIENCE_S for order in lacking
    )


def _is_on_its_way(order: Order) -> bool:
    if order.status == OrderStatus.UNKNOWN and lost_for_s(order) < UNKNOWN_PATIENCE_S:
        return True
    is_market = order.order_type == OrderType.MARKET and order.claimed_at is not None
    is_fresh = is_market and claimed_for_s(order) < MARKET_PATIENCE_S
    return is_fresh or order.status in (OrderStatus.NEW, OrderStatus.SUBMITTING)
