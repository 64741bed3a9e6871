"""Sending an order: claimed once, sent outside any transaction, the outcome recorded, whatever it is."""

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.errors import HELD_UP
from apps.exchanges.leases import lease_epoch_is_current
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_failed
from apps.exchanges.state import ConnectionStateManager
from apps.orders.creation import engine_lease_name, order_create, order_create_claimed
from apps.orders.facts import is_armed
from apps.orders.ledger import (
    claim_data,
    order_advanced,
    order_advanced_unseen,
    order_changed,
    order_locked,
    order_noted,
)
from apps.orders.models import Order
from apps.orders.preparation import venue_is_prepared, venue_prepare
from apps.orders.requests import order_request
from apps.orders.resolution import SENDING_TIMEOUTS
from cts.domain.errors import (
    AmbiguousResult,
    AuthFailed,
    DomainError,
    ExchangeError,
    PayloadError,
    RateLimited,
    Rejected,
    Unavailable,
)
from cts.domain.orders import OrderEvent
from cts.domain.risk import EMERGENCY_STOPPED
from cts.domain.types import OrderAck, OrderIntent, OrderStatus, Tick
from cts.kill_points import KillPoint, reached

log = logging.getLogger(__name__)

ATTEMPTS = 3
BACKOFF_S = 0.25
LONGEST_WAIT_S = 5.0
# In time-outs from the claim: what has not left by then stays, for its answer has one more.
SENDING_WITHIN = SENDING_TIMEOUTS - 1
ENTRY_MAX_AGE = timedelta(seconds=10)
_jitter = random.SystemRandom()

Sleep = Callable[[float], None]


def order_submit(order: Order, *, connector: Connector, sleep: Sleep = time.sleep) -> Order:
    """Send a `new` order once and record what came of it; one in any other state is left as it is.

    Only what surely was not sent is tried again, under the same id. `unknown` is for `order_resolve`.
    """
    reached(KillPoint.AFTER_INTENT_COMMIT)
    if not order.is_reduce_only and (refused := _unprepared(order, connector)):
        return refused
    asked_at = time.monotonic()
    claimed = _claim(order.pk)
    if claimed is None:
        return Order.objects.select_related("connection").get(pk=order.pk)
    return _send(claimed, connector, sleep, asked_at=asked_at)


def order_place(
    connection: Connection,
    *,
    intent: OrderIntent,
    connector: Connector,
    engine_epoch: int | None = None,
    tick: Tick | None = None,
    sleep: Sleep = time.sleep,
) -> Order:
    """An entry made, claimed and sent without a step in between; a denied one comes back denied.

    Raises:
        DomainError: those of `order_create`.
    """
    if not venue_is_prepared(connection, connector=connector, symbol=intent.symbol):
        # The venue is asked first, and what it refuses has to be written down.
        order = order_create(connection, intent=intent, engine_epoch=engine_epoch, tick=tick)
        return order_submit(order, connector=connector, sleep=sleep) if order.status == OrderStatus.NEW else order
    asked_at = time.monotonic()
    made = order_create_claimed(connection, intent=intent, engine_epoch=engine_epoch, tick=tick)
    if made.is_ours:
        return _send(made.order, connector, sleep, asked_at=asked_at)
    return order_submit(made.order, connector=connector, sleep=sleep)


def _unprepared(order: Order, connector: Connector) -> Order | None:
    try:
        venue_prepare(order.connection, connector=connector, symbol=order.symbol)
    except DomainError as error:
        return _ended_unsent(order.pk, OrderEvent.DENY, code=error.code, reason=error.detail)
    except AuthFailed as error:
        connection_failed(order.connection_id, error=error)
        return _ended_unsent(order.pk, OrderEvent.DENY, code="auth_failed", reason=str(error))
    except ExchangeError as error:
        return _ended_unsent(order.pk, OrderEvent.EXPIRE, code="venue_unavailable", reason=str(error))
    return None


@transaction.atomic
def _ended_unsent(pk: int, step: OrderEvent, *, code: str, reason: str) -> Order:
    order = order_locked(pk)
    if order.status != OrderStatus.NEW:
        return order
    return order_advanced(order, step, reason_code=code, reason=reason)


@transaction.atomic
def _claim(pk: int) -> Order | None:
    """The order, ours alone to send; None when somebody else was faster or it may not go out any more."""
    order = order_locked(pk)
    if order.status != OrderStatus.NEW:
        return None
    if stale := _stopped(order, now=timezone.now()):
        step, code, reason = stale
        order_advanced(order, step, reason_code=code, reason=reason)
        return None
    return order_advanced(order, OrderEvent.CLAIM, data=claim_data(order), claimed_at=timezone.now())


def _stopped(order: Order, *, now: datetime) -> tuple[OrderEvent, str, str] | None:
    """Why the order may not go out although it was allowed when it was made: the world may have moved since."""
    lease = engine_lease_name(order.connection_id)
    if order.engine_epoch is not None and not lease_epoch_is_current(lease, order.engine_epoch):
        return OrderEvent.DENY, "engine_replaced", "Another run of this engine has taken over"
    if order.is_reduce_only:
        return None
    if ConnectionStateManager().is_halted():
        return OrderEvent.DENY, "halted", "The HALT file stops all new orders"
    if order.connection.entries_stopped_at is not None:
        return OrderEvent.DENY, "emergency_stop", EMERGENCY_STOPPED
    if not is_armed(order.connection, origin=order.origin):
        return OrderEvent.DENY, "armed", "The connection was disarmed before the order went out"
    # From the future: the clock was set back, and how old the order is nobody knows.
    if not -ENTRY_MAX_AGE < now - order.created_at <= ENTRY_MAX_AGE:
        return OrderEvent.EXPIRE, "too_late", "It was not sent in time, and its price is no longer current"
    return None


