"""Verbs not every venue has: refused by name where it hasn't, done one by one where it takes no batches."""

import re
from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import TypeVar

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.parsing import HUGE, ZERO
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import ExchangeError, OrderNotFound, Rejected, Unsupported
from cts.domain.types import OrderAck, OrderRequest, OrderType, TimeInForce
from cts.domain.venue import AmendRequest, CancelRequest, Channel, FundingPayment, FundingRate, KeyRights

T = TypeVar("T")
R = TypeVar("R", OrderRequest, CancelRequest)

_CLIENT_ID = re.compile(r"[a-z][a-z0-9]{0,31}").fullmatch
# A member looked up by its class costs as much as the whole comparison.
_LIMIT = OrderType.LIMIT
_TRIGGERED = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
_KINDS = {
    OrderType.STOP_MARKET: Capability.CONDITIONAL,
    OrderType.TAKE_PROFIT_MARKET: Capability.CONDITIONAL,
    OrderType.TRAILING_STOP: Capability.TRAILING_STOP,
}
_FORCES = {
    TimeInForce.IOC: Capability.IMMEDIATE_OR_CANCEL,
    TimeInForce.FOK: Capability.FILL_OR_KILL,
    TimeInForce.POST_ONLY: Capability.POST_ONLY,
}


class OptionalVerbs(Connector, ABC):
    """A venue that has a verb overrides it, or the part of it that asks the venue."""

    def require(self, capability: Capability) -> None:
        """Refuse what the venue can't do before anything is sent."""
        if not self.spec.can(capability):
            what = capability.replace("_", " ")
            raise Unsupported(f"{self.spec.label} {self.spec.market} has no {what}", exchange=self.spec.name)

    def numbers_check(self, *numbers: Decimal | None) -> None:
        try:
            for number in numbers:
                if number is not None and not ZERO < number < HUGE:
                    break
            else:
                return
        except InvalidOperation:
            pass  # not a number
        raise Rejected("Quantity and prices must be above zero", exchange=self.spec.name)

    def order_checked(self, request: OrderRequest) -> OrderRequest:
        """Refuse what can't be sent."""
        if _CLIENT_ID(request.client_order_id) is None:
            raise Rejected("The client order id must be 1-32 of a-z and 0-9, a letter first", exchange=self.spec.name)
        self.numbers_check(request.quantity, request.price, request.trigger_price, request.trail_ratio)
        kind = request.order_type
        if kind is _LIMIT:
            if request.price is None:
                raise Rejected("A limit order needs a price", exchange=self.spec.name)
            wanted = _FORCES.get(request.time_in_force)
        else:
            wanted = _KINDS.get(kind)
            self._conditional_check(request)
        if wanted is not None:
            self.require(wanted)
        return request

    def _conditional_check(self, request: OrderRequest) -> None:
        kind = request.order_type
        if kind is OrderType.TRAILING_STOP and request.trail_ratio is None:
            raise Rejected("A trailing stop needs the distance it keeps", exchange=self.spec.name)
        if kind in _TRIGGERED and request.trigger_price is None:
            raise Rejected("A conditional order needs a trigger price", exchange=self.spec.name)

    def amend(self, request: AmendRequest) -> None:
        wanted = {
            Capability.AMEND_PRICE: request.price,
            Capability.AMEND_QUANTITY: request.quantity,
            Capability.AMEND_TRIGGER: request.trigger_price,
        }
        if not any(value is not None for value in wanted.values()):
            raise Rejected("An amendment needs a new quantity, price or trigger price", exchange=self.spec.name)
        for capability, value in wanted.items():
            if value is not None:
                self.require(capability)
        self.numbers_check(*wanted.values())
        try:
            self._amend(request)
        except Rejected as refused:
            if isinstance(refused, OrderNotFound | Unsupported) or not self._is_amended(request):
                raise

    def _amend(self, request: AmendRequest) -> None:
        raise NotImplementedError("A venue that can amend says how")

    def _is_amended(self, request: AmendRequest) -> bool:
        """Whether the order is as the amendment wants it: some venues refuse what changes nothing, under any code."""
        told = self.order(
            request.symbol,
            client_order_id=request.client_order_id,
            venue_order_id=request.venue_order_id,
            is_conditional=request.is_conditional,
        )
        wanted = (request.quantity, request.price, request.trigger_price)
        terms = zip(wanted, (told.quantity, told.price, told.trigger_price), strict=True)
        return not told.status.is_final and all(new in (None, now) for new, now in terms)

    def place_many(self, requests: Sequence[OrderRequest]) -> list[OrderAck | ExchangeError]:
        checked = [_outcome(lambda request=request: self.order_checked(request)) for request in requests]  # type: ignore[misc]
        together: dict[str, dict[int, OrderRequest]] = {}
        outcomes: dict[int, OrderAck | ExchangeError] = {}
        for index, request in enumerate(checked):
            if isinstance(request, ExchangeError):
                outcomes[index] = request
            elif self.spec.can(Capability.BATCH_PLACE) and (group := self._place_group(request)) is not None:
                together.setdefault(group, {})[index] = request
            else:
                outcomes[index] = _outcome(lambda request=request: self.place(request))  # type: ignore[misc]
        for chunk in _chunks(together, self.spec.batch_max):
            outcomes |= _outcomes(chunk, self._place_batch)
        return [outcomes[index] for index in range(len(requests))]

    def cancel_many(self, requests: Sequence[CancelRequest]) -> list[ExchangeError | None]:
        together: dict[str, dict[int, CancelRequest]] = {}
        outcomes: dict[int, ExchangeError | None] = {}
        for index, request in enumerate(requests):
            if self.spec.can(Capability.BATCH_CANCEL) and (group := self._cancel_group(request)) is not None:
                together.setdefault(group, {})[index] = request
            else:
                outcomes[index] = _outcome(lambda request=request: self._cancel_one(request))  # type: ignore[misc]
        for chunk in _chunks(together, self.spec.batch_max):
            outcomes |= _outcomes(chunk, self._cancel_batch)
        return [outcomes[index] for index in range(len(requests))]

    def _place_group(self, request: OrderRequest) -> str | None:
        """Orders of one group can share a batch; None goes alone."""
        return ""

    def _cancel_group(self, request: CancelRequest) -> str | None:
        return ""

    def _place_batch(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        raise NotImplementedError("A venue that takes batches says how")

    def _cancel_batch(self, requests: list[CancelRequest]) -> list[ExchangeError | None]:
        raise NotImplementedError("A venue that takes batches says how")

    def _cancel_one(self, request: CancelRequest) -> None:
        self.cancel(
            request.symbol,
            client_order_id=request.client_order_id,
            venue_order_id=request.venue_order_id,
            is_conditional=request.is_conditional,
        )

    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        self.require(Capability.FUNDING_HISTORY)
        raise NotImplementedError("A venue that has them says how")

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        self.require(Capability.FUNDING_PAYMENTS)
        raise NotImplementedError("A venue that tells them says how")

    def key_rights(self) -> KeyRights:
        self.require(Capability.KEY_RIGHTS)
        raise NotImplementedError("A venue that tells them says how")

    def channels_checked(self, channels: Iterable[Channel], *, timeframe_s: int) -> frozenset[Channel]:
        wanted = frozenset(channels)
        if missing := wanted - self.spec.channels:
            raise Unsupported(
                f"{self.spec.label}'s stream has no {', '.join(sorted(missing))}", exchange=self.spec.name
            )
        if Channel.CANDLES in wanted and timeframe_s not in self.spec.timeframes:
            raise Unsupported(f"{self.spec.label} has no candles of {timeframe_s} s", exchange=self.spec.name)
        return wanted


def _outcome(verb: Callable[[], T]) -> T | ExchangeError:
    try:
        return verb()
    except ExchangeError as error:
        return error


def _chunks(groups: dict[str, dict[int, R]], size: int) -> Iterator[dict[int, R]]:
    for group in groups.values():
        entries = iter(group.items())
        while chunk := dict(islice(entries, size)):
            yield chunk


def _outcomes(chunk: dict[int, R], send: Callable[[list[R]], list[T]]) -> dict[int, T | ExchangeError]:
    """What became of each of a batch; a batch that failed as a whole failed for all of them."""
    told = _outcome(lambda: send(list(chunk.values())))
    if isinstance(told, ExchangeError):
        return dict.fromkeys(chunk, told)
    return dict(zip(chunk, told, strict=True))
