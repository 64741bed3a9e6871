"""What goes wrong between ccxt's clients and the paper venue, and the streams that only ask."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials, StreamEvents
from cts.domain.errors import AmbiguousResult, AuthFailed, OrderNotFound, RateLimited, Unavailable
from cts.domain.types import (
    OrderStatus,
    OrderType,
    Side,
)
from tests.exchanges.ccxt_adapter.conftest import FACES, Connect
from tests.exchanges.ccxt_adapter.life import BTC, ETH, eventually, order
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire


def test_wrong_secret_is_refused(connect: Connect, name: str, paper_venue: PaperVenueControl) -> None:
    good = paper_venue.account(FACES[name])
    with pytest.raises(AuthFailed):
        connect(credentials=Credentials(api_key=good.api_key, api_secret="wrong"))


TICKERS = {"bybit": "/v5/market/tickers", "binanceusdm": "/fapi/v1/ticker/24hr"}
POSITIONS = {"bybit": "/v5/position/list", "binanceusdm": "/fapi/v3/positionRisk"}
PATHS = {
    "bybit": ("/v5/order/create", "/v5/account/wallet-balance"),
    "binanceusdm": ("/fapi/v1/order", "/fapi/v3/account"),
}


@pytest.mark.parametrize("kind", ["timeout_after_accept", "close_after_accept", "half_json", "error_500", "error_502"])
def test_answer_lost_after_acceptance_is_ambiguous_and_the_order_is_there(
    connect: Connect, name: str, paper_venue: PaperVenueControl, kind: str
) -> None:
    connector = connect(timeout_s=0.5)
    connector.balances()
    paper_venue.faults(FACES[name], PATHS[name][0], kind, is_accepted=True, seconds=1.0)
    with pytest.raises(AmbiguousResult):
        connector.place(order("lost1"))
    assert connector.order(BTC, client_order_id="lost1").status is OrderStatus.FILLED
    assert len(connector.fills(BTC)) == 1


def test_order_lost_before_acceptance_is_ambiguous_too_and_not_found(
    connect: Connect, name: str, paper_venue: PaperVenueControl
) -> None:
    connector = connect(timeout_s=0.5)
    connector.balances()
    paper_venue.faults(FACES[name], PATHS[name][0], "timeout_before_accept", seconds=1.0)
    with pytest.raises(AmbiguousResult):
        connector.place(order("lost2"))
    with pytest.raises(OrderNotFound):
        connector.order(BTC, client_order_id="lost2")


@pytest.mark.parametrize("kind", ["refuse", "error_503", "close_after_accept", "half_json"])
def test_read_survives_two_failures(connect: Connect, name: str, paper_venue: PaperVenueControl, kind: str) -> None:
    connector = connect()
    paper_venue.faults(FACES[name], PATHS[name][1], kind, count=1 if kind == "half_json" else 2)
    assert connector.balances()


def test_shifted_venue_clock_is_followed(connect: Connect, name: str, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    connector.balances()
    for skew_ms in (-30_000, 30_000):
        paper_venue.faults(FACES[name], "", "clock_skew", skew_ms=skew_ms)
        assert connector.balances()
        connector.place(order(f"skew{abs(skew_ms)}{'a' if skew_ms < 0 else 'b'}"))
        assert abs(connector.now_ms() - time.time() * 1000 - skew_ms) < 1000
    paper_venue.clear_faults()
    assert connector.balances()


def test_an_order_refused_for_its_time_is_not_sent_again(
    connect: Connect, name: str, paper_venue: PaperVenueControl
) -> None:
    connector = connect()
    connector.balances()
    paper_venue.faults(FACES[name], "", "clock_skew", skew_ms=-30_000)
    with pytest.raises(Unavailable):
        connector.place(order("early1"))
    with pytest.raises(OrderNotFound):
        connector.order(BTC, client_order_id="early1")
    connector.place(order("early2"))


def _repeat_price(venue: PaperVenueControl, price: float, *, until: Callable[[], bool]) -> None:
    """A subscription takes effect some time after it was sent: tell the price until it is heard."""

    def told() -> bool:
        venue.price(ETH, price)
        return until()

    eventually(told)


def test_streams_tell_ticks_orders_fills_and_positions(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    heard: dict[str, list[Any]] = {name: [] for name in ("tick", "ticker", "order", "fill", "position")}
    up = threading.Semaphore(0)
    events = StreamEvents(
        on_ticks=heard["tick"].extend,
        on_tickers=heard["ticker"].extend,
        on_order=heard["order"].append,
        on_fill=heard["fill"].append,
        on_position=lambda leg, symbol: heard["position"].append((leg, symbol)),
        on_connected=up.release,
    )
    # Prices come over a connector without a key in the product too.
    streams = [connect().public_stream([BTC], events), connector.private_stream(events)]
    for stream in streams:
        stream.start()
    try:
        assert up.acquire(timeout=20)
        assert up.acquire(timeout=20)
        paper_venue.price(BTC, 60100)
        eventually(lambda: any(tick.symbol == BTC and tick.price == 60100 for tick in heard["tick"]))
        streams[0].add([ETH])
        _repeat_price(paper_venue, 3100, until=lambda: any(tick.symbol == ETH for tick in heard["tick"]))
        connector.place(order("stream1"))
        eventually(lambda: any(fill.client_order_id == "stream1" for fill in heard["fill"]))
        eventually(lambda: any(o.client_order_id == "stream1" and o.status == "filled" for o in heard["order"]))
        eventually(lambda: any(leg and leg.quantity == Decimal("0.01") for leg, _ in heard["position"]))
        stop = order("stream2", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(59000))
        connector.place(msgspec.structs.replace(stop, is_reduce_only=True))
        eventually(lambda: any(o.client_order_id == "stream2" and o.status == "accepted" for o in heard["order"]))
        paper_venue.price(BTC, 58990)
        eventually(lambda: any(fill.client_order_id == "stream2" for fill in heard["fill"]))
        eventually(lambda: heard["position"][-1] == (None, BTC))
        eventually(lambda: len(heard["ticker"]) > 0, within_s=20)
    finally:
        for stream in streams:
            stream.stop()
    by_rest = {fill.venue_trade_id: fill for fill in connector.fills(BTC)}
    for fill in heard["fill"]:
        assert by_rest[fill.venue_trade_id] == fill


def test_account_stream_with_a_wrong_key_gives_up(connect: Connect) -> None:
    connector = connect()
    connector.client.apiKey = "nobody"
    reasons: list[str] = []
    stream = connector.private_stream(StreamEvents(on_disconnected=reasons.append))
    stream.start()
    eventually(lambda: stream.failure is not None)
    stream.stop()
    assert isinstance(stream.failure, AuthFailed)
    assert reasons
    assert not stream.is_connected


def test_rate_limit_of_the_venue_is_told_and_kept(connect: Connect, name: str, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    paper_venue.faults(FACES[name], PATHS[name][1], "rate_limit_429", retry_after_s=1)
    with pytest.raises(RateLimited) as caught:
        connector.balances()
    assert caught.value.retry_at is not None
    started = time.monotonic()
    assert connector.balances()
    assert time.monotonic() - started > 0.5


def test_lost_poll_is_told_and_comes_back_with_its_symbols(
    connect: Connect, name: str, paper_venue: PaperVenueControl
) -> None:
    connector = connect(timeout_s=0.5)
    prices: list[float] = []
    ups, downs = threading.Semaphore(0), threading.Semaphore(0)
    events = StreamEvents(
        on_ticks=lambda ticks: prices.extend(tick.price for tick in ticks if tick.symbol == ETH),
        on_connected=ups.release,
        on_disconnected=lambda reason: downs.release(),
    )
    stream = connector.public_stream([BTC], events)
    assert stream.last_message_age_s() is None
    stream.start()
    try:
        assert ups.acquire(timeout=20)
        stream.add([ETH])
        paper_venue.faults(FACES[name], TICKERS[name], "error_503", count=None)
        assert downs.acquire(timeout=20)
        eventually(lambda: not stream.is_connected)
        age_s = stream.last_message_age_s()
        time.sleep(0.3)
        assert (stream.last_message_age_s() or 0) > (age_s or 0) > 0
        paper_venue.clear_faults()
        assert ups.acquire(timeout=20)
        eventually(lambda: stream.is_connected)
        _repeat_price(paper_venue, 3200, until=lambda: 3200.0 in prices)
    finally:
        stream.stop()
    assert not stream.is_connected


def test_a_body_cut_short_is_not_an_empty_account(connect: Connect, name: str, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    connector.place(order("held1"))
    paper_venue.faults(FACES[name], POSITIONS[name], "half_json", count=None)
    with pytest.raises(Unavailable):
        connector.positions()