def _send(order: Order, connector: Connector, sleep: Sleep, *, asked_at: float) -> Order:
    """`asked_at` is from before the claim, by the clock that no one sets."""
    reached(KillPoint.AFTER_CLAIM)
    for attempt in range(1, ATTEMPTS + 1):
        # A process that was held up for long must not send what others by now take for never sent.
        if time.monotonic() - asked_at > settings.VENUE_TIMEOUT_S:
            return _unsent(order.pk, Unavailable(HELD_UP, exchange=connector.spec.name))
        try:
            return _sent_once(order, connector, send_by=asked_at + SENDING_WITHIN * settings.VENUE_TIMEOUT_S)
        except (RateLimited, Unavailable) as error:
            wait_s = _wait_s(attempt, error, now=timezone.now())
            if attempt == ATTEMPTS or wait_s > LONGEST_WAIT_S or not _may_repeat(order):
                return _unsent(order.pk, error)
            _noted(order.pk, error, wait_s=wait_s)
            sleep(wait_s)
    raise AssertionError("unreachable: the last attempt returns")


def _sent_once(order: Order, connector: Connector, *, send_by: float) -> Order:
    """Sent, and what came of it recorded.

    Raises:
        RateLimited, Unavailable: it surely was not taken.
    """
    try:
        ack = connector.place(order_request(order, send_by=send_by))
        reached(KillPoint.AFTER_SEND)
    except (AmbiguousResult, PayloadError) as error:
        # An answer we could not read came after the request had gone out.
        lost = _lost(order.pk, error)
        reached(KillPoint.AFTER_LOSE_COMMIT)
        return lost
    except AuthFailed as error:
        connection_failed(order.connection_id, error=error)
        return _rejected(order.pk, error, code="auth_failed")
    except Rejected as error:
        return _rejected(order.pk, error, code="rejected")
    acked = _acked(order, ack)
    reached(KillPoint.AFTER_ACK_COMMIT)
    return acked


def _may_repeat(order: Order) -> bool:
    return order.is_reduce_only or not ConnectionStateManager().is_halted()


def _wait_s(attempt: int, error: ExchangeError, *, now: datetime) -> float:
    """Doubling with full jitter, and never before the venue said."""
    backoff = _jitter.uniform(0, BACKOFF_S * 2**attempt)
    retry_at = error.retry_at if isinstance(error, RateLimited) else None
    return backoff + (max(0.0, (retry_at - now).total_seconds()) if retry_at else 0.0)


@transaction.atomic
def _acked(sent: Order, ack: OrderAck) -> Order:
    """Nobody has written since the claim, as a rule: then that is one condition instead of another look."""
    bound = sent.venue_order_id or ack.venue_order_id
    data = {"venue_order_id": ack.venue_order_id}
    if order_advanced_unseen(sent, OrderEvent.ACK, data=data, venue_order_id=bound, submitted_at=timezone.now()):
        reached(KillPoint.BEFORE_ACK_COMMIT)
        return sent
    order = order_locked(sent.pk)
    order = order_advanced(
        order,
        OrderEvent.ACK,
        data=data,
        venue_order_id=order.venue_order_id or ack.venue_order_id,
        submitted_at=timezone.now(),
    )
    reached(KillPoint.BEFORE_ACK_COMMIT)
    return order


@transaction.atomic
def _lost(pk: int, error: ExchangeError) -> Order:
    order = order_locked(pk)
    if order.status != OrderStatus.SUBMITTING:
        return order  # the stream told its state while we were waiting
    log.warning("order_unknown", extra={"order": pk, "connection": order.connection_id, "reason": str(error)})
    return order_advanced(
        order,
        OrderEvent.LOSE,
        data=_told(error),
        reason_code="ambiguous",
        reason=str(error),
        submitted_at=timezone.now(),
    )


@transaction.atomic
def _unsent(pk: int, error: ExchangeError) -> Order:
    order = order_locked(pk)
    if order.status != OrderStatus.SUBMITTING:
        return order
    step = OrderEvent.REJECT if order.is_reduce_only else OrderEvent.EXPIRE
    code = "rate_limited" if isinstance(error, RateLimited) else "venue_unavailable"
    return order_advanced(order, step, data=_told(error), reason_code=code, reason=str(error))


@transaction.atomic
def _rejected(pk: int, error: ExchangeError, *, code: str) -> Order:
    order = order_locked(pk)
    if order.status != OrderStatus.SUBMITTING:
        log.error("venue_contradicts_itself", extra={"order": pk, "status": order.status, "reason": str(error)})
        return order_changed(order, kind="contradiction", data=_told(error))
    return order_advanced(
        order,
        OrderEvent.REJECT,
        data=_told(error),
        reason_code=error.venue_code or code,
        reason=str(error),
        submitted_at=timezone.now(),
    )


@transaction.atomic
def _noted(pk: int, error: ExchangeError, *, wait_s: float) -> None:
    order_noted(order_locked(pk), kind="retry", data={**_told(error), "wait_s": round(wait_s, 3)})


def _told(error: ExchangeError) -> dict[str, object]:
    return {
        "error": type(error).__name__,
        "message": error.message,
        "venue_code": error.venue_code,
        "http_status": error.http_status,
    }
