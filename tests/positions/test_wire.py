"""The protocol over real sockets, on every venue the paper venue speaks: orders, fills, stops and money agree with it."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from apps.exchanges.connectors.base import Connector, Credentials, StreamEvents
from apps.exchanges.connectors.registry import CONNECTORS, EXCHANGES
from apps.exchanges.connectors.spec import Capability, ErrorClass
from apps.exchanges.factory import connector_for, public_connector
from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.services import balances_record, instruments_sync
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.services import order_apply_venue
from apps.positions.manager import PositionManager
from apps.positions.models import Discrepancy, Position
from apps.positions.selectors import leg_quantities
from apps.positions.services import fill_book
from apps.positions.sync import connection_sync
from cts.domain.errors import RateLimited
from cts.domain.orders import OrderTerms
from cts.domain.types import (
    OrderIntent,
    OrderPurpose,
    OrderRequest,
    OrderType,
    Origin,
    PositionMode,
    PositionSide,
    Side,
    Tick,
    VenueFill,
    VenueOrder,
)
from tests.conftest import ConnectionFactory
from tests.paper_fixtures import PaperVenueControl, Spendthrift

pytestmark = [pytest.mark.wire, pytest.mark.django_db]
BTC = "BTC/USDT:USDT"
LONG = PositionSide.LONG
CREATE = {
    "bybit": "/v5/order/create",
    "binance": "/fapi/v1/order",
    "bingx": "/openApi/swap/v2/trade/order",
    "okx": "/api/v5/trade/order",
    "pionex": "/uapi/v1/trade/order",
    "orangex": "/api/v1/private/buy",
}


@dataclass
class Account:
    """A connection, its account on the paper venue, and the way there."""

    exchange: str
    paper: PaperVenueControl
    credentials: Credentials
    connection: Connection
    connector: Connector
    executor: OrderExecutor = field(default_factory=OrderExecutor)

    @property
    def manager(self) -> PositionManager:
        return PositionManager(executor=self.executor)

    def open(self, key: str = "k", *, quantity: str = "0.010", **fields: Any) -> Order:
        values: dict[str, Any] = {
            "key": key,
            "connection_id": self.connection.pk,
            "symbol": BTC,
            "position_side": LONG,
            "purpose": OrderPurpose.ENTRY,
            "origin": Origin.MAIN,
            "price": 60_000.0,
            "at": timezone.now(),
            "target_ratio": 0.02,
            "stop_ratio": 0.01,
        }
        tick = Tick(symbol=BTC, price=60_000.0, bid=60_000.0, ask=60_000.0, at_ms=int(time.time() * 1000))
        return self.manager.open_for(
            self.connection,
            intent=OrderIntent(**{**values, **fields}),
            connector=self.connector,
            terms=OrderTerms(quantity=Decimal(quantity)),
            tick=tick,
        )

    def sync(self) -> Any:
        return connection_sync(self.connection, connector=self.connector)

    def position(self) -> Position:
        return Position.objects.select_related("connection", "stop_order").get()

    def has_stops(self) -> bool:
        """Whether the venue itself can hold a stop; where it can't, ours is watched and nothing of it is there."""
        return self.connector.spec.can(Capability.CONDITIONAL)

    def venue(self) -> dict[str, Any]:
        return self.paper.state(self.exchange, self.credentials)


@pytest.fixture(params=sorted(CONNECTORS))
def account(
    request: pytest.FixtureRequest,
    paper_venue: PaperVenueControl,
    connection_factory: ConnectionFactory,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Account]:
    # A venue that closes its door to one test must not keep it closed for the next.
    thrift = Spendthrift()
    monkeypatch.setattr("apps.exchanges.factory.shared_limiter", lambda: thrift)
    settings.PAPER_URL, settings.VENUE_TIMEOUT_S = paper_venue.url, 2.0
    public_connector.cache_clear()
    exchange = request.param
    can_switch = EXCHANGES[exchange].can(Capability.POSITION_MODE_SET)
    credentials = paper_venue.account(exchange, position_mode=None if can_switch else PositionMode.HEDGE)
    connection = connection_factory(exchange=exchange, credentials=credentials, is_live_armed=True, leverage=10)
    instruments_sync(exchange=exchange, environment="paper", market="linear")
    connector = connector_for(connection)
    balances_record(connection, balances=connector.balances())
    yield Account(exchange, paper_venue, credentials, connection, connector)
    public_connector.cache_clear()


