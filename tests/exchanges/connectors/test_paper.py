"""A whole life of each connector against the paper venue: real sockets, signed requests, both streams."""

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import StreamEvents, Target
from apps.exchanges.connectors.registry import CONNECTORS, EXCHANGES, connector_create
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import AmbiguousResult, AuthFailed, OrderNotFound, RateLimited, Rejected, Unsupported
from cts.domain.types import (
    Environment,
    MarginMode,
    Market,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)
from tests.paper_fixtures import PaperVenueControl, Spendthrift

pytestmark = pytest.mark.wire
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
Connect = Callable[..., RestConnector]


@pytest.fixture(params=sorted(name for name, kinds in CONNECTORS.items() if Market.LINEAR in kinds))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(exchange: str, paper_venue: PaperVenueControl) -> Iterator[Connect]:
    made: list[RestConnector] = []

    def _connect(mode: PositionMode = PositionMode.HEDGE, **options: Any) -> RestConnector:
        spec = EXCHANGES[exchange]
        given = None if spec.can(Capability.POSITION_MODE_SET) else mode
        credentials = options.get("credentials") or paper_venue.account(exchange, position_mode=given)
        target = Target(
            environment=Environment.PAPER,
            market=Market.LINEAR,
            position_mode=mode,
            paper_url=paper_venue.url,
            timeout_s=options.get("timeout_s", 5.0),
        )
        connector = connector_create(exchange, credentials=credentials, target=target, limiter=Spendthrift())
        assert isinstance(connector, RestConnector)
        if options.get("is_set_up", True):
            connector.set_position_mode(mode)
        made.append(connector)
        return connector

    yield _connect
    for connector in made:
        connector.close()


def order(client_id: str, order_type: OrderType = OrderType.MARKET, **changes: Any) -> OrderRequest:
    wanted = OrderRequest(
        client_order_id=client_id, symbol=BTC, side=Side.BUY, order_type=order_type, quantity=Decimal("0.01")
    )
    return msgspec.structs.replace(wanted, **changes)


def refuses_stops(connector: RestConnector) -> bool:
    """Whether the venue has no conditional orders; then one is refused, and nothing of it is there."""
    if connector.spec.can(Capability.CONDITIONAL):
        return False
    with pytest.raises(Unsupported):
        connector.place(order("nostop", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000)))
    assert connector.open_orders(BTC) == []
    return True


