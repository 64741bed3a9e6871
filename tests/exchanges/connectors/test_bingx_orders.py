"""BingX's verbs on the paper venue: stops that keep no name, changes, batches, trailing, funding."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Target
from apps.exchanges.connectors.bingx import BingxConnector
from apps.exchanges.connectors.registry import connector_create
from cts.domain.errors import AmbiguousResult, OrderNotFound, Rejected
from cts.domain.types import (
    Environment,
    Market,
    OrderAck,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionMode,
    Side,
    VenueOrder,
)
from cts.domain.venue import AmendRequest, CancelRequest
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"
SWAP = "/openApi/swap/"


def order(client_id: str, order_type: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    price = Decimal(50000) if order_type is OrderType.LIMIT else None
    wanted = OrderRequest(
        client_order_id=client_id,
        symbol=BTC,
        side=Side.BUY,
        order_type=order_type,
        quantity=Decimal("0.01"),
        price=price,
    )
    return msgspec.structs.replace(wanted, **changes)


def stop(client_id: str, **changes: Any) -> OrderRequest:
    return order(client_id, OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(59000), **changes)


@pytest.fixture
def connector(paper_venue: PaperVenueControl) -> Iterator[BingxConnector]:
    target = Target(
        environment=Environment.PAPER,
        market=Market.LINEAR,
        position_mode=PositionMode.ONE_WAY,
        paper_url=paper_venue.url,
        timeout_s=3.0,
    )
    made = connector_create("bingx", credentials=paper_venue.account("bingx"), target=target)
    assert isinstance(made, BingxConnector)
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["timeout_after_accept", "close_after_accept", "half_json", "error_500"])
def test_stop_whose_answer_is_lost_is_found_by_its_terms(
    connector: BingxConnector, paper_venue: PaperVenueControl, kind: str
) -> None:
    connector.balances()
    connector.place(stop("other1", quantity=Decimal("0.02")))
    paper_venue.faults("bingx", f"{SWAP}v2/trade/order", kind, is_accepted=True, seconds=2.0)
    with pytest.raises(AmbiguousResult):
        connector.place(stop("lost1"))
    told = connector.order(BTC, client_order_id="lost1", is_conditional=True)
    assert (told.client_order_id, told.quantity, told.status) == ("lost1", Decimal("0.01"), OrderStatus.ACCEPTED)
    assert {one.client_order_id for one in connector.open_orders(BTC)} == {"other1", "lost1"}
    connector.cancel(BTC, client_order_id="lost1", is_conditional=True)
    assert [one.client_order_id for one in connector.open_orders(BTC)] == ["other1"]


def test_stop_that_was_lost_and_fired_is_found_too(connector: BingxConnector, paper_venue: PaperVenueControl) -> None:
    connector.place(order("entry1", OrderType.MARKET))
    paper_venue.faults("bingx", f"{SWAP}v2/trade/order", "close_after_accept", is_accepted=True)
    with pytest.raises(AmbiguousResult):
        connector.place(stop("lost2", is_reduce_only=True))
    paper_venue.price(BTC, 58_990)
    assert connector.order(BTC, client_order_id="lost2", is_conditional=True).status is OrderStatus.FILLED
    assert [fill.client_order_id for fill in connector.fills(BTC)] == ["entry1", "lost2"]


def test_stop_that_never_arrived_is_not_found(connector: BingxConnector, paper_venue: PaperVenueControl) -> None:
    connector.balances()
    paper_venue.faults("bingx", f"{SWAP}v2/trade/order", "timeout_before_accept", seconds=6.0)
    with pytest.raises(AmbiguousResult):
        connector.place(stop("lost3"))
    with pytest.raises(OrderNotFound):
        connector.order(BTC, client_order_id="lost3", is_conditional=True)


def test_trailing_stop_follows_and_fires(connector: BingxConnector, paper_venue: PaperVenueControl) -> None:
    connector.place(order("entry2", OrderType.MARKET))
    trail = order("trail2", OrderType.TRAILING_STOP, side=Side.SELL, trail_ratio=Decimal("0.01"), is_reduce_only=True)
    connector.place(msgspec.structs.replace(trail, trigger_price=Decimal(61000)))
    (waiting,) = connector.open_orders(BTC)
    assert (waiting.client_order_id, waiting.order_type) == ("trail2", OrderType.TRAILING_STOP)
    assert waiting.trigger_price == 61000
    for price in (61_000, 62_000, 61_380):
        paper_venue.price(BTC, price)
    assert connector.order(BTC, client_order_id="trail2", is_conditional=True).status is OrderStatus.FILLED
    assert connector.positions() == []


def test_quantity_of_an_open_order_is_amended_and_nothing_else(connector: BingxConnector) -> None:
    connector.place(order("grow1"))
    connector.amend(AmendRequest(symbol=BTC, client_order_id="grow1", quantity=Decimal("0.03")))
    (grown,) = connector.open_orders(BTC)
    assert (grown.quantity, grown.price) == (Decimal("0.03"), Decimal(50000))
    changes: list[dict[str, Any]] = [{"price": Decimal(51000)}, {"trigger_price": Decimal(51000)}]
    for change in changes:
        with pytest.raises(Rejected, match="has no amend"):
            connector.amend(AmendRequest(symbol=BTC, client_order_id="grow1", **change))
    with pytest.raises(OrderNotFound):
        connector.amend(AmendRequest(symbol=BTC, client_order_id="nosuch", quantity=Decimal("0.03")))


def test_batches_give_each_order_its_outcome(connector: BingxConnector) -> None:
    wanted = [order(f"b{number}", price=Decimal(50_000 + number)) for number in range(7)]
    wanted[2] = order("b2", price=Decimal(90_000))
    wanted[4] = stop("b4")
    wanted[6] = order("b6", quantity=Decimal(0))
    outcomes = connector.place_many(wanted)
    assert [type(outcome) for outcome in outcomes] == [
        OrderAck, OrderAck, Rejected, OrderAck, OrderAck, OrderAck, Rejected,
    ]  # fmt: skip
    resting = {told.client_order_id: told for told in connector.open_orders(BTC)}
    assert set(resting) == {"b0", "b1", "b3", "b4", "b5"}
    gone = [_cancel(told) for told in resting.values()]
    gone += [CancelRequest(symbol=BTC, client_order_id="nosuch", venue_order_id="77")]
    gone += [CancelRequest(symbol=BTC, client_order_id="neither")]
    assert [type(outcome) for outcome in connector.cancel_many(gone)] == [type(None)] * 5 + [OrderNotFound] * 2
    assert connector.open_orders(BTC) == []


def _cancel(told: VenueOrder) -> CancelRequest:
    return CancelRequest(symbol=BTC, client_order_id=told.client_order_id, venue_order_id=told.venue_order_id)


def test_batch_whose_answer_is_lost_leaves_each_order_in_doubt(
    connector: BingxConnector, paper_venue: PaperVenueControl
) -> None:
    connector.balances()
    paper_venue.faults("bingx", f"{SWAP}v2/trade/batchOrders", "close_after_accept", is_accepted=True)
    outcomes = connector.place_many([order("d1"), order("d2")])
    assert [type(outcome) for outcome in outcomes] == [AmbiguousResult] * 2
    assert {told.client_order_id for told in connector.open_orders(BTC)} == {"d1", "d2"}


def test_funding_is_told_as_rates_and_as_payments(connector: BingxConnector, paper_venue: PaperVenueControl) -> None:
    rates = connector.funding_rates(BTC, limit=3)
    assert [b.at_ms - a.at_ms for a, b in itertools.pairwise(rates)] == [8 * 3_600_000] * 2
    assert connector.funding_rates(BTC, since_ms=rates[1].at_ms) == rates[1:]
    connector.place(order("held1", OrderType.MARKET))
    paper_venue.fund()
    (paid,) = connector.funding_payments()
    assert (paid.symbol, paid.asset) == (BTC, "USDT")
    assert paid.amount != 0
    assert connector.funding_payments(since_ms=paid.at_ms + 1) == []