def test_a_whole_life_agrees_with_the_venue_to_the_last_decimal(account: Account) -> None:
    before = AccountBalance.objects.get(asset="USDT").total
    order = account.open()
    account.sync()
    order.refresh_from_db()
    assert order.status == "filled"
    position = account.position()
    assert position.quantity == Decimal("0.01")
    resting = account.connector.open_orders(BTC)
    stop = (OrderType.STOP_MARKET, Decimal("0.01"), position.stop_price)
    stops = [(each.order_type, each.quantity, each.trigger_price) for each in resting]
    assert stops == ([stop] if account.has_stops() else [])
    account.paper.price(BTC, 60_600.0)
    outcome = account.manager.close_now(position, reason="target", connector=account.connector)
    assert (outcome.is_ok, outcome.position.status) == (True, "closed")
    assert account.connector.open_orders(BTC) == []
    assert account.connector.positions() == []
    account.sync()
    closed = account.position()
    after = AccountBalance.objects.get(asset="USDT").total
    assert after - before == closed.realized_pnl - closed.fees
    assert Discrepancy.objects.count() == 0


def test_an_order_accepted_before_the_time_out_is_found_and_is_the_only_one(account: Account) -> None:
    account.paper.faults(account.exchange, CREATE[account.exchange], "timeout_after_accept", seconds=3)
    order = account.open()
    assert order.status in ("accepted", "filled", "partially_filled")
    assert "lose" in [event.kind for event in order.events.all()]
    account.sync()
    assert leg_quantities(account.connection) == {(BTC, LONG): Decimal("0.01")}
    ours = [fill for fill in account.connector.fills(BTC) if fill.client_order_id == order.client_order_id]
    assert sum(fill.quantity for fill in ours) == Decimal("0.01")


def test_an_order_that_never_arrived_ends_on_evidence_and_leaves_nothing(account: Account) -> None:
    account.paper.faults(account.exchange, CREATE[account.exchange], "timeout_before_accept", seconds=3)
    order = account.open()
    order.refresh_from_db()
    if order.status == "unknown":
        Order.objects.filter(pk=order.pk).update(submitted_at=timezone.now() - timedelta(seconds=10))
        account.sync()
        order.refresh_from_db()
    assert (order.status, order.reason_code) == ("expired", "never_arrived")
    assert account.connector.positions() == []


def test_a_refused_connection_is_tried_again_and_makes_one_order(account: Account) -> None:
    account.paper.faults(account.exchange, CREATE[account.exchange], "rate_limit_429", count=1)
    order = account.open()
    if account.connector.spec.http_errors.get(429) is ErrorClass.BAN:
        # A door that closes for a minute is not knocked at again.
        with pytest.raises(RateLimited, match="budget"):
            account.sync()
        assert (order.status, order.reason_code) == ("expired", "rate_limited")
        assert account.venue()["orders"] == []
        return
    account.sync()
    order.refresh_from_db()
    assert order.status == "filled"
    assert len({fill.client_order_id for fill in account.connector.fills(BTC)}) == 1


def test_the_stop_closes_on_the_venue_and_we_hear_of_it(account: Account) -> None:
    account.open()
    account.sync()
    account.paper.price(BTC, 59_300.0)
    account.sync()
    position = account.position()
    if not account.has_stops():
        assert (position.status, position.stop_order, position.quantity) == ("open", None, Decimal("0.01"))
        return
    assert (position.status, position.exit_reason) == ("closed", "stop")
    assert position.realized_pnl < 0
    assert account.connector.positions() == []


