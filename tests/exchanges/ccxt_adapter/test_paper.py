"""A whole life through ccxt's own clients against the paper venue: prices, orders, executions, legs, modes."""

import time
from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest

from apps.exchanges.connectors.ccxt_adapter import trades
from cts.domain.errors import AmbiguousResult, OrderNotFound, Rejected
from cts.domain.types import (
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)
from cts.domain.venue import AmendRequest
from tests.exchanges.ccxt_adapter.conftest import FACES, Connect
from tests.exchanges.ccxt_adapter.life import BTC, ETH, order
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire


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
    assert connector.order(BTC, client_order_id="limit1").status is OrderStatus.CANCELED
    assert connector.open_orders(BTC) == []
    with pytest.raises(OrderNotFound):
        connector.cancel(BTC, client_order_id="limit1")


def test_stop_waits_triggers_and_is_told_under_its_own_id(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    connector.place(order("entry2"))
    stop = order("stop2", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(59000), is_reduce_only=True)
    connector.place(stop)
    (waiting,) = connector.open_orders(BTC)
    assert (waiting.client_order_id, waiting.order_type) == ("stop2", OrderType.STOP_MARKET)
    assert (waiting.trigger_price, waiting.side) == (Decimal(59000), Side.SELL)
    paper_venue.price(BTC, 58990)
    fired = connector.order(BTC, client_order_id="stop2", is_conditional=True)
    assert (fired.status, fired.filled_quantity) == (OrderStatus.FILLED, Decimal("0.01"))
    assert fired.order_type is OrderType.STOP_MARKET
    assert connector.positions() == []
    assert [fill.client_order_id for fill in connector.fills(BTC)] == ["entry2", "stop2"]
    assert {fill.client_order_id for fill in connector.fills(BTC, venue_order_id=fired.venue_order_id)} == {"stop2"}


def test_take_profit_of_a_short_triggers_when_the_price_falls(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    connector.place(order("entry3", side=Side.SELL, position_side=PositionSide.SHORT))
    target = order("target3", OrderType.TAKE_PROFIT_MARKET, position_side=PositionSide.SHORT, is_reduce_only=True)
    connector.place(msgspec.structs.replace(target, trigger_price=Decimal(58000)))
    (waiting,) = connector.open_orders(BTC)
    assert waiting.order_type is OrderType.TAKE_PROFIT_MARKET
    paper_venue.price(BTC, 57990)
    assert connector.order(BTC, client_order_id="target3", is_conditional=True).status is OrderStatus.FILLED


def test_conditional_order_is_canceled_by_its_client_id(connect: Connect) -> None:
    connector = connect()
    connector.place(order("stop4", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000)))
    connector.cancel(BTC, client_order_id="stop4", is_conditional=True)
    assert connector.order(BTC, client_order_id="stop4", is_conditional=True).status is OrderStatus.CANCELED


def test_cancel_all_takes_conditional_orders_too(connect: Connect) -> None:
    connector = connect()
    connector.place(order("limit5", OrderType.LIMIT, price=Decimal(50000)))
    connector.place(order("stop5", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000)))
    assert len(connector.open_orders(BTC)) == 2
    connector.cancel_all(BTC)
    assert connector.open_orders(BTC) == []


def test_amending_moves_a_resting_order_and_refuses_a_final_one(connect: Connect) -> None:
    connector = connect(PositionMode.ONE_WAY)
    connector.place(order("amend1", OrderType.LIMIT, price=Decimal(50000)))
    change = AmendRequest(symbol=BTC, client_order_id="amend1", price=Decimal(51000), quantity=Decimal("0.02"))
    connector.amend(change)
    moved = connector.order(BTC, client_order_id="amend1")
    assert (moved.price, moved.quantity, moved.status) == (Decimal(51000), Decimal("0.02"), OrderStatus.ACCEPTED)
    connector.cancel(BTC, client_order_id="amend1")
    with pytest.raises(OrderNotFound):
        connector.amend(change)


def test_orders_for_now_or_never_do_not_rest(connect: Connect) -> None:
    connector = connect(PositionMode.ONE_WAY)
    far = {"price": Decimal(59000)}
    connector.place(order("ioc1", OrderType.LIMIT, time_in_force=TimeInForce.IOC, **far))
    ended = connector.order(BTC, client_order_id="ioc1")
    assert ended.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    assert ended.filled_quantity == 0
    with suppress(Rejected):  # some venues refuse what they can't fill whole, some end it
        connector.place(order("fok1", OrderType.LIMIT, time_in_force=TimeInForce.FOK, **far))
    assert connector.open_orders(BTC) == []
    assert connector.positions() == []


def test_executions_are_whole_whichever_end_the_pages_begin_at(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connect(PositionMode.ONE_WAY)
    started_ms = connector.now_ms() - 1000
    for number in range(5):
        connector.place(order(f"page{number}"))
    monkeypatch.setattr(trades, "_size", lambda connector: 2)
    fills = connector.fills(BTC, since_ms=started_ms)
    assert [fill.client_order_id for fill in fills] == [f"page{number}" for number in range(5)]


def test_another_process_finds_an_order_by_our_id_alone(
    connect: Connect, paper_venue: PaperVenueControl, name: str
) -> None:
    keys = paper_venue.account(FACES[name])
    first = connect(credentials=keys)
    first.place(order("shared1", OrderType.LIMIT, price=Decimal(50000)))
    first.place(order("shared2"))
    first.place(order("shared3", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000)))
    second = connect(credentials=keys)
    assert second.order(BTC, client_order_id="shared1").status is OrderStatus.ACCEPTED
    assert second.order(BTC, client_order_id="shared2").status is OrderStatus.FILLED
    assert second.order(BTC, client_order_id="shared3", is_conditional=True).order_type is OrderType.STOP_MARKET
    second.cancel(BTC, client_order_id="shared1")
    second.cancel(BTC, client_order_id="shared3", is_conditional=True)
    assert second.open_orders(BTC) == []


def test_funding_is_told(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect(PositionMode.ONE_WAY)
    connector.place(order("fund1"))
    paper_venue.fund()
    (payment,) = connector.funding_payments(since_ms=connector.now_ms() - 60_000)
    assert (payment.symbol, payment.asset) == (BTC, "USDT")
    rates = connector.funding_rates(BTC, limit=5)
    assert [rate.at_ms for rate in rates] == sorted(rate.at_ms for rate in rates)


def test_unknown_order_is_not_found(connect: Connect) -> None:
    connector = connect()
    for is_conditional in (False, True):
        with pytest.raises(OrderNotFound):
            connector.order(BTC, client_order_id="nosuch", is_conditional=is_conditional)


def test_duplicate_client_id_is_ambiguous_and_makes_no_second_order(connect: Connect) -> None:
    connector = connect()
    wanted = order("twice", OrderType.LIMIT, price=Decimal(50000))
    connector.place(wanted)
    with pytest.raises(AmbiguousResult):
        connector.place(wanted)
    assert len(connector.open_orders(BTC)) == 1


def test_order_beyond_the_balance_is_rejected(connect: Connect) -> None:
    with pytest.raises(Rejected):
        connect().place(order("toobig", quantity=Decimal(100)))
