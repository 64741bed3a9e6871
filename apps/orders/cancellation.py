"""Canceling: asked for, then looked at. A fill that came first wins."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from apps.orders.ages import ages
from apps.orders.ledger import order_advanced, order_locked, order_noted
from apps.orders.models import Order
from apps.orders.protection import protection
from apps.orders.requests import order_looked_up
from apps.orders.resolution import order_lose, order_resolve
from apps.orders.selectors import EXITS, orders_live
from apps.orders.venue import order_apply_venue
from cts.domain.errors import DomainError, ExchangeError, OrderNotFound, RateLimited, Rejected, Unavailable
from cts.domain.orders import OrderEvent
from cts.domain.types import OrderStatus, OrderType, VenueOrder
from cts.kill_points import KillPoint, reached

log = logging.getLogger(__name__)

ATTEMPTS = 3
BACKOFF_S = 0.2
KEPT = "Kept: it protects a live position"
_jitter = random.SystemRandom()

Sleep = Callable[[float], None]


@dataclass(frozen=True)
class CancelOutcome:
    """What came of canceling one order, or everything of a symbol (`order` is None)."""

    symbol: str
    order: Order | None
    is_ok: bool
    detail: str = ""
    is_kept: bool = False


def order_cancel_check(order: Order) -> None:
    """Whether a person may cancel it: a position never goes without its stop.

    Raises:
        DomainError: `protects_a_position`.
    """
    if protection().is_protecting(order):
        raise DomainError(
            "protects_a_position", "This stop protects a live position; close the position instead", field="order"
        )


def order_cancel(order: Order, *, connector: Connector, sleep: Sleep = time.sleep) -> Order:
    """Cancel at the venue and record what the venue then says of it.

    Raises:
        ExchangeError: the venue could not be asked; the order is as it was.
    """
    row = _cancel_unsent(order.pk)
    if OrderStatus(row.status).is_final:
        return row
    is_conditional = OrderType(row.order_type).is_conditional
    try:
        repeated(
            lambda: connector.cancel(
                row.symbol,
                client_order_id=row.client_order_id,
                venue_order_id=row.venue_order_id,
                is_conditional=is_conditional,
            ),
            sleep,
        )
    except Rejected as error:
        # Most often because it has just been filled: what the venue says of the order decides.
        log.info("cancel_refused", extra={"order": row.pk, "reason": str(error)})
    reached(KillPoint.AFTER_CANCEL_SENT)
    return order_refresh(row, connector=connector)


def order_refresh(order: Order, *, connector: Connector) -> Order:
    """Ask for the order by its id and apply the answer; no such order makes it `unknown`, then looked for.

    Right after placing, "no such order" is no answer: venues take their time to show what they took.
    """
    try:
        told = order_looked_up(order, connector)
    except OrderNotFound as error:
        sent_at = order.submitted_at or order.claimed_at or order.created_at
        if ages.age_s(("sent", order.pk), sent_at) < connector.spec.visibility_delay_s:
            return Order.objects.select_related("connection").get(pk=order.pk)
        return order_resolve(order_lose(order.pk, reason=str(error)), connector=connector)
    return order_apply_venue(order.connection, told) or order


def orders_cancel_all(
    connection: Connection, *, connector: Connector, symbol: str | None = None, is_stop_kept: bool = False
) -> list[CancelOutcome]:
    """Cancel every live order, ours and any other the venue lists. One that fails keeps no other from being tried.

    With `is_stop_kept` the stops of live positions stay, and the outcome says so; exits under way go on.
    """
    outcomes, kept = [], []
    for order in orders_live(connection, symbol=symbol):
        if is_stop_kept and order.purpose in EXITS:
            continue
        if is_stop_kept and protection().is_protecting(order):
            kept.append(order)
        else:
            outcomes.append(_outcome(order, connector))
    outcomes += _strangers_cancel(connector, symbol=symbol, kept=kept)
    return outcomes + [CancelOutcome(order.symbol, order, True, KEPT, is_kept=True) for order in kept]


def _strangers_cancel(connector: Connector, *, symbol: str | None, kept: list[Order]) -> list[CancelOutcome]:
    """Whatever is still open on the venue after ours are gone; one by one where one of ours has to stay."""
    try:
        listed = connector.open_orders(symbol)
    except ExchangeError as error:
        return [CancelOutcome(symbol or "", None, False, str(error))]
    names = {order.client_order_id for order in kept} | {order.venue_order_id for order in kept} - {""}
    strangers = [told for told in listed if not {told.client_order_id, told.venue_order_id} & names]
    shared = {order.symbol for order in kept}
    beside = [told for told in strangers if told.symbol in shared]
    alone = sorted({told.symbol for told in strangers} - shared)
    outcomes = [_ended(told.symbol, partial(_one_cancel, connector, told)) for told in beside]
    return outcomes + [_ended(name, partial(connector.cancel_all, name)) for name in alone]


def _one_cancel(connector: Connector, told: VenueOrder) -> None:
    try:
        connector.cancel(
            told.symbol,
            client_order_id=told.client_order_id,
            venue_order_id=told.venue_order_id,
            is_conditional=told.order_type.is_conditional,
        )
    except OrderNotFound:
        # It ended by itself meanwhile: that is what was wanted.
        log.info("stranger_gone", extra={"symbol": told.symbol, "venue_order": told.venue_order_id})


def _ended(symbol: str, cancel: Callable[[], None]) -> CancelOutcome:
    try:
        cancel()
    except ExchangeError as error:
        return CancelOutcome(symbol, None, False, str(error))
    return CancelOutcome(symbol, None, True)


def _outcome(order: Order, connector: Connector) -> CancelOutcome:
    try:
        row = order_cancel(order, connector=connector)
    except ExchangeError as error:
        return CancelOutcome(order.symbol, order, False, str(error))
    if OrderStatus(row.status).is_final:
        return CancelOutcome(order.symbol, row, True)
    if row.reported_quantity >= row.quantity:
        return CancelOutcome(order.symbol, row, True, "Filled before it could be canceled; its fills are on their way")
    return CancelOutcome(order.symbol, row, False, "The venue has yet to confirm")


@transaction.atomic
def _cancel_unsent(pk: int) -> Order:
    row = order_locked(pk)
    if OrderStatus(row.status).is_final:
        return row
    if row.status == OrderStatus.NEW:
        return order_advanced(row, OrderEvent.CANCEL, reason_code="canceled", reason="Canceled before it was sent")
    order_noted(row, kind="cancel_asked")
    return row


def repeated(call: Callable[[], None], sleep: Sleep) -> None:
    """What is safe to repeat, until the venue answers; the last attempt's error is raised."""
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except (Unavailable, RateLimited):
            sleep(_jitter.uniform(0, BACKOFF_S * 2**attempt))
    return call()
