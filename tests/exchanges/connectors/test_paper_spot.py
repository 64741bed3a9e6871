"""A whole life of each spot connector against the paper venue: real sockets, signed requests, both streams."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials, StreamEvents, Target
from apps.exchanges.connectors.registry import CONNECTORS, connector_create
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import AmbiguousResult, AuthFailed, ExchangeError, OrderNotFound, Rejected, Unsupported
from cts.domain.types import (
    Balance,
    Environment,
    Market,
    OrderAck,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Tick,
    TimeInForce,
    VenueFill,
    VenueOrder,
)
from cts.domain.venue import AmendRequest, BookTop, CancelRequest, Channel, Trade
from tests.exchanges.connectors.test_paper import eventually
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC, ETH, PERPETUAL = "BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"
# Where orders at market have no upper bound of quantity that is theirs: it is one of cost, or that of all orders.
NO_MARKET_BOUND = {"bingx", "okx", "orangex", "pionex"}


@pytest.fixture(params=sorted(name for name, kinds in CONNECTORS.items() if Market.SPOT in kinds))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def keys(exchange: str, paper_venue: PaperVenueControl) -> Credentials:
    return paper_venue.account(exchange)


@pytest.fixture
def spot(exchange: str, keys: Credentials, paper_venue: PaperVenueControl) -> Iterator[RestConnector]:
    connector = _connected(exchange, keys, paper_venue)
    yield connector
    connector.close()


def _connected(
    exchange: str, keys: Credentials, venue: PaperVenueControl, *, market: Market = Market.SPOT, timeout_s: float = 5.0
) -> RestConnector:
    target = Target(environment=Environment.PAPER, market=market, paper_url=venue.url, timeout_s=timeout_s)
    connector = connector_create(exchange, credentials=keys, target=target)
    assert isinstance(connector, RestConnector)
    return connector


def order(client_id: str, order_type: OrderType = OrderType.MARKET, **changes: Any) -> OrderRequest:
    wanted = OrderRequest(
        client_order_id=client_id, symbol=BTC, side=Side.BUY, order_type=order_type, quantity=Decimal("0.01")
    )
    return msgspec.structs.replace(wanted, **changes)


def held(connector: RestConnector) -> dict[str, Balance]:
    return {balance.asset: balance for balance in connector.balances()}


def test_market_data_is_whole(spot: RestConnector, exchange: str) -> None:
    rules = {instrument.symbol: instrument for instrument in spot.instruments()}
    assert set(rules) >= {BTC, ETH}
    assert not any(":" in symbol for symbol in rules)
    coin = rules[BTC]
    assert (coin.market, coin.base, coin.quote, coin.max_leverage) == (Market.SPOT, "BTC", "USDT", 1)
    assert coin.lot_step <= Decimal("0.01")
    # OKX knows a least size alone.
    assert coin.min_notional == (None if exchange == "okx" else 5)
    assert (coin.max_market_quantity is None) == (exchange in NO_MARKET_BOUND)
    tickers = {ticker.symbol: ticker for ticker in spot.tickers([BTC, ETH])}
    assert set(tickers) == {BTC, ETH}
    (btc,) = spot.tickers([BTC])
    assert btc.last == 60000
    assert btc.funding_rate is None
    assert btc.bid is not None
    assert btc.ask is not None
    assert btc.bid <= btc.last <= btc.ask
    candles = spot.candles(BTC, timeframe_s=60, limit=spot.spec.candles_max + 3)
    assert len(candles) == spot.spec.candles_max + 3
    assert candles[-1].close == 60000


def test_a_buy_and_a_sell_at_market_change_both_assets(spot: RestConnector) -> None:
    ack = spot.place(order("buy1"))
    bought = spot.order(BTC, client_order_id="buy1")
    assert (bought.status, bought.filled_quantity, bought.quantity) == (
        OrderStatus.FILLED,
        Decimal("0.01"),
        Decimal("0.01"),
    )
    assert (bought.venue_order_id, bought.order_type) == (ack.venue_order_id, OrderType.MARKET)
    (fill,) = spot.fills(BTC)
    assert (fill.client_order_id, fill.quantity, fill.side, fill.fee_asset) == (
        "buy1",
        Decimal("0.01"),
        Side.BUY,
        "BTC",
    )
    assert bought.average_price == fill.price
    balances = held(spot)
    assert balances["BTC"].total == Decimal("0.01") - fill.fee
    assert balances["USDT"].total == 10_000 - fill.price * fill.quantity
    spot.place(order("sell1", side=Side.SELL, quantity=Decimal("0.009")))
    sold = spot.fills(BTC)[1]
    assert (sold.client_order_id, sold.fee_asset, sold.position_side) == ("sell1", "USDT", None)
    after = held(spot)
    assert after["USDT"].total == balances["USDT"].total + sold.price * sold.quantity - sold.fee
    assert after["BTC"].total == balances["BTC"].total - sold.quantity
    assert spot.positions() == []


def test_resting_orders_set_their_money_aside_until_canceled(spot: RestConnector) -> None:
    spot.place(order("buy1"))
    force = TimeInForce.POST_ONLY if spot.spec.can(Capability.POST_ONLY) else TimeInForce.GTC
    spot.place(order("bid1", OrderType.LIMIT, price=Decimal(50000), time_in_force=force))
    spot.place(order("ask1", OrderType.LIMIT, side=Side.SELL, price=Decimal(65000), quantity=Decimal("0.005")))
    balances = held(spot)
    assert balances["USDT"].total - balances["USDT"].available == 500
    assert balances["BTC"].total - balances["BTC"].available == Decimal("0.005")
    resting = {found.client_order_id: found for found in spot.open_orders(BTC)}
    assert set(resting) == {"bid1", "ask1"}
    assert (resting["bid1"].price, resting["bid1"].status) == (Decimal(50000), OrderStatus.ACCEPTED)
    assert resting["bid1"].order_type is resting["ask1"].order_type is OrderType.LIMIT
    assert {found.client_order_id for found in spot.open_orders()} == {"bid1", "ask1"}
    spot.cancel(BTC, client_order_id="bid1")
    assert spot.order(BTC, client_order_id="bid1").status is OrderStatus.CANCELED
    with pytest.raises(OrderNotFound):
        spot.cancel(BTC, client_order_id="bid1")
    spot.cancel_all(BTC)
    assert spot.open_orders(BTC) == []
    after = held(spot)
    assert after["USDT"].total == after["USDT"].available
    assert after["BTC"].total == after["BTC"].available


@pytest.mark.parametrize(
    ("kind", "trigger", "price"),
    [(OrderType.STOP_MARKET, 59000, 58990), (OrderType.TAKE_PROFIT_MARKET, 61000, 61010)],
)
def test_conditional_sell_waits_triggers_and_is_told_under_its_own_id(
    spot: RestConnector, paper_venue: PaperVenueControl, kind: OrderType, trigger: int, price: int
) -> None:
    spot.place(order("buy2"))
    stop = order("stop2", kind, side=Side.SELL, trigger_price=Decimal(trigger), quantity=Decimal("0.009"))
    if not spot.spec.can(Capability.CONDITIONAL):
        with pytest.raises(Unsupported):
            spot.place(stop)
        return
    spot.place(stop)
    (waiting,) = spot.open_orders(BTC)
    assert (waiting.client_order_id, waiting.order_type, waiting.trigger_price) == ("stop2", kind, Decimal(trigger))
    assert spot.order(BTC, client_order_id="stop2", is_conditional=True) == waiting
    paper_venue.price(PERPETUAL, price)
    fired = spot.order(BTC, client_order_id="stop2", is_conditional=True)
    assert (fired.status, fired.filled_quantity, fired.order_type) == (OrderStatus.FILLED, Decimal("0.009"), kind)
    assert [fill.client_order_id for fill in spot.fills(BTC)] == ["buy2", "stop2"]
    assert spot.open_orders() == []


def test_conditional_orders_are_canceled_one_by_one_and_all_at_once(spot: RestConnector) -> None:
    if not spot.spec.can(Capability.CONDITIONAL):
        with pytest.raises(Unsupported):
            spot.cancel(BTC, client_order_id="stop3", is_conditional=True)
        return
    spot.place(order("buy3"))
    stop = order("stop3", OrderType.STOP_MARKET, side=Side.SELL, quantity=Decimal("0.004"))
    for client_id in ("stop3", "stop4"):
        spot.place(msgspec.structs.replace(stop, client_order_id=client_id, trigger_price=Decimal(50000)))
    spot.cancel(BTC, client_order_id="stop3", is_conditional=True)
    assert spot.order(BTC, client_order_id="stop3", is_conditional=True).status is OrderStatus.CANCELED
    spot.place(order("bid3", OrderType.LIMIT, price=Decimal(50000)))
    spot.cancel_all(BTC)
    assert spot.open_orders(BTC) == []


def test_more_than_is_held_is_rejected(spot: RestConnector) -> None:
    for wanted in (order("big1", quantity=Decimal(1)), order("short1", side=Side.SELL)):
        with pytest.raises(Rejected):
            spot.place(wanted)
    with pytest.raises(Unsupported):
        spot.place(order("reduce1", side=Side.SELL, is_reduce_only=True))


def test_duplicate_client_id_is_ambiguous_and_unknown_orders_are_not_found(spot: RestConnector) -> None:
    wanted = order("twice", OrderType.LIMIT, price=Decimal(50000))
    spot.place(wanted)
    if spot.spec.can(Capability.REFUSES_DUPLICATE_CLIENT_ID):
        with pytest.raises(AmbiguousResult):
            spot.place(wanted)
    assert len(spot.open_orders(BTC)) == 1
    for is_conditional in {False, spot.spec.can(Capability.CONDITIONAL)}:
        with pytest.raises(OrderNotFound):
            spot.order(BTC, client_order_id="nosuch", is_conditional=is_conditional)


def test_order_whose_answer_was_lost_is_there(exchange: str, keys: Credentials, paper_venue: PaperVenueControl) -> None:
    spot = _connected(exchange, keys, paper_venue, timeout_s=0.5)
    spot.balances()
    path = spot._order_call(order("lost1"))[0].path
    paper_venue.faults(exchange, path, "timeout_after_accept", seconds=1.0)
    with pytest.raises(AmbiguousResult):
        spot.place(order("lost1"))
    assert spot.order(BTC, client_order_id="lost1").status is OrderStatus.FILLED
    assert len(spot.fills(BTC)) == 1


def test_amendments_are_done_or_refused_by_name(spot: RestConnector) -> None:
    spot.place(order("amend1", OrderType.LIMIT, price=Decimal(50000)))
    wanted = AmendRequest(symbol=BTC, client_order_id="amend1", price=Decimal(51000), quantity=Decimal("0.02"))
    if not spot.spec.can(Capability.AMEND_PRICE):
        with pytest.raises(Unsupported):
            spot.amend(wanted)
        return
    spot.amend(wanted)
    (resting,) = spot.open_orders(BTC)
    assert (resting.price, resting.quantity) == (Decimal(51000), Decimal("0.02"))


def test_many_orders_have_an_outcome_each(spot: RestConnector) -> None:
    bid = order("many", OrderType.LIMIT, quantity=Decimal("0.004"))
    wanted = [
        msgspec.structs.replace(bid, client_order_id=f"many{n}", price=Decimal(50000 + n))
        for n in range(spot.spec.batch_max + 2)
    ]
    wanted[1] = msgspec.structs.replace(wanted[1], quantity=Decimal(50))
    outcomes = spot.place_many(wanted)
    assert [type(outcome) for outcome in outcomes] == [OrderAck, Rejected, *[OrderAck] * (len(wanted) - 2)]
    cancels = [CancelRequest(symbol=BTC, client_order_id=one.client_order_id) for one in wanted]
    done: list[ExchangeError | None] = spot.cancel_many(cancels)
    assert [type(outcome) for outcome in done] == [type(None), OrderNotFound, *[type(None)] * (len(wanted) - 2)]
    assert spot.open_orders() == []


def test_key_may_trade_and_not_withdraw(spot: RestConnector) -> None:
    if not spot.spec.can(Capability.KEY_RIGHTS):
        with pytest.raises(Unsupported):
            spot.key_rights()
        return
    rights = spot.key_rights()
    assert (rights.can_trade, rights.can_withdraw) == (True, False)


def test_spot_and_perpetuals_of_one_account_do_not_see_each_others_orders(
    exchange: str, keys: Credentials, spot: RestConnector, paper_venue: PaperVenueControl
) -> None:
    linear = _connected(exchange, keys, paper_venue, market=Market.LINEAR)
    bid = order("both1", OrderType.LIMIT, price=Decimal(50000))
    spot.place(bid)
    linear.place(msgspec.structs.replace(bid, client_order_id="both2", symbol=PERPETUAL, quantity=Decimal("0.02")))
    assert [found.client_order_id for found in spot.open_orders()] == ["both1"]
    assert [found.client_order_id for found in linear.open_orders()] == ["both2"]
    spot.place(order("both3"))
    assert linear.fills(PERPETUAL) == []
    linear.cancel_all(PERPETUAL)
    assert [found.client_order_id for found in spot.open_orders()] == ["both1"]
    linear.close()


def test_wrong_secret_is_refused(exchange: str, keys: Credentials, paper_venue: PaperVenueControl) -> None:
    wrong = _connected(exchange, Credentials(api_key=keys.api_key, api_secret="wrong"), paper_venue)
    with pytest.raises(AuthFailed):
        wrong.balances()
    stream = wrong.private_stream(StreamEvents())
    stream.start()
    eventually(lambda: stream.failure is not None)
    stream.stop()
    assert isinstance(stream.failure, AuthFailed)


def test_streams_tell_ticks_trades_orders_fills_and_balances(
    spot: RestConnector, paper_venue: PaperVenueControl
) -> None:
    ticks: list[Tick] = []
    trades: list[Trade] = []
    tops: list[BookTop] = []
    candles: list[Any] = []
    orders: list[VenueOrder] = []
    fills: list[VenueFill] = []
    balances: list[Balance] = []
    ups: list[bool] = []
    events = StreamEvents(
        on_ticks=ticks.extend,
        on_trades=trades.extend,
        on_book_top=tops.append,
        on_candle=lambda *told: candles.append(told),
        on_order=orders.append,
        on_fill=fills.append,
        on_balance=balances.append,
        on_connected=lambda: ups.append(True),
    )
    streams = [spot.public_stream([BTC], events, channels=spot.spec.channels), spot.private_stream(events)]
    for stream in streams:
        stream.start()
    try:
        eventually(lambda: len(ups) >= 2)
        price = 60_000.0

        def moved(claim: Callable[[], object]) -> bool:
            nonlocal price
            price += 10
            paper_venue.price(PERPETUAL, price)
            time.sleep(0.05)
            return bool(claim())

        eventually(
            lambda: moved(lambda: ticks and trades and tops and (candles or Channel.CANDLES not in spot.spec.channels)),
            within_s=10,
        )
        spot.place(order("stream1"))
        eventually(lambda: any(fill.client_order_id == "stream1" for fill in fills))
        eventually(lambda: any((o.client_order_id, o.status) == ("stream1", "filled") for o in orders))
        now = held(spot)
        for asset in ("BTC", "USDT"):
            eventually(lambda asset=asset: any((b.asset, b.total) == (asset, now[asset].total) for b in balances))  # type: ignore[misc]
        if spot.spec.can(Capability.CONDITIONAL):
            stop = order("stream2", OrderType.STOP_MARKET, side=Side.SELL, quantity=Decimal("0.005"))
            spot.place(msgspec.structs.replace(stop, trigger_price=Decimal(59000)))
            eventually(lambda: any((o.client_order_id, o.status) == ("stream2", "accepted") for o in orders))
            paper_venue.price(PERPETUAL, 58990)
            eventually(lambda: any(fill.client_order_id == "stream2" for fill in fills))
        spot.place(order("stream3", OrderType.LIMIT, price=Decimal(50000)))
        spot.cancel(BTC, client_order_id="stream3")
        eventually(lambda: any((o.client_order_id, o.status) == ("stream3", "canceled") for o in orders))
    finally:
        for stream in streams:
            stream.stop()
    assert (
        {tick.symbol for tick in ticks} == {trade.symbol for trade in trades} == {top.symbol for top in tops} == {BTC}
    )
    assert all(tick.bid <= tick.ask and tick.at_ms > 0 for tick in ticks)
    by_rest = {fill.venue_trade_id: fill for fill in spot.fills(BTC)}
    assert all(by_rest[fill.venue_trade_id] == fill for fill in fills)