def test_a_trade_by_hand_is_adopted_as_external(account: Account) -> None:
    account.open()
    account.sync()
    account.connector.place(
        OrderRequest(
            client_order_id="byhand1",
            symbol=BTC,
            side=Side.BUY,
            order_type=OrderType.MARKET,
            quantity=Decimal("0.02"),
            position_side=LONG,
        )
    )
    account.sync()
    external = Position.objects.get(origin="external")
    assert (external.quantity, external.status) == (Decimal("0.02"), "open")
    assert leg_quantities(account.connection) == {(BTC, LONG): Decimal("0.03")}
    account.manager.flatten(account.connection, connector=account.connector)
    account.sync()
    assert account.connector.positions() == []
    assert account.connector.open_orders() == []


def test_an_exit_at_market_leaves_no_reduction_by_hand_behind(account: Account) -> None:
    account.open(quantity="0.010")
    account.sync()
    intent = OrderIntent(
        key="out",
        connection_id=account.connection.pk,
        symbol=BTC,
        position_side=LONG,
        purpose=OrderPurpose.MANUAL,
        origin=Origin.MANUAL,
        price=60_500.0,
        at=timezone.now(),
    )
    terms = OrderTerms(
        order_type=OrderType.LIMIT, price=Decimal(60_500), quantity=Decimal("0.010"), is_reduce_only=True
    )
    waiting = account.executor.execute(account.connection, intent=intent, connector=account.connector, terms=terms)
    account.sync()
    waiting.refresh_from_db()
    assert waiting.status == "accepted", waiting.reason
    assert len(account.connector.open_orders(BTC)) == 1 + account.has_stops()
    account.manager.close_now(account.position(), reason="manual", connector=account.connector)
    account.sync()
    waiting.refresh_from_db()
    assert (account.position().status, waiting.status) == ("closed", "canceled")
    assert (account.connector.positions(), account.connector.open_orders()) == ([], [])


def test_two_positions_of_one_leg_have_a_stop_each_and_close_apart(account: Account) -> None:
    account.open("a", quantity="0.010")
    account.open("b", quantity="0.020")
    account.sync()
    both, second = [Decimal("0.01"), Decimal("0.02")], [Decimal("0.02")]
    stops = sorted(each.quantity for each in account.connector.open_orders(BTC))
    assert stops == (both if account.has_stops() else [])
    first = Position.objects.order_by("pk")[0]
    account.manager.close_now(first, reason="manual", connector=account.connector)
    stops = [each.quantity for each in account.connector.open_orders(BTC)]
    assert stops == (second if account.has_stops() else [])
    assert [leg.quantity for leg in account.connector.positions()] == [Decimal("0.02")]


@pytest.mark.parametrize("fault", ["duplicate", "reorder", "late"])
def test_a_stream_that_repeats_and_reorders_gives_the_same_ledger(account: Account, fault: str) -> None:
    heard: queue.Queue[VenueFill | VenueOrder] = queue.Queue()
    connected: queue.Queue[None] = queue.Queue()
    stream = account.connector.private_stream(
        StreamEvents(on_fill=heard.put, on_order=heard.put, on_connected=lambda: connected.put(None))
    )
    stream.start()
    try:
        connected.get(timeout=10)
        account.paper.faults(account.exchange, "", fault, count=6, times=3, seconds=0.2)
        order = account.open()
        _take_in(account, heard, until=lambda: Position.objects.filter(quantity="0.01").exists())
        account.manager.close(account.position(), reason="target", connector=account.connector)
        _take_in(account, heard, until=lambda: Position.objects.filter(status="closed").exists())
    finally:
        stream.stop()
    order.refresh_from_db()
    assert (order.status, order.fills.count()) == ("filled", len({fill.venue_trade_id for fill in order.fills.all()}))
    before = account.position().version
    assert account.sync().fills == 0
    assert account.position().version == before


def _take_in(account: Account, heard: "queue.Queue[Any]", *, until: Callable[[], bool]) -> None:
    """What a run does with its inbox, until it has led to what is claimed."""
    deadline = time.monotonic() + 10
    while not until():
        assert time.monotonic() < deadline, "the stream did not tell in time"
        try:
            item = heard.get(timeout=0.2)
        except queue.Empty:
            continue
        if isinstance(item, VenueFill):
            fill_book(account.connection, fill=item, source="stream")
        else:
            order_apply_venue(account.connection, item)
