"""Intent to order: sized, checked, committed as `new` or `denied` in one transaction. Nothing is sent here."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from apps.exchanges.leases import lease_epoch_is_current
from apps.exchanges.models import Connection
from apps.exchanges.selectors import instrument_for
from apps.orders.facts import Prices, prices_for, risk_facts
from apps.orders.holdings import book
from apps.orders.ledger import order_noted, order_pushed
from apps.orders.locks import entry_lock_create
from apps.orders.models import Order, RiskLimits
from apps.orders.selectors import limits_get, limits_value
from cts.domain import risk, sizing
from cts.domain.errors import DomainError
from cts.domain.orders import OrderTerms, client_order_id
from cts.domain.types import Instrument, OrderIntent, OrderStatus, OrderType, Origin, Tick
from cts.domain.units import decimal_from_float, decimal_text, round_to_step

log = logging.getLogger(__name__)

ZERO = Decimal(0)
EXIT_RATIOS = ("target_ratio", "stop_ratio", "trail_arm_ratio", "trail_give_back_ratio", "timeout_s", "stop_waiver")


@dataclass(frozen=True)
class _Draft:
    """What is known while an order is being made."""

    connection: Connection
    intent: OrderIntent
    terms: OrderTerms
    instrument: Instrument
    limits: RiskLimits
    prices: Prices
    now: datetime
    held: Decimal | None = None  # on the leg, where a reduction named no position

    @property
    def price(self) -> Decimal:
        """What the size is reckoned at: the limit or the trigger where there is one, else the price of the signal."""
        return self.terms.price or self.terms.trigger_price or decimal_from_float(self.intent.price)


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
    terms = terms or OrderTerms()
    with transaction.atomic():
        row = Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
        _epoch_check(row, engine_epoch)
        order_id = client_order_id(f"{row.pk}:{intent.key}")
        known = Order.objects.filter(connection=row, client_order_id=order_id).select_related("connection").first()
        if known is not None:
            return known
        draft = _draft(row, intent=intent, terms=terms, tick=tick)
        return _order_insert(draft, order_id=order_id, engine_epoch=engine_epoch)


def engine_lease_name(connection_id: int) -> str:
    """The lease whose holder alone may trade by engine."""
    return f"engine:{connection_id}"


def _epoch_check(connection: Connection, epoch: int | None) -> None:
    if epoch is not None and not lease_epoch_is_current(engine_lease_name(connection.pk), epoch):
        log.warning("order_refused_by_epoch", extra={"connection": connection.pk, "epoch": epoch})
        raise DomainError("engine_replaced", "Another run of this engine has taken over")


def _draft(row: Connection, *, intent: OrderIntent, terms: OrderTerms, tick: Tick | None) -> _Draft:
    if terms.is_reduce_only and terms.quantity is None:
        raise DomainError("quantity_missing", "Say how much is to be closed", field="quantity")
    instrument, now = instrument_for(row, intent.symbol), timezone.now()
    terms = msgspec.structs.replace(
        terms,
        price=_on_tick(terms.price, instrument),
        trigger_price=_on_tick(terms.trigger_price, instrument),
    )
    terms, held = _reduction(row, intent=intent, terms=terms)
    return _Draft(
        connection=row,
        intent=intent,
        terms=terms,
        instrument=instrument,
        limits=limits_get(row),
        prices=prices_for(row, symbol=intent.symbol, tick=tick, now=now),
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


def _order_insert(draft: _Draft, *, order_id: str, engine_epoch: int | None) -> Order:
    facts = _facts(draft)
    sized = _sized(draft, facts=facts)
    verdict = _verdict(draft, facts=facts, sized=sized)
    refusal = _refusal(draft, sized=sized, verdict=verdict)
    order = Order.objects.create(
        **_what(draft, sized=sized, order_id=order_id),
        **_why(draft, sized=sized, verdict=verdict),
        engine_epoch=engine_epoch,
        status=OrderStatus.DENIED if refusal else OrderStatus.NEW,
        reason_code=refusal[0] if refusal else "",
        reason=refusal[1] if refusal else "",
        finished_at=draft.now if refusal else None,
    )
    order_noted(order, kind="intent", after=OrderStatus.NEW, data={"key": draft.intent.key})
    if refusal:
        order_noted(order, kind="deny", before=OrderStatus.NEW, after=OrderStatus.DENIED, data={"code": refusal[0]})
        _latch(draft, code=refusal[0], sentence=refusal[1])
    order_pushed(order)
    return order


def _facts(draft: _Draft) -> risk.Facts:
    if draft.terms.is_reduce_only:
        # Getting out asks for nothing but the price; it must not wait for a dozen queries either.
        return risk.Facts(equity=None, available=None, peak_equity=None, last_price=draft.prices.last)
    return risk_facts(
        draft.connection,
        instrument=draft.instrument,
        side=draft.intent.position_side,
        origin=draft.intent.origin,
        limits=draft.limits,
        prices=draft.prices,
        now=draft.now,
    )


def _sized(draft: _Draft, *, facts: risk.Facts) -> sizing.Sizing:
    leverage = draft.connection.leverage
    is_market = draft.terms.order_type is not OrderType.LIMIT
    if draft.terms.quantity is not None:
        return sizing.size_given(
            draft.terms.quantity,
            price=draft.price,
            leverage=leverage,
            instrument=draft.instrument,
            is_minimum_waived=draft.terms.is_reduce_only,
            held=draft.held,
            is_market=is_market,
        )
    factors = {
        Origin.MAIN: draft.connection.volume_factor_live,
        Origin.PRESET: draft.connection.volume_factor_preset,
    }
    given = sizing.SizingInput(
        equity=facts.equity or ZERO,
        price=draft.price,
        leverage=leverage,
        mode=draft.limits.sizing_mode,
        volume_factor=Decimal(factors.get(draft.intent.origin, 1)),
        adjust_ratio=draft.intent.adjust_ratio,
        target_positions=draft.limits.target_positions,
        enforce_minimum=draft.limits.enforce_min_volume,
    )
    return sizing.size(given, instrument=draft.instrument, is_market=is_market)


def _verdict(draft: _Draft, *, facts: risk.Facts, sized: sizing.Sizing) -> risk.Verdict:
    terms = draft.terms
    # A conditional order waits for its price by nature, and getting out at market takes the price there is:
    # only a limit price, or a signal's, can be out of date or a slip of the finger.
    has_no_price = terms.order_type.is_conditional or (terms.is_reduce_only and terms.price is None)
    price = draft.prices.last if has_no_price and draft.prices.last else draft.price
    request = risk.Request(
        symbol=draft.intent.symbol,
        side=draft.intent.position_side,
        price=price,
        notional=sized.notional,
        margin=sized.margin,
        leverage=draft.connection.leverage,
        max_venue_leverage=draft.instrument.max_leverage,
        is_reduce_only=terms.is_reduce_only,
    )
    return risk.check(facts, limits=limits_value(draft.limits), request=request)


def _refusal(draft: _Draft, *, sized: sizing.Sizing, verdict: risk.Verdict) -> tuple[str, str] | None:
    if draft.held == ZERO:
        leg = f"{draft.intent.position_side} position of {draft.intent.symbol}"
        return "nothing_to_reduce", f"No {leg} is held, so there is nothing to reduce"
    if failed := verdict.refusal:
        return failed.code, failed.sentence
    return ("quantity_too_small", sized.refusal) if sized.refusal else None


def _what(draft: _Draft, *, sized: sizing.Sizing, order_id: str) -> dict[str, Any]:
    terms, intent = draft.terms, draft.intent
    entry = intent.position_side.entry_side
    return {
        "connection": draft.connection,
        "client_order_id": order_id,
        "intent_key": intent.key,
        # An entry names its own position; so does a reduction denied for want of one, which no position bears.
        "position_key": terms.position_key or order_id,
        "symbol": intent.symbol,
        "side": entry.opposite if terms.is_reduce_only else entry,
        "position_side": intent.position_side,
        "order_type": terms.order_type,
        "time_in_force": terms.time_in_force,
        "quantity": sized.quantity,
        "price": terms.price,
        "trigger_price": terms.trigger_price,
        "is_reduce_only": terms.is_reduce_only,
        "purpose": intent.purpose,
        "origin": intent.origin,
    }


def _why(draft: _Draft, *, sized: sizing.Sizing, verdict: risk.Verdict) -> dict[str, Any]:
    is_opening = not draft.terms.is_reduce_only
    return {
        "reference_price": draft.price,
        "exits": {name: getattr(draft.intent, name) for name in EXIT_RATIOS} if is_opening else {},
        "line_id": draft.intent.line_id,
        "explanation": msgspec.to_builtins(draft.intent.explanation),
        "sizing": {
            "mode": "given" if draft.terms.quantity is not None else draft.limits.sizing_mode,
            "is_raised": sized.is_raised,
            "steps": [{"name": s.name, "label": s.label, "value": decimal_text(s.value)} for s in sized.steps],
        },
        "checks": msgspec.to_builtins(verdict.checks),
    }


def _latch(draft: _Draft, *, code: str, sentence: str) -> None:
    """A day's loss, once reached, closes entries until tomorrow, even if prices come back."""
    if code != "daily_loss":
        return
    tomorrow = draft.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    entry_lock_create(draft.connection, reason_code=code, reason=sentence, until=tomorrow)
