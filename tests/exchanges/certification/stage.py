"""A fresh account of one market of a venue, its connector over real sockets, and what the venue itself says happened."""

import itertools
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.registry import CONNECTORS, connector_create, connector_kind
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.connectors.throttle import Grant, LocalLimiter
from apps.exchanges.connectors.transport import HttpTransport, Prepared, Response
from cts.domain.types import (
    Environment,
    Market,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    VenueOrder,
)
from tests.paper_fixtures import PaperVenueControl

# By name: the venue's own for its perpetuals, with the market behind it for any other.
PLACES: dict[str, tuple[str, Market]] = {
    name if market is Market.LINEAR else f"{name}-{market}": (name, market)
    for name, kinds in CONNECTORS.items()
    for market in kinds
}
# One market is behind the perpetuals and spot of the paper venue; it is moved by its perpetual.
MOVED = "BTC/USDT:USDT"
_numbers = itertools.count(1)


class Generous(LocalLimiter):
    """Grants whatever no venue has blocked: budgets have tests of their own, and waiting for them would take an hour."""

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        return self._blocked_for(grants, now=self._monotonic()) if self._blocked_until else 0.0


class Recording(HttpTransport):
    """Notes where requests went, so that a fault can be armed for the same door."""

    def __init__(self, base_url: str, *, timeout_s: float) -> None:
        super().__init__(base_url, timeout_s=timeout_s)
        self.sent: list[tuple[str, str]] = []

    def send(self, request: Prepared, *, is_write: bool) -> Response:
        self.sent.append((request.method, urlsplit(request.path).path))
        return super().send(request, is_write=is_write)


class Stage:
    """Hedge mode where the venue has it, ten thousand in the account. Spot has neither legs nor what reduces them."""

    def __init__(self, place: str, venue: PaperVenueControl, *, timeout_s: float = 5.0) -> None:
        self.venue = venue
        self.exchange, self.market = exchange, market = PLACES[place]
        self.is_spot = market is Market.SPOT
        self.spec = connector_kind(exchange, market).spec
        self.symbol, self.other = f"BTC{self.spec.suffix}", f"ETH{self.spec.suffix}"
        self.keys = venue.account(exchange)
        self._names: dict[str, str] = {}
        self.is_hedged = self.spec.can(Capability.HEDGE) and self.spec.can(Capability.POSITION_MODE_SET)
        mode = PositionMode.HEDGE if self.is_hedged else PositionMode.ONE_WAY
        self._target = Target(
            environment=Environment.PAPER,
            market=market,
            position_mode=mode,
            paper_url=venue.url,
            timeout_s=timeout_s,
        )
        self.transport = Recording(f"{venue.url}/{exchange}", timeout_s=timeout_s)
        self.connector = self.connected(self.keys)
        if self.is_hedged:
            self.connector.set_position_mode(mode)

    def connected(self, keys: Credentials) -> RestConnector:
        connector = connector_create(
            self.exchange, credentials=keys, target=self._target, limiter=Generous(), transport=self.transport
        )
        assert isinstance(connector, RestConnector)
        return connector

    # --- asking -------------------------------------------------------------------------------------------------------
    def order(self, order_type: OrderType = OrderType.MARKET, **changes: Any) -> OrderRequest:
        wanted = OrderRequest(
            client_order_id=f"cert{next(_numbers)}",
            symbol=self.symbol,
            side=Side.BUY,
            order_type=order_type,
            quantity=Decimal("0.01"),
        )
        return msgspec.structs.replace(wanted, **changes)

    def resting(self, **changes: Any) -> OrderRequest:
        return self.order(OrderType.LIMIT, price=Decimal(56000), **changes)

    def placed(self, request: OrderRequest) -> OrderRequest:
        self._names[request.client_order_id] = self.connector.place(request).venue_order_id
        return request

    def entered(self) -> OrderRequest:
        return self.placed(self.order())

    def reduction(self, order_type: OrderType = OrderType.MARKET, **changes: Any) -> OrderRequest:
        """Of what was entered; on spot a sale of it, less what the fee may have taken."""
        terms = {"quantity": Decimal("0.009")} if self.is_spot else {"is_reduce_only": True}
        return self.order(order_type, side=Side.SELL, **changes, **terms)

    def price(self, price: float) -> None:
        self.venue.price(MOVED, price)

    def found(self, request: OrderRequest) -> VenueOrder:
        return self.connector.order(
            request.symbol,
            client_order_id=request.client_order_id,
            is_conditional=request.order_type.is_conditional,
        )

    def settles(self, request: OrderRequest, status: OrderStatus) -> None:
        """Found so, at the latest when the venue has had the time it may take to show it."""
        self.eventually(lambda: self.found(request).status is status, within_s=self.spec.visibility_delay_s)

    def cancel(self, request: OrderRequest) -> None:
        self.connector.cancel(
            request.symbol,
            client_order_id=request.client_order_id,
            is_conditional=request.order_type.is_conditional,
        )

    # --- what the venue says --------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return self.venue.state(self.exchange, self.keys)

    def holds(self) -> bool:
        """What was entered, the fee aside."""
        return self._held() > Decimal("0.0099") if self.is_spot else self._held() == Decimal("0.01")

    def is_flat(self) -> bool:
        return self._held() < Decimal("0.001") if self.is_spot else self._held() == 0

    def _held(self) -> Decimal:
        state = self.state()
        if self.is_spot:
            return Decimal(state["assets"].get("BTC", 0))
        legs = state["positions"]
        return sum((Decimal(leg["quantity"]) for leg in legs if leg["side"] == PositionSide.LONG), Decimal(0))

    def times_taken(self, request: OrderRequest) -> int:
        return sum(order["client_id"].lower() == request.client_order_id for order in self.state()["orders"])

    def is_open(self, request: OrderRequest) -> bool:
        """By its client id, or, where the venue keeps none of conditional orders, by the id it gave."""
        own, name = request.client_order_id, self._names.get(request.client_order_id)
        mine = [order for order in self.state()["orders"] if own == order["client_id"].lower() or name == order["name"]]
        return any(order["status"] in ("new", "partially_filled", "untriggered") for order in mine)

    def door_of(self, verb: Callable[[], object]) -> tuple[str, str]:
        """Method and path that a verb uses last, learned by using it once."""
        verb()
        return self.transport.sent[-1]

    def fault(self, door: tuple[str, str], kind: str, **options: Any) -> None:
        method, path = door
        self.venue.faults(self.exchange, path, kind, method=method, **options)

    def eventually(self, claim: Callable[[], object], *, within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while not claim():
            assert time.monotonic() < deadline, "did not happen in time"
            time.sleep(0.02)

    def close(self) -> None:
        self.connector.close()
