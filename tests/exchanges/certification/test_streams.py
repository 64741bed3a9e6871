"""Every venue × every channel: heard, repaired after a break, and honest about what was lost."""

from decimal import Decimal

import pytest

from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import Unsupported
from cts.domain.types import OrderStatus
from cts.domain.venue import Channel
from tests.exchanges.certification.conftest import Note
from tests.exchanges.certification.stage import Stage
from tests.exchanges.certification.streams import (
    BALANCES,
    DROPPED,
    LATE,
    LOST,
    PRIVATE,
    PUBLIC,
    REORDERED,
    REPEATED,
    SILENT,
    Heard,
)

pytestmark = pytest.mark.wire
LISTS = {Channel.TICKERS: "ticks", Channel.TRADES: "trades", Channel.BOOK_TOP: "tops", Channel.CANDLES: "candles"}


@pytest.mark.parametrize("channel", Channel)
def test_public_channel(stage: Stage, cell: Note, channel: Channel) -> None:
    is_offered = channel in stage.spec.channels
    cell("stream", PUBLIC[channel], is_absent=not is_offered)
    heard = Heard()
    if not is_offered:
        with pytest.raises(Unsupported):
            stage.connector.public_stream([stage.symbol], heard.events, channels=[channel])
        return
    stream = heard.public(stage, [channel])
    try:

        def is_heard() -> bool:
            stage.price(60123)
            return any(_price(channel, said, stage) == 60123 for said in heard[LISTS[channel]])

        stage.eventually(is_heard)
    finally:
        stream.stop()


def _price(channel: Channel, said: object, stage: Stage) -> float:
    """The price of a message, near enough: best bid and ask lie around it."""
    if channel is Channel.BOOK_TOP:
        return 60123 if said.bid <= 60123 <= said.ask else 0  # type: ignore[attr-defined]
    if channel is Channel.CANDLES:
        symbol, timeframe_s, candle = said  # type: ignore[misc]
        assert (symbol, timeframe_s) == (stage.symbol, 60)  # type: ignore[has-type]
        return candle.close  # type: ignore[has-type, no-any-return]
    return float(said.price)  # type: ignore[attr-defined]


def test_private_events(stage: Stage, cell: Note) -> None:
    cell("stream", PRIVATE)
    heard = Heard()
    stream = heard.private(stage)
    try:
        request = stage.entered()
        own = request.client_order_id
        stage.eventually(lambda: any(fill.client_order_id == own for fill in heard["fills"]))
        stage.eventually(lambda: any(o.client_order_id == own and o.status == "filled" for o in heard["orders"]))
        if not stage.is_spot:
            stage.eventually(lambda: any(leg and leg.quantity == Decimal("0.01") for leg, _ in heard["legs"]))
        before = len(heard["legs"])
        stage.placed(stage.reduction())
        if not stage.is_spot:
            stage.eventually(lambda: (None, stage.symbol) in heard["legs"][before:])
        stage.eventually(lambda: len(heard["fills"]) == 2)  # some venues tell the leg first
    finally:
        stream.stop()
    assert {fill.venue_trade_id for fill in heard["fills"]} == {
        fill.venue_trade_id for fill in stage.connector.fills(stage.symbol)
    }


def test_private_balances(stage: Stage, cell: Note) -> None:
    cell("stream", BALANCES, is_absent=not stage.spec.can(Capability.BALANCE_STREAM))
    heard = Heard()
    stream = heard.private(stage)
    try:
        stage.entered()
        stage.eventually(lambda: heard["fills"])
        if stage.spec.can(Capability.BALANCE_STREAM):
            stage.eventually(lambda: any(b.asset == "USDT" and b.total < 10000 for b in heard["coins"]))
        else:
            assert heard["coins"] == []
    finally:
        stream.stop()


def test_dropped_socket_comes_back(stage: Stage, cell: Note) -> None:
    cell("stream", DROPPED)
    heard = Heard()
    stream = heard.private(stage)
    try:
        stage.venue.faults(stage.exchange, "", "drop_socket")
        assert heard.downs.acquire(timeout=10)
        assert heard.ups.acquire(timeout=20)
        own = stage.entered().client_order_id
        stage.eventually(lambda: any(fill.client_order_id == own for fill in heard["fills"]))
    finally:
        stream.stop()


def test_silent_socket_is_noticed_within_two_heartbeats(stage: Stage, cell: Note) -> None:
    cell("stream", SILENT)
    heard = Heard()
    stream = stage.connector.public_stream([stage.symbol], heard.events)
    for dialect in stream.dialects:
        dialect.heartbeat_s = 1.0
    stream.start()
    try:
        assert heard.ups.acquire(timeout=20)
        stage.price(60050)
        stage.venue.faults(stage.exchange, "", "silence", seconds=10)
        assert heard.downs.acquire(timeout=4), "a socket that says nothing passed for a healthy one"
    finally:
        stage.venue.faults(stage.exchange, "", "silence", seconds=0.001)
        stream.stop()


@pytest.mark.parametrize(("row", "kind"), [(REPEATED, "duplicate"), (REORDERED, "reorder"), (LATE, "late")])
def test_disordered_events_name_the_same_trades(stage: Stage, cell: Note, row: str, kind: str) -> None:
    cell("stream", row)
    heard = Heard()
    stream = heard.private(stage)
    try:
        stage.venue.faults(stage.exchange, "", kind, seconds=0.3)
        request = stage.entered()
        stage.eventually(lambda: any(fill.client_order_id == request.client_order_id for fill in heard["fills"]))
        if kind == "duplicate":  # told by the orders: trades that a connector asks for are told once all the same
            stage.eventually(lambda: sum(order.status == "filled" for order in heard["orders"]) == 2)
    finally:
        stream.stop()
    (fill,) = stage.connector.fills(stage.symbol)
    assert {told.venue_trade_id for told in heard["fills"]} == {fill.venue_trade_id}


def test_lost_event_is_found_by_asking(stage: Stage, cell: Note) -> None:
    cell("stream", LOST)
    heard = Heard()
    stream = heard.private(stage)
    try:
        stage.venue.faults(stage.exchange, "", "drop_event")
        lost, seen = stage.entered(), stage.entered()
        stage.eventually(lambda: any(fill.client_order_id == seen.client_order_id for fill in heard["fills"]))
    finally:
        stream.stop()
    assert lost.client_order_id not in {fill.client_order_id for fill in heard["fills"]}
    stage.settles(lost, OrderStatus.FILLED)
    assert lost.client_order_id in {fill.client_order_id for fill in stage.connector.fills(stage.symbol)}
