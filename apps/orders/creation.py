"""Intent to order: sized, checked, committed as `new` or `denied` in one transaction. Nothing is sent here."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from django.db import transaction
from django.utils import timezone

from apps.exchanges.leases import lease_epoch_is_current
from apps.exchanges.models import Connection
from apps.exchanges.selectors import instrument_for
from apps.exchanges.trading import market_check
from apps.orders.drafts import Draft, draft_refusal, draft_sized, draft_verdict, order_reasons, order_terms
from apps.orders.facts import Sent, orders_lately, orders_named, prices_for, risk_facts
from apps.orders.groups import GroupQuestion, groups
from apps.orders.history import History, history_for
from apps.orders.holdings import book
from apps.orders.ledger import order_begun, order_pushed
from apps.orders.locks import entry_lock_create
from apps.orders.models import Order
from apps.orders.oco import oco_check
from cts.domain import risk
from cts.domain.errors import DomainError
from cts.domain.orders import OrderTerms, client_order_id
from cts.domain.sizing import Sizing
from cts.domain.types import Instrument, OrderIntent, OrderStatus, Tick
from cts.domain.units import round_to_step

log = logging.getLogger(__name__)

ZERO = Decimal(0)


@dataclass(frozen=True)
class Made:
    """`is_ours`: made and claimed just now, so that whoever asked is the one who sends it."""

    order: Order
    is_ours: bool


def order_create(
    connection: Connection,
    *,
    intent: OrderIntent,
    terms: OrderTerms | None = None,
    engine_epoch: int | None = None,
    tick: Tick | None = None,
) -> Order:
    """The order of this intent: `new`, or `denied` with its reason. The same intent gives the same order for ever.

    The connection's row is held throughout, so that of many at once none gets past a limit.

    Raises:
        DomainError: `engine_replaced` (a later run has the lease), `unknown_symbol`, `quantity_missing`.
    """
    return _made(connection, intent, terms or OrderTerms(), engine_epoch=engine_epoch, tick=tick).order


def order_create_claimed(
    connection: Connection, *, intent: OrderIntent, engine_epoch: int | None = None, tick: Tick | None = None
) -> Made:
    """As `order_create`, and claimed in the same transaction by whoever sends it at once.

    A process that dies in between leaves what it leaves when it dies while sending: `submitting`, for `order_resolve`.
    """
    return _made(connection, intent, OrderTerms(), engine_epoch=engine_epoch, tick=tick, is_claimed=True)


@dataclass(frozen=True)
class Judged:
    """What would become of an order: its size, every check, and why it would be denied, where it would."""

    draft: Draft
    sized: Sizing
    verdict: risk.Verdict
    refusal: tuple[str, str] | None


@transaction.atomic
def order_judge(connection: Connection, *, intent: OrderIntent, terms: OrderTerms) -> Judged:
    """Sized and checked as `order_create` would do it at this moment; nothing is stored.

    Raises:
        DomainError: `unknown_symbol`, `quantity_missing`.
    """
    row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    now = timezone.now()
    history = history_for(row, now=now)
    sent = _sent(row, history, terms=terms, order_id="", now=now)
    return _judged(_draft(row, intent=intent, terms=terms, tick=None, history=history, sent=sent, now=now))


def _judged(draft: Draft) -> Judged:
    facts = _facts(draft)
    sized = draft_sized(draft, facts=facts)
    verdict = draft_verdict(draft, facts=facts, sized=sized)
    if draft.history.groups and not draft.terms.is_reduce_only:
        verdict = risk.Verdict([*verdict.checks, *groups().checks(draft.history.groups, _question(draft, sized))])
    if draft.terms.oco_group:
        verdict = risk.Verdict([*verdict.checks, oco_check(draft.connection, draft.terms.oco_group)])
    return Judged(draft, sized, verdict, draft_refusal(draft, sized=sized, verdict=verdict))


def _question(draft: Draft, sized: Sizing) -> GroupQuestion:
    return GroupQuestion(
        connection=draft.connection,
        symbol=draft.intent.symbol,
        side=draft.intent.position_side,
        notional=sized.notional,
        prices=draft.prices.by_symbol,
    )


@transaction.atomic
def _made(
    connection: Connection,
    intent: OrderIntent,
    terms: OrderTerms,
    *,
    engine_epoch: int | None,
    tick: Tick | None,
    is_claimed: bool = False,
) -> Made:
    row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    _epoch_check(row, engine_epoch)
    order_id, now = client_order_id(f"{row.pk}:{intent.key}"), timezone.now()
    history = history_for(row, now=now)
    sent = _sent(row, history, terms=terms, order_id=order_id, now=now)
    if any(each.client_order_id == order_id for each in sent):
        known = Order.objects.select_related("connection").get(connection=row, client_order_id=order_id)
        return Made(known, is_ours=False)
    draft = _draft(row, intent=intent, terms=terms, tick=tick, history=history, sent=sent, now=now)
    order = _order_insert(draft, order_id=order_id, engine_epoch=engine_epoch, is_claimed=is_claimed)
    return Made(order, is_ours=order.status == OrderStatus.SUBMITTING)


def _sent(row: Connection, history: History, *, terms: OrderTerms, order_id: str, now: datetime) -> list[Sent]:
    if terms.is_reduce_only:
        # Getting out asks for nothing but the price; it must not wait for more than that.
        return orders_named(row, order_id=order_id)
    oldest = min((balance.at for balance in history.balances.values()), default=None)
    return orders_lately(row, since=now - timedelta(minutes=1), balance_at=oldest, order_id=order_id)


def engine_lease_name(connection_id: int) -> str:
    """The lease whose holder alone may trade by engine."""
    return f"engine:{connection_id}"


def _epoch_check(connection: Connection, epoch: int | None) -> None:
    if epoch is not None and not lease_epoch_is_current(engine_lease_name(connection.pk), epoch):
        log.warning("order_refused_by_epoch", extra={"connection": connection.pk, "epoch": epoch})
        raise DomainError("engine_replaced", "Another run of this engine has taken over")


def _draft(
    row: Connection,
    *,
    intent: OrderIntent,
    terms: OrderTerms,
    tick: Tick | None,
    history: History,
    sent: list[Sent],
    now: datetime,
) -> Draft:
    market_check(row)
    if terms.is_reduce_only and terms.quantity is None:
        raise DomainError("quantity_missing", "Say how much is to be closed", field="quantity")
    instrument = instrument_for(row, intent.symbol)
    terms = msgspec.structs.replace(
        terms,
        price=_on_tick(terms.price, instrument),
        trigger_price=_on_tick(terms.trigger_price, instrument),
    )
    terms, held = _reduction(row, intent=intent, terms=terms)
    live = [] if terms.is_reduce_only else book().live(row)
    others = {each.symbol for each in live}
    return Draft(
        connection=row,
        intent=intent,
        terms=terms,
        instrument=instrument,
        history=history,
        sent=sent,
        live=live,
        prices=prices_for(row, symbol=intent.symbol, tick=tick, now=now, others=others),
        now=now,
        held=held,
    )


def _reduction(row: Connection, *, intent: OrderIntent, terms: OrderTerms) -> tuple[OrderTerms, Decimal | None]:
    """The terms with the position they reduce, and what the leg holds where the caller left that to us."""
    if not terms.is_reduce_only or terms.position_key:
        return terms, None
    found = book().reducible(row, symbol=intent.symbol, side=intent.position_side)
    if found is None:
        return terms, ZERO
    return msgspec.structs.replace(terms, position_key=found.position_key), found.held


def _on_tick(price: Decimal | None, instrument: Instrument) -> Decimal | None:
    return None if price is None else round_to_step(price, instrument.tick_size)


def _order_insert(draft: Draft, *, order_id: str, engine_epoch: int | None, is_claimed: bool) -> Order:
    judged = _judged(draft)
    sized, verdict, refusal = judged.sized, judged.verdict, judged.refusal
    status = OrderStatus.SUBMITTING if is_claimed else OrderStatus.NEW
    order = Order.objects.create(
        **order_terms(draft, sized=sized, order_id=order_id),
        **order_reasons(draft, sized=sized, verdict=verdict),
        engine_epoch=engine_epoch,
        status=OrderStatus.DENIED if refusal else status,
        reason_code=refusal[0] if refusal else "",
        reason=refusal[1] if refusal else "",
        claimed_at=draft.now if is_claimed and not refusal else None,
        finished_at=draft.now if refusal else None,
    )
    order_begun(order, key=draft.intent.key)
    if refusal:
        _latch(draft, code=refusal[0], sentence=refusal[1])
    order_pushed(order)
    return order


def _facts(draft: Draft) -> risk.Facts:
    if draft.terms.is_reduce_only:
        return risk.Facts(equity=None, available=None, peak_equity=None, last_price=draft.prices.last)
    return risk_facts(
        draft.connection,
        instrument=draft.instrument,
        side=draft.intent.position_side,
        origin=draft.intent.origin,
        history=draft.history,
        live=draft.live,
        sent=draft.sent,
        prices=draft.prices,
        now=draft.now,
    )


def _latch(draft: Draft, *, code: str, sentence: str) -> None:
    """A day's loss, once reached, closes entries until tomorrow, even if prices come back."""
    if code != "daily_loss":
        return
    tomorrow = draft.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    entry_lock_create(draft.connection, reason_code=code, reason=sentence, until=tomorrow)
