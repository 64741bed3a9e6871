"""What a spot market has not: refused by name before anything is sent, or honestly empty."""

from abc import ABC
from typing import Any

from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import Unsupported
from cts.domain.types import MarginMode, OrderRequest, PositionMode, VenuePosition
from cts.domain.venue import FundingPayment, FundingRate


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
