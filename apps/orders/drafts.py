"""An order while it is being made: its size, what the checks say, and the values of its row. No queries."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from apps.exchanges.models import Connection
from apps.orders.facts import Prices, Sent
from apps.orders.history import History
from apps.orders.holdings import Held
from cts.domain import risk, sizing
from cts.domain.orders import OrderTerms
from cts.domain.types import Instrument, OrderIntent, OrderType, Origin
from cts.domain.units import decimal_from_float, decimal_text

ZERO = Decimal(0)
EXIT_RATIOS = ("target_ratio", "stop_ratio", "trail_arm_ratio", "trail_give_back_ratio", "timeout_s", "stop_waiver")


@dataclass(frozen=True)
class Draft:
    """What is known while an order is being made."""

    connection: Connection
    intent: OrderIntent
    terms: OrderTerms
    instrument: Instrument
    history: History
    sent: list[Sent]
    live: list[Held]
    prices: Prices
    now: datetime
    held: Decimal | None = None  # on the leg, where a reduction named no position

    @property
    def price(self) -> Decimal:
        """What the size is reckoned at: the limit or the trigger where there is one, else the price of the signal."""
        return self.terms.price or self.terms.trigger_price or decimal_from_float(self.intent.price)


def draft_sized(draft: Draft, *, facts: risk.Facts) -> sizing.Sizing:
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
        mode=draft.history.limits.sizing_mode,
        volume_factor=Decimal(factors.get(draft.intent.origin, 1)),
        adjust_ratio=draft.intent.adjust_ratio,
        target_positions=draft.history.limits.target_positions,
        enforce_minimum=draft.history.limits.enforce_min_volume,
    )
    return sizing.size(given, instrument=draft.instrument, is_market=is_market)


def draft_verdict(draft: Draft, *, facts: risk.Facts, sized: sizing.Sizing) -> risk.Verdict:
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
    return risk.check(facts, limits=draft.history.terms, request=request)


def draft_refusal(draft: Draft, *, sized: sizing.Sizing, verdict: risk.Verdict) -> tuple[str, str] | None:
    if draft.held == ZERO:
        leg = f"{draft.intent.position_side} position of {draft.intent.symbol}"
        return "nothing_to_reduce", f"No {leg} is held, so there is nothing to reduce"
    if failed := verdict.refusal:
        return failed.code, failed.sentence
    return ("quantity_too_small", sized.refusal) if sized.refusal else None


def order_terms(draft: Draft, *, sized: sizing.Sizing, order_id: str) -> dict[str, Any]:
    terms, intent = draft.terms, draft.intent
    entry = intent.position_side.entry_side
    return {
        "connection": draft.connection,
        "client_order_id": order_id,
        "intent_key": intent.key,
        # An entry names its own position; so does a reduction denied for want of one, which no position bears.
        "position_key": terms.position_key or order_id,
        "oco_group": terms.oco_group,
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


def order_reasons(draft: Draft, *, sized: sizing.Sizing, verdict: risk.Verdict) -> dict[str, Any]:
    is_opening = not draft.terms.is_reduce_only
    return {
        "reference_price": draft.price,
        "exits": {name: getattr(draft.intent, name) for name in EXIT_RATIOS} if is_opening else {},
        "line_id": draft.intent.line_id,
        "explanation": msgspec.to_builtins(draft.intent.explanation),
        "sizing": {
            "mode": "given" if draft.terms.quantity is not None else draft.history.limits.sizing_mode,
            "is_raised": sized.is_raised,
            "steps": sizing_steps(sized),
        },
        "checks": msgspec.to_builtins(verdict.checks),
    }


def sizing_steps(sized: sizing.Sizing) -> list[dict[str, str]]:
    return [{"name": step.name, "label": step.label, "value": decimal_text(step.value)} for step in sized.steps]
