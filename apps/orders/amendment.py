"""Changing an open order in place: asked for, then looked at. What the venue then tells is what the order is."""

import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.selectors import instrument_for
from apps.orders.cancellation import order_cancel_check, repeated
from apps.orders.facts import prices_for
from apps.orders.ledger import order_changed, order_locked, order_noted
from apps.orders.models import Order
from apps.orders.requests import order_looked_up
from apps.orders.selectors import limits_get
from apps.orders.venue import order_apply_venue
from cts.domain.errors import AmbiguousResult, DomainError, ExchangeError, Rejected, Unavailable
from cts.domain.orders import trigger_check
from cts.domain.types import OrderStatus, OrderType, Side, VenueOrder
from cts.domain.units import decimal_text, floor_to_step, round_to_step
from cts.domain.venue import AmendRequest

log = logging.getLogger(__name__)

OPEN = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
TERMS = ("quantity", "price", "trigger_price")
_NEEDS = {
    "quantity": Capability.AMEND_QUANTITY,
    "price": Capability.AMEND_PRICE,
    "trigger_price": Capability.AMEND_TRIGGER,
}


class NewTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an open order shall be from now on; None leaves a term as it is. `quantity` is its whole, fills included."""

    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None

    def given(self) -> dict[str, Decimal]:
        return {name: value for name in TERMS if (value := getattr(self, name)) is not None}


def order_amend(
    order: Order, *, terms: NewTerms, connector: Connector, sleep: Callable[[float], None] = time.sleep
) -> Order:
    """Change it at the venue and record what it then is. More than before is a new order, never an amendment.

    Raises:
        DomainError: the field at fault, `not_open`, `unsupported`, `protects_a_position`, `amend_refused`, or
            `amend_unknown` where no answer came; what the venue tells later is then taken over.
        RateLimited, AuthFailed: nothing was asked.
    """
    row, request = _asked(order.pk, terms, connector)
    try:
        repeated(lambda: connector.amend(request), sleep)
    except Rejected as error:
        _noted(row.pk, "amend_refused", {"reason": str(error)})
        raise DomainError("amend_refused", f"{connector.spec.label} left it as it was: {error}") from None
    except (AmbiguousResult, Unavailable) as error:
        # It may have been taken at any of the tries: the order itself says whether.
        log.warning("amend_unknown", extra={"order": row.pk, "reason": str(error)})
        return _found_out(row, terms=request, connector=connector)
    return _amended(row.pk, request)


@transaction.atomic
def _asked(pk: int, terms: NewTerms, connector: Connector) -> tuple[Order, AmendRequest]:
    row = order_locked(pk)
    given = _checked(row, terms, connector)
    order_noted(row, kind="amend", data={name: decimal_text(value) for name, value in given.items()})
    request = AmendRequest(
        symbol=row.symbol,
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        side=Side(row.side),
        is_conditional=OrderType(row.order_type).is_conditional,
        **given,
    )
    return row, request


def _checked(row: Order, terms: NewTerms, connector: Connector) -> dict[str, Decimal]:
    if OrderStatus(row.status) not in OPEN:
        raise DomainError("not_open", f"Only an order open on the venue can be changed; this one is {row.status}")
    order_cancel_check(row)
    given = _on_grid(row, terms)
    if not given:
        raise DomainError("required", "Give a new quantity, price or trigger_price", field="price")
    for name in given:
        if not connector.spec.can(_NEEDS[name]):
            words = name.replace("_", " ")
            raise DomainError(
                "unsupported",
                f"{connector.spec.label} can't change the {words} of an order; cancel it and place another",
                field=name,
            )
    _quantity_check(row, given.get("quantity"))
    last = prices_for(row.connection, symbol=row.symbol, tick=None, now=timezone.now()).last
    if last is not None:
        _price_check(row, given.get("price"), last=last)
        if (trigger := given.get("trigger_price")) is not None:
            trigger_check(OrderType(row.order_type), Side(row.side), trigger=trigger, last=last)
    return given


def _on_grid(row: Order, terms: NewTerms) -> dict[str, Decimal]:
    instrument = instrument_for(row.connection, row.symbol)
    found = {}
    for name, value in terms.given().items():
        if getattr(row, name) is None:
            raise DomainError("not_wanted", f"This order has no {name.replace('_', ' ')}", field=name)
        is_quantity = name == "quantity"
        found[name] = (
            floor_to_step(value, instrument.lot_step) if is_quantity else round_to_step(value, instrument.tick_size)
        )
    return found


def _quantity_check(row: Order, quantity: Decimal | None) -> None:
    if quantity is None:
        return
    if quantity > row.quantity:
        detail = "A larger quantity is a new order, with checks of its own; place one for the difference"
        raise DomainError("quantity_raised", detail, field="quantity")
    if quantity <= row.filled_quantity:
        detail = f"{decimal_text(row.filled_quantity)} of it is filled already; give more than that, or cancel the rest"
        raise DomainError("quantity_filled", detail, field="quantity")


def _price_check(row: Order, price: Decimal | None, *, last: Decimal) -> None:
    """As a new order's: what only reduces has to make sense too."""
    if price is None:
        return
    away, limit = float(abs(price - last) / last), limits_get(row.connection).max_price_deviation_ratio
    if away > limit:
        detail = f"{away:.2%} away from the last price; at most {limit:.2%} is allowed"
        raise DomainError("price_deviation", detail, field="price")


def _found_out(row: Order, *, terms: AmendRequest, connector: Connector) -> Order:
    try:
        told = order_looked_up(row, connector)
    except ExchangeError as error:
        _noted(row.pk, "amend_unknown", {"reason": str(error)})
        raise DomainError("amend_unknown", "No answer came; the order shows its terms as soon as one does") from None
    if _is_as_wanted(told, terms):
        return _amended(row.pk, terms)
    order_apply_venue(row.connection, told)
    _noted(row.pk, "amend_unknown", {})
    detail = "No answer came, and the venue still tells the old terms; look again before you repeat"
    raise DomainError("amend_unknown", detail)


def _is_as_wanted(told: VenueOrder, terms: AmendRequest) -> bool:
    return all(getattr(terms, name) in (None, getattr(told, name)) for name in TERMS)


@transaction.atomic
def _amended(pk: int, terms: AmendRequest) -> Order:
    row = order_locked(pk)
    changes: dict[str, Any] = {name: value for name in TERMS if (value := getattr(terms, name)) is not None}
    data = {name: decimal_text(value) for name, value in changes.items()}
    return order_changed(row, kind="amended", data=data, **changes)


@transaction.atomic
def _noted(pk: int, kind: str, data: dict[str, Any]) -> None:
    order_noted(order_locked(pk), kind=kind, data=data)
