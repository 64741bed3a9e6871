"""What only Pionex has, over real sockets: batches, funding, isolated margin, channels, pacing, a limit that closes."""

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials, StreamEvents, Target
from apps.exchanges.connectors.registry import connector_create
from apps.exchanges.connectors.throttle import Limiter, LocalLimiter
from apps.exchanges.paper.server import PaperVenue
from cts.domain.errors import OrderNotFound, Rejected
from cts.domain.synthetic import PROFILES
from cts.domain.types import (
    Balance,
    Environment,
    MarginMode,
    Market,
    OrderAck,
    OrderType,
    PositionMode,
    Side,
)
from cts.domain.venue import BookTop, Channel, Trade
from tests.exchanges.connectors.test_paper import eventually, order
from tests.paper_fixtures import START_PRICES, PaperVenueControl, Spendthrift

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"
Connect = Callable[..., Any]


def connected(url: str, credentials: Credentials, limiter: Limiter) -> Any:
    target = Target(environment=Environment.PAPER, market=Market.LINEAR, paper_url=url, timeout_s=5.0)
    return connector_create("pionex", credentials=credentials, target=target, limiter=limiter)


@pytest.fixture
def connector(paper_venue: PaperVenueControl) -> Iterator[Any]:
    made = connected(paper_venue.url, paper_venue.account("pionex"), Spendthrift())
    yield made
    made.close()


def test_batch_is_placed_and_canceled_one_by_one(connector: Any) -> None:
    wanted = [order(f"b{n}", OrderType.LIMIT, price=Decimal(50_000 + n)) for n in range(3)]
    acks = connector.place_many(wanted)
    assert all(isinstance(ack, OrderAck) for ack in acks)
    resting = {placed.client_order_id: placed.venue_order_id for placed in connector.open_orders(BTC)}
    assert resting == {ack.client_order_id: ack.venue_order_id for ack in acks}
    too_much = [wanted[0], msgspec.structs.replace(wanted[1], client_order_id="c1", quantity=Decimal(100))]
    again = connector.place_many(too_much)
    assert not any(isinstance(outcome, OrderAck) for outcome in again)
    for ack in acks:
        connector.cancel(BTC, client_order_id=ack.client_order_id)
    assert connector.open_orders() == []


def test_funding_is_paid_and_listed(connector: Any, paper_venue: PaperVenueControl) -> None:
    connector.place(order("long1"))
    (before,) = connector.balances()
    paper_venue.fund()
    (after,) = connector.balances()
    (payment,) = connector.funding_payments()
    assert (payment.symbol, payment.asset, payment.amount) == (BTC, "USDT", after.total - before.total)
    rates = connector.funding_rates(BTC, limit=5)
    assert len(rates) == 5
    assert [rate.at_ms for rate in rates] == sorted(rate.at_ms for rate in rates)


def test_isolated_margin_is_part_of_what_the_account_holds(connector: Any) -> None:
    connector.set_margin_mode(BTC, margin_mode=MarginMode.ISOLATED, leverage=10)
    connector.set_leverage(BTC, leverage=10, margin_mode=MarginMode.ISOLATED)
    connector.place(order("iso1"))
    (leg,) = connector.positions()
    assert (leg.margin_mode, leg.leverage) == (MarginMode.ISOLATED, 10)
    (fill,) = connector.fills(BTC)
    (balance,) = connector.balances()
    assert balance.total == 10_000 - fill.fee
    assert balance.equity == balance.total + leg.unrealized_pnl
    assert balance.available == balance.total - fill.price * fill.quantity / 10


def test_part_filled_order_is_told_so_and_closed_as_canceled(connector: Any, paper_venue: PaperVenueControl) -> None:
    doge = "DOGE/USDT:USDT"
    connector.set_leverage(doge, leverage=75, margin_mode=MarginMode.CROSS)
    wanted = order("part1", OrderType.LIMIT, price=Decimal("0.19"), quantity=Decimal(1_000_000), symbol=doge)
    connector.place(wanted)
    paper_venue.price(doge, 0.18999)
    part = connector.order(doge, client_order_id="part1")
    assert (part.status, part.average_price) == ("partially_filled", Decimal("0.19"))
    assert sum(fill.quantity for fill in connector.fills(doge)) == part.filled_quantity
    connector.cancel_all(doge)
    assert connector.order(doge, client_order_id="part1").status == "canceled"


