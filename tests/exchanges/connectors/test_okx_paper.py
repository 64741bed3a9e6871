"""OKX's own verbs against the paper venue."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from apps.exchanges.connectors.base import StreamEvents, Target
from apps.exchanges.connectors.okx import OkxConnector
from apps.exchanges.connectors.registry import connector_create
from cts.domain.errors import (
    OrderNotFound,
)
from cts.domain.types import (
    Environment,
    MarginMode,
    Market,
    OrderAck,
    OrderStatus,
    OrderType,
    Side,
)
from cts.domain.venue import (
    AmendRequest,
    CancelRequest,
    Channel,
    KeyRights,
)
from tests.exchanges.connectors.test_paper import eventually, order
from tests.paper_fixtures import PaperVenueControl

BTC = "BTC/USDT:USDT"
pytestmark = pytest.mark.wire


@pytest.fixture
def trader(paper_venue: PaperVenueControl) -> Iterator[OkxConnector]:
    target = Target(environment=Environment.PAPER, market=Market.LINEAR, paper_url=paper_venue.url, timeout_s=5.0)
    connector = connector_create("okx", credentials=paper_venue.account("okx"), target=target)
    assert isinstance(connector, OkxConnector)
    yield connector
    connector.close()


def test_trailing_stop_follows_the_price_and_sells(paper_venue: PaperVenueControl, trader: OkxConnector) -> None:
    trader.place(order("entry1"))
    terms: dict[str, Any] = {"side": Side.SELL, "is_reduce_only": True, "trail_ratio": Decimal("0.01")}
    trader.place(order("trail1", OrderType.TRAILING_STOP, trigger_price=Decimal(60500), **terms))
    (waiting,) = trader.open_orders(BTC)
    assert (waiting.order_type, waiting.trigger_price) == (OrderType.TRAILING_STOP, Decimal(60500))
    triggers = []
    for price in (58_000, 60_600, 62_000, 61_500):
        paper_venue.price(BTC, price)
        triggers.append(trader.open_orders(BTC)[0].trigger_price)
    assert triggers == [60_500, 59_994, 61_380, 61_380]
    paper_venue.price(BTC, 61_370)
    sold = trader.order(BTC, client_order_id="trail1", is_conditional=True)
    assert (sold.status, sold.order_type, sold.filled_quantity) == (
        OrderStatus.FILLED,
        OrderType.TRAILING_STOP,
        Decimal("0.01"),
    )
    assert trader.positions() == []


def test_many_orders_amendments_and_cancels(trader: OkxConnector) -> None:
    outcomes = trader.place_many([order(f"m{n}", OrderType.LIMIT, price=Decimal(50_000 + n)) for n in range(25)])
    assert all(isinstance(outcome, OrderAck) for outcome in outcomes)
    trader.amend(AmendRequest(symbol=BTC, client_order_id="m1", price=Decimal(51_000), quantity=Decimal("0.02")))
    amended = trader.order(BTC, client_order_id="m1")
    assert (amended.price, amended.quantity) == (Decimal(51_000), Decimal("0.02"))
    trader.place(order("s1", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(55_000)))
    move = AmendRequest(symbol=BTC, client_order_id="s1", trigger_price=Decimal(56_000), is_conditional=True)
    trader.amend(move)
    assert trader.order(BTC, client_order_id="s1", is_conditional=True).trigger_price == Decimal(56_000)
    wanted = [CancelRequest(symbol=BTC, client_order_id=name) for name in ("m0", "nosuch")]
    assert [type(outcome) for outcome in trader.cancel_many(wanted)] == [type(None), OrderNotFound]
    assert len(trader.open_orders(BTC)) == 25
    trader.cancel_all(BTC)
    assert trader.open_orders(BTC) == []


def test_funding_rights_and_isolated_positions(paper_venue: PaperVenueControl, trader: OkxConnector) -> None:
    assert trader.key_rights() == KeyRights(can_trade=True, can_withdraw=False, is_address_bound=False)
    rates = trader.funding_rates(BTC, limit=130)
    assert len(rates) == 130
    assert [rate.at_ms for rate in rates] == sorted(rate.at_ms for rate in rates)
    trader.set_margin_mode(BTC, margin_mode=MarginMode.ISOLATED, leverage=4)
    trader.set_leverage(BTC, leverage=4, margin_mode=MarginMode.ISOLATED)
    trader.place(order("entry1"))
    (leg,) = trader.positions()
    assert (leg.margin_mode, leg.leverage) == (MarginMode.ISOLATED, Decimal(4))
    paper_venue.fund()
    (paid,) = trader.funding_payments()
    assert (paid.symbol, paid.asset) == (BTC, "USDT")
    assert paid.amount < 0


def test_every_channel_of_the_public_stream_is_told(paper_venue: PaperVenueControl, trader: OkxConnector) -> None:
    heard: dict[str, list[Any]] = {name: [] for name in ("tick", "trade", "top", "candle")}
    up = threading.Event()
    events = StreamEvents(
        on_ticks=heard["tick"].extend,
        on_trades=heard["trade"].extend,
        on_book_top=heard["top"].append,
        on_candle=lambda symbol, timeframe_s, candle: heard["candle"].append(candle),
        on_connected=up.set,
    )
    stream = trader.public_stream([BTC], events, channels=list(Channel), timeframe_s=60)
    stream.start()
    try:
        assert up.wait(5)

        def is_told() -> bool:
            paper_venue.price(BTC, 60_500)
            newest = (heard["tick"][-1:], heard["trade"][-1:], heard["candle"][-1:])
            prices = [float(getattr(x, "price", getattr(x, "close", 0))) for found in newest for x in found]
            return prices == [60_500] * 3 and any(top.bid and abs(top.bid - 60_500) < 1 for top in heard["top"])

        eventually(is_told)
    finally:
        stream.stop()