def eventually(claim: Callable[[], object], *, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_market_data_is_whole(connect: Connect) -> None:
    connector = connect()
    symbols = {instrument.symbol: instrument for instrument in connector.instruments()}
    assert set(symbols) >= {BTC, ETH}
    assert symbols[BTC].tick_size > 0
    assert symbols[BTC].lot_step <= Decimal("0.01")
    tickers = {ticker.symbol: ticker for ticker in connector.tickers([BTC, ETH])}
    assert set(tickers) == {BTC, ETH}
    bid, last, ask = tickers[BTC].bid, tickers[BTC].last, tickers[BTC].ask
    assert last == 60000
    assert bid is not None
    assert ask is not None
    assert bid <= last <= ask
    assert abs(connector.server_time_ms() / 1000 - time.time()) < 60
    skew = connector.clock.skew_s
    assert skew is not None
    assert abs(skew) < 1


def test_candles_are_ascending_gapless_and_paged(connect: Connect) -> None:
    connector = connect()
    count = connector.spec.candles_max + 7
    candles = connector.candles(BTC, timeframe_s=60, limit=count)
    opens = [candle.open_ms for candle in candles]
    assert len(candles) == count
    assert opens == list(range(opens[0], opens[-1] + 1, 60_000))
    assert [candle.is_closed for candle in candles[-3:]] == [True, True, False]


def test_modes_and_leverage_can_be_set_twice(connect: Connect) -> None:
    connector = connect(PositionMode.HEDGE)
    for _ in range(2):
        connector.set_position_mode(PositionMode.HEDGE)
        connector.set_margin_mode(BTC, margin_mode=MarginMode.CROSS, leverage=5)
        connector.set_leverage(BTC, leverage=5, margin_mode=MarginMode.CROSS)
    assert connector.position_mode() is PositionMode.HEDGE
    if not connector.spec.can(Capability.POSITION_MODE_SET):
        with pytest.raises(Unsupported, match="position mode"):
            connector.set_position_mode(PositionMode.ONE_WAY)
        return
    connector.set_position_mode(PositionMode.ONE_WAY)
    assert connector.position_mode() is PositionMode.ONE_WAY


@pytest.mark.parametrize("mode", PositionMode)
def test_market_order_becomes_a_fill_and_a_position_and_is_closed(connect: Connect, mode: PositionMode) -> None:
    connector = connect(mode)
    ack = connector.place(order("entry1"))
    filled = connector.order(BTC, client_order_id="entry1")
    assert (filled.status, filled.filled_quantity) == (OrderStatus.FILLED, Decimal("0.01"))
    assert filled.venue_order_id == ack.venue_order_id
    (fill,) = connector.fills(BTC)
    assert (fill.client_order_id, fill.quantity, fill.side) == ("entry1", Decimal("0.01"), Side.BUY)
    assert fill.fee > 0
    (leg,) = connector.positions()
    assert (leg.symbol, leg.side, leg.quantity) == (BTC, PositionSide.LONG, Decimal("0.01"))
    assert leg.entry_price == fill.price
    connector.place(order("exit1", side=Side.SELL, is_reduce_only=True))
    assert connector.positions() == []
    assert [fill.client_order_id for fill in connector.fills(BTC)] == ["entry1", "exit1"]
    (usdt,) = [balance for balance in connector.balances() if balance.asset == "USDT"]
    spent = sum(fill.fee + fill.side.sign * fill.price * fill.quantity for fill in connector.fills(BTC))
    assert usdt.total == 10000 - spent
    assert usdt.available == usdt.equity == usdt.total


def test_hedge_legs_live_side_by_side(connect: Connect) -> None:
    connector = connect(PositionMode.HEDGE)
    connector.place(order("long1"))
    connector.place(order("short1", side=Side.SELL, position_side=PositionSide.SHORT, quantity=Decimal("0.02")))
    legs = {leg.side: leg.quantity for leg in connector.positions()}
    assert legs == {PositionSide.LONG: Decimal("0.01"), PositionSide.SHORT: Decimal("0.02")}
    assert [fill.position_side for fill in connector.fills(BTC)] == [PositionSide.LONG, PositionSide.SHORT]


def test_limit_order_rests_is_found_and_is_canceled(connect: Connect) -> None:
    connector = connect()
    wanted = order("limit1", OrderType.LIMIT, price=Decimal(50000), time_in_force=TimeInForce.POST_ONLY)
    connector.place(wanted)
    (resting,) = connector.open_orders(BTC)
    assert (resting.client_order_id, resting.status, resting.price) == ("limit1", OrderStatus.ACCEPTED, Decimal(50000))
    assert resting.order_type is OrderType.LIMIT
    assert connector.open_orders() == [resting]
    connector.cancel(BTC, client_order_id="limit1")
    # A cancel is asked for; a venue may take a while to show it.
    eventually(lambda: connector.order(BTC, client_order_id="limit1").status is OrderStatus.CANCELED)
    assert connector.open_orders(BTC) == []
    with pytest.raises(OrderNotFound):
        connector.cancel(BTC, client_order_id="limit1")


def test_stop_waits_triggers_and_is_told_under_its_own_id(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    if refuses_stops(connector):
        return
    connector.place(order("entry2"))
    stop = order("stop2", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(59000), is_reduce_only=True)
    connector.place(stop)
    (waiting,) = connector.open_orders(BTC)
    assert (waiting.client_order_id, waiting.order_type) == ("stop2", OrderType.STOP_MARKET)
    assert (waiting.trigger_price, waiting.side) == (Decimal(59000), Side.SELL)
    paper_venue.price(BTC, 58990)
    eventually(lambda: connector.order(BTC, client_order_id="stop2", is_conditional=True).status.is_final)
    fired = connector.order(BTC, client_order_id="stop2", is_conditional=True)
    assert (fired.status, fired.filled_quantity) == (OrderStatus.FILLED, Decimal("0.01"))
    assert fired.order_type is OrderType.STOP_MARKET
    assert connector.positions() == []
    assert [fill.client_order_id for fill in connector.fills(BTC)] == ["entry2", "stop2"]
    assert {fill.client_order_id for fill in connector.fills(BTC, venue_order_id=fired.venue_order_id)} == {"stop2"}


def test_take_profit_of_a_short_triggers_when_the_price_falls(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    if refuses_stops(connector):
        return
    connector.place(order("entry3", side=Side.SELL, position_side=PositionSide.SHORT))
    target = order("target3", OrderType.TAKE_PROFIT_MARKET, position_side=PositionSide.SHORT, is_reduce_only=True)
    connector.place(msgspec.structs.replace(target, trigger_price=Decimal(58000)))
    (waiting,) = connector.open_orders(BTC)
    assert waiting.order_type is OrderType.TAKE_PROFIT_MARKET
    paper_venue.price(BTC, 57990)
    eventually(
        lambda: connector.order(BTC, client_order_id="target3", is_conditional=True).status is OrderStatus.FILLED
    )


def test_conditional_order_is_canceled_by_its_client_id(connect: Connect) -> None:
    connector = connect()
    if refuses_stops(connector):
        return
    connector.place(order("stop4", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000)))
    connector.cancel(BTC, client_order_id="stop4", is_conditional=True)
    eventually(
        lambda: connector.order(BTC, client_order_id="stop4", is_conditional=True).status is OrderStatus.CANCELED
    )


def test_cancel_all_takes_conditional_orders_too(connect: Connect) -> None:
    connector = connect()
    other = order("stop5", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000))
    if refuses_stops(connector):
        other = order("limit6", OrderType.LIMIT, price=Decimal(50001))
    connector.place(order("limit5", OrderType.LIMIT, price=Decimal(50000)))
    connector.place(other)
    assert len(connector.open_orders(BTC)) == 2
    connector.cancel_all(BTC)
    assert connector.open_orders(BTC) == []


def test_unknown_order_is_not_found(connect: Connect) -> None:
    connector = connect()
    for is_conditional in (False, True):
        has_kind = not is_conditional or connector.spec.can(Capability.CONDITIONAL)
        with pytest.raises(OrderNotFound if has_kind else Unsupported):
            connector.order(BTC, client_order_id="nosuch", is_conditional=is_conditional)


def test_duplicate_client_id_is_ambiguous_and_makes_no_second_order_where_the_venue_notices(connect: Connect) -> None:
    connector = connect()
    wanted = order("twice", OrderType.LIMIT, price=Decimal(50000))
    connector.place(wanted)
    if not connector.spec.can(Capability.REFUSES_DUPLICATE_CLIENT_ID):
        connector.place(wanted)
        assert [order.client_order_id for order in connector.open_orders(BTC)] == ["twice", "twice"]
        return
    with pytest.raises(AmbiguousResult):
        connector.place(wanted)
    assert len(connector.open_orders(BTC)) == 1


def test_order_beyond_the_balance_is_rejected(connect: Connect) -> None:
    with pytest.raises(Rejected):
        connect().place(order("toobig", quantity=Decimal(100)))


def test_wrong_secret_is_refused(connect: Connect, exchange: str, paper_venue: PaperVenueControl) -> None:
    good = paper_venue.account(exchange)
    with pytest.raises(AuthFailed):
        connect(credentials=msgspec.structs.replace(good, api_secret="wrong"))


PATHS = {
    "bybit": ("/v5/order/create", "/v5/account/wallet-balance"),
    "binance": ("/fapi/v1/order", "/fapi/v3/balance"),
    "bingx": ("/openApi/swap/v2/trade/order", "/openApi/swap/v3/user/balance"),
    "okx": ("/api/v5/trade/order", "/api/v5/account/balance"),
    "orangex": ("/api/v1/private/buy", "/api/v1/private/get_assets_info"),
    "pionex": ("/uapi/v1/trade/order", "/uapi/v1/account/detail"),
}


@pytest.mark.parametrize("kind", ["timeout_after_accept", "close_after_accept", "half_json", "error_500", "error_502"])
def test_answer_lost_after_acceptance_is_ambiguous_and_the_order_is_there(
    connect: Connect, exchange: str, paper_venue: PaperVenueControl, kind: str
) -> None:
    connector = connect(timeout_s=0.5)
    connector.balances()
    paper_venue.faults(exchange, PATHS[exchange][0], kind, is_accepted=True, seconds=1.0)
    with pytest.raises(AmbiguousResult):
        connector.place(order("lost1"))
    assert connector.order(BTC, client_order_id="lost1").status is OrderStatus.FILLED
    assert len(connector.fills(BTC)) == 1


def test_order_lost_before_acceptance_is_ambiguous_too_and_not_found(
    connect: Connect, exchange: str, paper_venue: PaperVenueControl
) -> None:
    connector = connect(timeout_s=0.5)
    connector.balances()
    paper_venue.faults(exchange, PATHS[exchange][0], "timeout_before_accept", seconds=1.0)
    with pytest.raises(AmbiguousResult):
        connector.place(order("lost2"))
    with pytest.raises(OrderNotFound):
        connector.order(BTC, client_order_id="lost2")


@pytest.mark.parametrize("kind", ["refuse", "error_503", "close_after_accept", "half_json"])
def test_read_survives_two_failures(connect: Connect, exchange: str, paper_venue: PaperVenueControl, kind: str) -> None:
    connector = connect()
    paper_venue.faults(exchange, PATHS[exchange][1], kind, count=1 if kind == "half_json" else 2)
    assert connector.balances()


def test_shifted_venue_clock_is_followed(connect: Connect, exchange: str, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    connector.balances()
    for skew_ms in (-40_000, 40_000):
        paper_venue.faults(exchange, "", "clock_skew", skew_ms=skew_ms)
        assert connector.balances()
        connector.place(order(f"skew{abs(skew_ms)}{'a' if skew_ms < 0 else 'b'}"))
        skew = connector.clock.skew_s
        assert skew is not None
        assert abs(skew + skew_ms / 1000) < 1
    paper_venue.clear_faults()
    assert connector.balances()


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
    streams = [connector.public_stream([BTC], events), connector.private_stream(events)]
    for stream in streams:
        stream.start()
    try:
        assert up.acquire(timeout=5)
        assert up.acquire(timeout=5)
        paper_venue.price(BTC, 60100)
        eventually(lambda: any(tick.symbol == BTC and tick.price == 60100 for tick in heard["tick"]))
        streams[0].add([ETH])
        _repeat_price(paper_venue, 3100, until=lambda: any(tick.symbol == ETH for tick in heard["tick"]))
        connector.place(order("stream1"))
        eventually(lambda: any(fill.client_order_id == "stream1" for fill in heard["fill"]))
        eventually(lambda: any(o.client_order_id == "stream1" and o.status == "filled" for o in heard["order"]))
        eventually(lambda: any(leg and leg.quantity == Decimal("0.01") for leg, _ in heard["position"]))
        leaving = order("stream2", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(59000))
        if refuses_stops(connector):
            leaving = order("stream2", side=Side.SELL)
        connector.place(msgspec.structs.replace(leaving, is_reduce_only=True))
        eventually(lambda: any(o.client_order_id == "stream2" and o.status == "accepted" for o in heard["order"]))
        paper_venue.price(BTC, 58990)
        eventually(lambda: any(fill.client_order_id == "stream2" for fill in heard["fill"]))
        eventually(lambda: (None, BTC) in heard["position"][-2:])
        eventually(lambda: len(heard["ticker"]) > 0, within_s=3)
    finally:
        for stream in streams:
            stream.stop()
    by_rest = {fill.venue_trade_id: fill for fill in connector.fills(BTC)}
    for fill in heard["fill"]:
        assert by_rest[fill.venue_trade_id] == fill


def test_stream_login_with_a_wrong_key_gives_up(
    exchange: str, connect: Connect, paper_venue: PaperVenueControl
) -> None:
    nobody = msgspec.structs.replace(paper_venue.account(exchange), api_key="nobody")
    connector = connect(credentials=nobody, is_set_up=False)
    reasons: list[str] = []
    stream = connector.private_stream(StreamEvents(on_disconnected=reasons.append))
    stream.start()
    eventually(lambda: stream.failure is not None)
    stream.stop()
    assert isinstance(stream.failure, AuthFailed)
    assert reasons


def test_rate_limit_of_the_venue_is_told_and_kept(
    connect: Connect, exchange: str, paper_venue: PaperVenueControl
) -> None:
    connector = connect()
    paper_venue.faults(exchange, PATHS[exchange][1], "rate_limit_429", retry_after_s=1)
    with pytest.raises(RateLimited) as caught:
        connector.balances()
    assert caught.value.retry_at is not None
    if caught.value.is_ban:
        with pytest.raises(RateLimited, match="budget"):
            connector.balances()
        return
    started = time.monotonic()
    assert connector.balances()
    assert time.monotonic() - started > 0.5


def test_dropped_socket_comes_back_and_keeps_its_symbols(
    connect: Connect, exchange: str, paper_venue: PaperVenueControl
) -> None:
    connector = connect()
    prices: list[float] = []
    ups, downs = threading.Semaphore(0), threading.Semaphore(0)
    events = StreamEvents(
        on_ticks=lambda ticks: prices.extend(tick.price for tick in ticks if tick.symbol == ETH),
        on_connected=ups.release,
        on_disconnected=lambda reason: downs.release(),
    )
    stream = connector.public_stream([BTC], events)
    stream.start()
    try:
        assert ups.acquire(timeout=5)
        stream.add([ETH])
        paper_venue.faults(exchange, "", "drop_socket")
        assert downs.acquire(timeout=5)
        assert ups.acquire(timeout=5)
        _repeat_price(paper_venue, 3200, until=lambda: 3200.0 in prices)
    finally:
        stream.stop()
