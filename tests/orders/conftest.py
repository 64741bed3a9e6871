"""Alice's armed account on a scripted venue, with money, a symbol and a fresh price."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.exchanges.models import AccountBalance, Connection, Instrument
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.services import order_create, order_submit
from apps.positions.manager import PositionManager
from apps.positions.models import Position
from apps.positions.services import fill_book
from apps.positions.sync import connection_sync
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderIntent, OrderPurpose, Origin, PositionSide, Tick, VenueFill
from tests.conftest import ConnectionFactory
from tests.orders.venue import ScriptedVenue, now_ms

BTC = "BTC/USDT:USDT"


def no_sleep(_: float) -> None:
    """Waiting is not what these tests are about."""


@dataclass
class Desk:
    """One connection and its venue, and the short way to what a test does with them."""

    connection: Connection
    venue: ScriptedVenue
    executor: OrderExecutor = field(default_factory=lambda: OrderExecutor(sleep=no_sleep))

    @property
    def manager(self) -> PositionManager:
        return PositionManager(executor=self.executor)

    def tick(self) -> Tick:
        price = float(self.venue.price)
        return Tick(symbol=BTC, price=price, bid=price, ask=price, at_ms=now_ms())

    def intent(self, key: str = "k1", **fields: Any) -> OrderIntent:
        values: dict[str, Any] = {
            "key": key,
            "connection_id": self.connection.pk,
            "symbol": BTC,
            "position_side": PositionSide.LONG,
            "purpose": OrderPurpose.ENTRY,
            "origin": Origin.MAIN,
            "price": float(self.venue.price),
            "at": timezone.now(),
            "target_ratio": 0.01,
            "stop_ratio": 0.005,
        }
        return OrderIntent(**{**values, **fields})

    def create(
        self, key: str = "k1", *, terms: OrderTerms | None = None, epoch: int | None = None, **fields: Any
    ) -> Order:
        return order_create(
            self.connection, intent=self.intent(key, **fields), terms=terms, tick=self.tick(), engine_epoch=epoch
        )

    def submit(self, order: Order) -> Order:
        return order_submit(order, connector=self.venue, sleep=no_sleep)

    def hear(self) -> int:
        """Every execution the venue has made, as a stream would bring it; returns how many were news."""
        return sum(self.hear_one(fill) for fill in list(self.venue.executions))

    def hear_one(self, fill: VenueFill) -> bool:
        return fill_book(self.connection, fill=fill, source="stream") is not None

    def open(self, key: str = "k1", quantity: str = "0.010", **fields: Any) -> Position:
        """An open position of that size, filled at the venue's price."""
        order = self.submit(self.create(key, terms=OrderTerms(quantity=Decimal(quantity)), **fields))
        assert order.status in ("accepted", "filled"), (order.status, order.reason)
        self.hear()
        return Position.objects.select_related("connection").get(key=order.position_key)

    def sync(self) -> Any:
        return connection_sync(self.connection, connector=self.venue, sleep=no_sleep)


@pytest.fixture
def desk_factory(connection_factory: ConnectionFactory, instrument: Instrument) -> Callable[..., Desk]:
    def create(**fields: Any) -> Desk:
        connection = connection_factory(**{"is_live_armed": True, "leverage": 10, **fields})
        money = {"total": Decimal(10_000), "available": Decimal(10_000), "equity": Decimal(10_000)}
        AccountBalance.objects.create(connection=connection, asset="USDT", at=timezone.now(), **money)
        return Desk(connection, ScriptedVenue())

    return create


@pytest.fixture
def desk(desk_factory: Callable[..., Desk]) -> Desk:
    return desk_factory()