def test_stranger_to_the_orders_of_a_key_finds_them_all(paper_venue: PaperVenueControl) -> None:
    """As after a restart: nothing is remembered, neither ids nor names."""
    account = paper_venue.account("pionex")
    first = connected(paper_venue.url, account, Spendthrift())
    first.set_position_mode(PositionMode.HEDGE)
    for number in range(4):
        first.place(order(f"old{number}"))
    first.place(order("rest1", OrderType.LIMIT, price=Decimal(50_000)))
    second = connected(paper_venue.url, account, Spendthrift())
    assert [fill.client_order_id for fill in second.fills(BTC)] == [f"old{number}" for number in range(4)]
    assert second.fills(BTC) == first.fills(BTC)
    second = connected(paper_venue.url, account, Spendthrift())
    second.cancel(BTC, client_order_id="rest1")
    with pytest.raises(OrderNotFound):
        connected(paper_venue.url, account, Spendthrift()).cancel(BTC, client_order_id="rest1")
    assert first.open_orders() == []


def test_channels_tell_trades_quotes_and_balances(connector: Any, paper_venue: PaperVenueControl) -> None:
    trades: list[Trade] = []
    tops: list[BookTop] = []
    balances: list[Balance] = []
    ups = threading.Semaphore(0)
    events = StreamEvents(
        on_trades=trades.extend, on_book_top=tops.append, on_balance=balances.append, on_connected=ups.release
    )
    streams = [
        connector.public_stream([BTC], events, channels=(Channel.TRADES, Channel.BOOK_TOP)),
        connector.private_stream(events),
    ]
    for stream in streams:
        stream.start()
    try:
        assert ups.acquire(timeout=5)
        assert ups.acquire(timeout=5)
        paper_venue.price(BTC, 60_500)
        eventually(lambda: any(trade.price == 60_500 for trade in trades))
        eventually(lambda: any(top.bid and top.ask and top.bid <= 60_500 <= top.ask for top in tops))
        connector.place(order("ch1", side=Side.SELL))
        eventually(lambda: balances)
        (fill,) = connector.fills(BTC)
        assert balances[-1].total == 10_000 - fill.fee
    finally:
        for stream in streams:
            stream.stop()


def test_every_symbol_is_subscribed_without_one_message_too_many(
    connector: Any, paper_venue: PaperVenueControl
) -> None:
    """Thirty messages, which take six seconds and more where five a second are allowed."""
    heard: set[str] = set()
    reasons: list[str] = []
    events = StreamEvents(
        on_tickers=lambda tickers: heard.update(ticker.symbol for ticker in tickers if ticker.mark is not None),
        on_disconnected=reasons.append,
    )
    stream = connector.public_stream(sorted(PROFILES), events)
    started = time.monotonic()
    stream.start()
    try:
        eventually(lambda: heard == set(PROFILES), within_s=25)
        assert time.monotonic() - started > 6
        assert reasons == []
    finally:
        stream.stop()


def test_names_beyond_ascii_are_signed_as_they_are_and_sent_encoded(connector: Any) -> None:
    with pytest.raises(Rejected) as caught:
        connector.order("币安人生/USDT:USDT", client_order_id="nosuch")
    assert caught.value.venue_code == "TRADE_INVALID_SYMBOL"


def test_own_budget_keeps_a_limited_venue_open(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "limited.sqlite3", start_prices=START_PRICES, is_limited=True)
    control = PaperVenueControl(venue.start_in_thread())
    try:
        connector = connected(control.url, control.account("pionex"), LocalLimiter())
        for number in range(4):
            connector.place(order(f"calm{number}", OrderType.LIMIT, price=Decimal(50_000)))
        assert len(connector.open_orders(BTC)) == 4
        with pytest.raises(Rejected):
            connector.place(order("toobig", quantity=Decimal(100)))
        connector.close()
    finally:
        venue.stop()
