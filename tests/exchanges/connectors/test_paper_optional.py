"""What not every venue has, against the paper venue: done as its capabilities say, or refused by name."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import ExchangeError, OrderNotFound, Rejected, Unsupported
from cts.domain.types import Balance, Candle, OrderAck, OrderStatus, OrderType, Side
from cts.domain.venue import AmendRequest, BookTop, CancelRequest, Channel, Trade
from tests.exchanges.connectors.test_paper import BTC, ETH, Connect, connect, eventually, exchange, order
from tests.paper_fixtures import PaperVenueControl

__all__ = ["connect", "exchange"]  # the fixtures
pytestmark = pytest.mark.wire


def amendment(client_id: str, **terms: Any) -> AmendRequest:
    return AmendRequest(symbol=BTC, client_order_id=client_id, **terms)


@pytest.mark.parametrize(
    ("capability", "terms"),
    [
        (Capability.AMEND_PRICE, {"price": Decimal(51000)}),
        (Capability.AMEND_QUANTITY, {"quantity": Decimal("0.02")}),
        (Capability.AMEND_QUANTITY, {"quantity": Decimal("0.02"), "price": Decimal(51000)}),
    ],
)
def test_resting_order_is_amended_in_place_and_doing_it_twice_is_harmless(
    connect: Connect, capability: Capability, terms: dict[str, Decimal]
) -> None:
    connector = connect()
    ack = connector.place(order("amend1", OrderType.LIMIT, price=Decimal(50000)))
    if not all(connector.spec.can(Capability(f"amend_{term}")) for term in terms):
        with pytest.raises(Unsupported):
            connector.amend(amendment("amend1", **terms))
        return
    assert connector.spec.can(capability)
    for _ in range(2):
        connector.amend(amendment("amend1", **terms))
    (resting,) = connector.open_orders(BTC)
    assert (resting.client_order_id, resting.status) == ("amend1", OrderStatus.ACCEPTED)
    wanted = {"quantity": Decimal("0.01"), "price": Decimal(50000)} | terms
    assert {"quantity": resting.quantity, "price": resting.price} == wanted
    connector.cancel(BTC, client_order_id="amend1", venue_order_id=ack.venue_order_id)
    with pytest.raises(OrderNotFound):
        connector.amend(amendment("amend1", **{term: value + 1 for term, value in terms.items()}))


def test_waiting_order_gets_another_trigger(connect: Connect, paper_venue: PaperVenueControl) -> None:
    connector = connect()
    moved = amendment("stop1", trigger_price=Decimal(58000), is_conditional=True)
    if not connector.spec.can(Capability.AMEND_TRIGGER):
        with pytest.raises(Unsupported):
            connector.amend(moved)
        return
    connector.place(order("entry1"))
    stop = order("stop1", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(59000), is_reduce_only=True)
    connector.place(stop)
    connector.amend(moved)
    (waiting,) = connector.open_orders(BTC)
    assert waiting.trigger_price == 58000
    paper_venue.price(BTC, 58500)
    assert len(connector.positions()) == 1
    paper_venue.price(BTC, 57990)
    assert connector.positions() == []


def test_order_that_is_not_there_cannot_be_amended(connect: Connect) -> None:
    connector = connect()
    terms = {
        Capability.AMEND_QUANTITY: {"quantity": Decimal("0.02")},
        Capability.AMEND_PRICE: {"price": Decimal(50000)},
    }
    for capability, term in terms.items():
        if connector.spec.can(capability):
            with pytest.raises(OrderNotFound):
                connector.amend(amendment("nosuch", **term))


def test_many_orders_are_placed_and_canceled_each_with_its_outcome(connect: Connect) -> None:
    connector = connect()
    count = connector.spec.batch_max + 2
    wanted = [order(f"many{n}", OrderType.LIMIT, price=Decimal(50000 + n)) for n in range(count)]
    wanted[1] = msgspec.structs.replace(wanted[1], quantity=Decimal(500))
    outcomes = connector.place_many(wanted)
    assert [type(outcome) for outcome in outcomes] == [OrderAck, Rejected, *[OrderAck] * (count - 2)]
    open_orders = {found.client_order_id: found for found in connector.open_orders(BTC)}
    assert set(open_orders) == {f"many{n}" for n in range(count) if n != 1}
    for outcome in outcomes:
        if isinstance(outcome, OrderAck):
            assert open_orders[outcome.client_order_id].venue_order_id == outcome.venue_order_id
    canceled = connector.cancel_many(_cancels(outcomes, wanted_ids=[f"many{n}" for n in range(count)]))
    assert [type(outcome) for outcome in canceled] == [type(None), OrderNotFound, *[type(None)] * (count - 2)]
    assert connector.open_orders(BTC) == []


def _cancels(outcomes: list[OrderAck | ExchangeError], *, wanted_ids: list[str]) -> list[CancelRequest]:
    ids = [outcome.venue_order_id if isinstance(outcome, OrderAck) else "1" for outcome in outcomes]
    return [
        CancelRequest(symbol=BTC, client_order_id=client_id, venue_order_id=venue_id)
        for client_id, venue_id in zip(wanted_ids, ids, strict=True)
    ]


def test_many_of_several_symbols_and_kinds_are_canceled_together(connect: Connect) -> None:
    connector = connect()
    connector.place(order("plain1", OrderType.LIMIT, price=Decimal(50000)))
    connector.place(order("plain2", OrderType.LIMIT, price=Decimal(2000), symbol=ETH))
    wanted = [CancelRequest(symbol=BTC, client_order_id="plain1"), CancelRequest(symbol=ETH, client_order_id="plain2")]
    if connector.spec.can(Capability.CONDITIONAL):
        connector.place(order("wait1", OrderType.STOP_MARKET, side=Side.SELL, trigger_price=Decimal(50000)))
        wanted.insert(1, CancelRequest(symbol=BTC, client_order_id="wait1", is_conditional=True))
    acks = {found.client_order_id: found.venue_order_id for found in connector.open_orders()}
    wanted = [msgspec.structs.replace(one, venue_order_id=acks[one.client_order_id]) for one in wanted]
    assert connector.cancel_many(wanted) == [None] * len(wanted)
    assert connector.open_orders() == []


def test_funding_rates_are_the_newest_ascending(connect: Connect) -> None:
    connector = connect()
    if not connector.spec.can(Capability.FUNDING_HISTORY):
        with pytest.raises(Unsupported):
            connector.funding_rates(BTC)
        return
    rates = connector.funding_rates(BTC, limit=5)
    times = [rate.at_ms for rate in rates]
    assert len(rates) == 5
    assert times == sorted(set(times))
    assert times[-1] <= connector.now_ms()
    assert {rate.symbol for rate in rates} == {BTC}
    assert all(0 < abs(rate.rate) < Decimal("0.01") for rate in rates)
    assert connector.funding_rates(BTC, since_ms=times[2], limit=50) == rates[2:]
    assert connector.funding_rates(BTC, since_ms=times[0], limit=2) == rates[3:]


def test_funding_paid_on_the_account_is_told(connect: Connect, exchange: str, paper_venue: PaperVenueControl) -> None:
    credentials = paper_venue.account(exchange)
    connector = connect(credentials=credentials)
    if not connector.spec.can(Capability.FUNDING_PAYMENTS):
        with pytest.raises(Unsupported):
            connector.funding_payments()
        return
    assert connector.funding_payments() == []
    connector.place(order("entry1"))
    paper_venue.fund()
    (payment,) = connector.funding_payments()
    booked = [entry for entry in paper_venue.state(exchange, credentials)["ledger"] if entry["kind"] == "funding"]
    assert [Decimal(entry["amount"]) for entry in booked] == [payment.amount]
    assert (payment.symbol, payment.asset) == (BTC, "USDT")
    assert abs(payment.at_ms - connector.now_ms()) < 60_000
    assert connector.funding_payments(since_ms=payment.at_ms - 1000) == [payment]


def test_key_tells_what_it_may_do(connect: Connect) -> None:
    connector = connect()
    if not connector.spec.can(Capability.KEY_RIGHTS):
        with pytest.raises(Unsupported):
            connector.key_rights()
        return
    rights = connector.key_rights()
    assert rights.can_trade is not False
    assert rights.can_withdraw is not True


@pytest.mark.parametrize("start", [None, Decimal(61000)])
def test_trailing_stop_follows_the_price_and_gives_back_its_distance(
    connect: Connect, paper_venue: PaperVenueControl, start: Decimal | None
) -> None:
    connector = connect()
    stop = order("trail1", OrderType.TRAILING_STOP, side=Side.SELL, is_reduce_only=True, trail_ratio=Decimal("0.01"))
    stop = msgspec.structs.replace(stop, trigger_price=start)
    if not connector.spec.can(Capability.TRAILING_STOP):
        with pytest.raises(Unsupported):
            connector.place(stop)
        return
    connector.place(order("entry1"))
    connector.place(stop)
    (waiting,) = connector.open_orders(BTC)
    assert (waiting.client_order_id, waiting.order_type) == ("trail1", OrderType.TRAILING_STOP)
    for price in (62_000, 61_400):
        paper_venue.price(BTC, price)
        assert len(connector.positions()) == 1
    paper_venue.price(BTC, 61_380)
    assert connector.positions() == []
    fired = connector.order(BTC, client_order_id="trail1", is_conditional=True)
    assert (fired.status, fired.order_type) == (OrderStatus.FILLED, OrderType.TRAILING_STOP)
    assert [fill.client_order_id for fill in connector.fills(BTC)] == ["entry1", "trail1"]


def test_public_channels_tell_trades_best_prices_and_candles(
    exchange: str, connect: Connect, paper_venue: PaperVenueControl
) -> None:
    connector = connect()
    trades: list[Trade] = []
    tops: list[BookTop] = []
    candles: list[tuple[str, int, Candle]] = []
    events = StreamEvents(
        on_trades=trades.extend,
        on_book_top=tops.append,
        on_candle=lambda symbol, timeframe_s, candle: candles.append((symbol, timeframe_s, candle)),
    )
    told: dict[Channel, list[Any]] = {Channel.TRADES: trades, Channel.BOOK_TOP: tops, Channel.CANDLES: candles}
    wanted = connector.spec.channels - {Channel.TICKERS}
    for channel in set(told) - wanted:
        with pytest.raises(Unsupported):
            connector.public_stream([BTC], events, channels=[channel])
    if not wanted:
        return
    stream = connector.public_stream([BTC], events, channels=wanted)
    stream.start()
    try:
        _until(paper_venue, lambda: all(told[channel] for channel in wanted))
    finally:
        stream.stop()
    assert all(trade.symbol == BTC and trade.quantity > 0 for trade in trades)
    assert all(top.bid is not None and top.ask is not None and top.bid < top.ask for top in tops)
    assert all((symbol, timeframe_s) == (BTC, 60) and bar.low <= bar.high for symbol, timeframe_s, bar in candles)


def _until(venue: PaperVenueControl, claim: Callable[[], bool]) -> None:
    """A subscription takes effect some time after it was sent: move the price until it is heard."""
    price = 60_000.0

    def told() -> bool:
        nonlocal price
        price += 10
        venue.price(BTC, price)
        time.sleep(0.05)
        return claim()

    eventually(told, within_s=10)


def test_private_stream_tells_the_balance_a_fill_left(
    exchange: str, connect: Connect, paper_venue: PaperVenueControl
) -> None:
    connector = connect()
    assert EXCHANGES[exchange].can(Capability.PRIVATE_STREAM)
    balances: list[Balance] = []
    connected: list[bool] = []
    stream = connector.private_stream(
        StreamEvents(on_balance=balances.append, on_connected=lambda: connected.append(True))
    )
    stream.start()
    try:
        eventually(lambda: connected)
        connector.place(order("entry1"))
        (usdt,) = [balance for balance in connector.balances() if balance.asset == "USDT"]
        eventually(lambda: any((b.asset, b.total) == ("USDT", usdt.total) for b in balances))
    finally:
        stream.stop()
    assert usdt.total < 10_000
