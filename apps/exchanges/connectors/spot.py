"""What a spot market has not: refused by name before anything is sent, or honestly empty."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import msgspec

from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import Unsupported
from cts.domain.types import (
    MarginMode,
    OrderRequest,
    OrderType,
    PositionMode,
    Side,
    TimeInForce,
    VenueOrder,
    VenuePosition,
)
from cts.domain.venue import FundingPayment, FundingRate

# How far above the best ask a buy at market may go.
REACH_RATIO = Decimal("1.03")
REMEMBERED = 10_000


class SpotVerbs(RestConnector, ABC):
    """Comes before the venue's own classes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._hedged = False

    def positions(self) -> list[VenuePosition]:
        return []

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        return None

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        self.require(Capability.LEVERAGE)

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        self.require(Capability.MARGIN_MODE)

    def position_mode(self) -> PositionMode:
        raise self._lacks("position mode")

    def set_position_mode(self, mode: PositionMode) -> None:
        self.require(Capability.POSITION_MODE_SET)

    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        raise self._lacks("funding")

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        raise self._lacks("funding")

    def order_checked(self, request: OrderRequest) -> OrderRequest:
        if request.is_reduce_only:
            raise self._lacks("reduce-only orders")
        return super().order_checked(request)

    def _lacks(self, what: str) -> Unsupported:
        return Unsupported(f"{self.spec.label} {self.spec.market} has no {what}", exchange=self.spec.name)


class BuysForQuote(SpotVerbs, ABC):
    """Where the venue buys at market for an amount of quote, and no quantity can be promised: a limit within reach of the
    best ask buys it, and what it doesn't find at once is canceled. It is told as what was asked for, as long as this
    process remembers.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._at_market: OrderedDict[str, None] = OrderedDict()

    @abstractmethod
    def best_prices(self, symbol: str) -> tuple[Decimal | None, Decimal]:
        """Bid and ask, with the digits they were told with."""

    def sent_as(self, request: OrderRequest) -> OrderRequest:
        if request.order_type is not OrderType.MARKET or request.side is not Side.BUY:
            return request
        bid, ask = self.best_prices(request.symbol)
        self._at_market[request.client_order_id] = None
        if len(self._at_market) > REMEMBERED:
            self._at_market.popitem(last=False)
        return msgspec.structs.replace(
            request, order_type=OrderType.LIMIT, price=within_reach(bid, ask), time_in_force=TimeInForce.IOC
        )

    def asked_as(self, order: VenueOrder) -> VenueOrder:
        if order.client_order_id not in self._at_market:
            return order
        return msgspec.structs.replace(order, order_type=OrderType.MARKET, price=None)


def within_reach(bid: Decimal | None, ask: Decimal) -> Decimal:
    """A price with no more digits than the quotes have, so that it is on the grid."""
    digits = min(0, *(int(value.as_tuple().exponent) for value in (ask, bid or ask)))
    return max(ask, (ask * REACH_RATIO).quantize(Decimal(1).scaleb(digits), ROUND_FLOOR))
