"""Frames of each venue in, ticks, orders, fills and positions out, checked against values worked out by hand."""

import itertools
import json
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import Dialect, Stream, StreamBroken
from cts.domain.errors import AuthFailed, Unsupported
from cts.domain.types import Balance, Candle, Environment, Tick, Ticker, VenueFill, VenueOrder, VenuePosition
from cts.domain.venue import BookTop, Channel, Trade
from tests.exchanges.connectors.scripted import btc, fixture, scripted, spec_of

BTC = "BTC/USDT:USDT"


class Heard:
    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.tickers: list[Ticker] = []
        self.orders: list[VenueOrder] = []
        self.fills: list[VenueFill] = []
        self.positions: list[tuple[VenuePosition | None, str]] = []
        self.balances: list[Balance] = []
        self.trades: list[Trade] = []
        self.book_tops: list[BookTop] = []
        self.candles: list[tuple[str, int, Candle]] = []
        self.events = StreamEvents(
            on_ticks=self.ticks.extend,
            on_tickers=self.tickers.extend,
            on_order=self.orders.append,
            on_fill=self.fills.append,
            on_position=lambda leg, symbol: self.positions.append((leg, symbol)),
            on_balance=self.balances.append,
            on_trades=self.trades.extend,
            on_book_top=self.book_tops.append,
            on_candle=lambda symbol, timeframe_s, candle: self.candles.append((symbol, timeframe_s, candle)),
        )


def channels(exchange: str, stream: Stream) -> dict[str, Dialect]:
    """The sockets of a stream by the addresses they would connect to."""
    found = {}
    for name, urls in spec_of(exchange).environments[Environment.LIVE].ws.items():
        for dialect in stream.dialects:
            if tuple(dialect._urls) == urls:
                found[name] = dialect
    return found


def play(exchange: str, stream: Stream, frames: list[Any]) -> None:
    sockets = channels(exchange, stream)
    for dialect in sockets.values():
        dialect.opening()
    for channel, frame in frames:
        assert sockets[channel].receive(json.dumps(frame)) == []


def test_public_frames_become_ticks_and_tickers(exchange: str) -> None:
    script, heard = fixture(exchange, "public_stream"), Heard()
    play(exchange, scripted(exchange).public_stream([btc(exchange)], heard.events), script["frames"])
    told = [[tick.symbol, tick.price, tick.bid, tick.ask, tick.at_ms] for tick in heard.ticks]
    assert told == script["ticks"]
    assert all(tick.received_ns > 0 for tick in heard.ticks)
    assert heard.tickers[-1] == msgspec.convert(script["last_ticker"], Ticker)


CHANNELS: dict[Channel, tuple[str, Any]] = {
    Channel.TRADES: ("trades", list[Trade]),
    Channel.BOOK_TOP: ("book_tops", list[BookTop]),
    Channel.CANDLES: ("candles", list[tuple[str, int, Candle]]),
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_frames_of_a_channel_become_what_it_carries_and_nothing_else(exchange: str, channel: Channel) -> None:
    """Or the channel is refused by name where the venue's stream has none such."""
    heard, connector = Heard(), scripted(exchange)
    if channel not in connector.spec.channels:
        with pytest.raises(Unsupported, match=channel):
            connector.public_stream([btc(exchange)], heard.events, channels=[channel])
        return
    script = fixture(exchange, "channels")[channel]
    play(exchange, connector.public_stream([btc(exchange)], heard.events, channels=[channel]), script["frames"])
    name, kind = CHANNELS[channel]
    expected = msgspec.convert(script["expected"], kind)
    assert expected
    assert getattr(heard, name) == expected
    assert not heard.ticks
    assert not heard.tickers


@pytest.mark.parametrize("channel", CHANNELS)
def test_unreadable_row_of_a_channel_is_skipped(exchange: str, channel: Channel) -> None:
    heard, connector = Heard(), scripted(exchange)
    if channel not in connector.spec.channels:
        return
    frames = json.loads(json.dumps(fixture(exchange, "channels")[channel]["frames"]).replace("60000", "NaN"))
    play(exchange, connector.public_stream([btc(exchange)], heard.events, channels=[channel]), frames)
    assert getattr(heard, CHANNELS[channel][0]) == []


def test_all_channels_go_over_one_stream(exchange: str) -> None:
    heard, connector = Heard(), scripted(exchange)
    stream = connector.public_stream([btc(exchange)], heard.events, channels=connector.spec.channels)
    for channel in connector.spec.channels - {Channel.TICKERS}:
        play(exchange, stream, fixture(exchange, "channels")[channel]["frames"])
        assert getattr(heard, CHANNELS[channel][0])


def test_candles_of_a_timeframe_the_venue_lacks_are_refused(exchange: str) -> None:
    with pytest.raises(Unsupported):
        scripted(exchange).public_stream([btc(exchange)], StreamEvents(), channels=[Channel.CANDLES], timeframe_s=61)


def test_private_frames_become_orders_fills_and_positions(exchange: str) -> None:
    script, heard = fixture(exchange, "private_stream"), Heard()
    play(exchange, scripted(exchange, script.get("calls")).private_stream(heard.events), script["frames"])
    assert heard.orders == msgspec.convert(script["orders"], list[VenueOrder])
    assert heard.fills == msgspec.convert(script["fills"], list[VenueFill])
    assert heard.positions == msgspec.convert(script["positions"], list[tuple[VenuePosition | None, str]])
    assert heard.balances == msgspec.convert(script["balances"], list[Balance])


def test_unreadable_private_row_ends_the_session_instead_of_losing_it(exchange: str) -> None:
    script, heard = fixture(exchange, "private_stream"), Heard()
    frame = json.loads(json.dumps(script["frames"][0]).replace('"0.04"', '"NaN"'))
    stream = scripted(exchange).private_stream(heard.events)
    with pytest.raises(StreamBroken):
        play(exchange, stream, [frame])
    assert heard.orders == []


def test_unreadable_public_row_is_skipped(exchange: str) -> None:
    script, heard = fixture(exchange, "public_stream"), Heard()
    frames = json.loads(json.dumps(script["frames"]).replace("60000.", "NaN"))
    play(exchange, scripted(exchange).public_stream([btc(exchange)], heard.events), frames)
    assert not any(tick.price != tick.price for tick in heard.ticks)


def test_binance_quotes_refresh_a_price_only_while_it_lies_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, now = Heard(), [100.0]
    monkeypatch.setattr("apps.exchanges.connectors.binance.board.time.monotonic", lambda: now[0])
    trade = {"e": "aggTrade", "s": "BTCUSDT", "p": "100", "l": 5, "T": 1000}

    def quote(bid: str, ask: str, at_ms: int) -> list[Any]:
        return ["public", {"e": "bookTicker", "s": "BTCUSDT", "b": bid, "a": ask, "E": at_ms}]

    stream = scripted("binance").public_stream([BTC], heard.events)
    play("binance", stream, [quote("99", "101", 900), ["market", trade]])
    for bid, ask, at_ms in (("99", "102", 1100), ("100", "101", 1300), ("102", "103", 1600), ("99", "100", 1900)):
        now[0] += 0.2
        play("binance", stream, [quote(bid, ask, at_ms)])
    assert [(tick.price, tick.bid, tick.at_ms) for tick in heard.ticks] == [
        (100, 99, 1000),
        (100, 100, 1300),
        (100, 99, 1900),
    ]


def test_binance_day_figures_bring_a_trade_that_was_missed() -> None:
    script, heard = fixture("binance", "public_stream"), Heard()
    *before, (channel, day) = script["frames"]
    play(
        "binance",
        scripted("binance").public_stream([BTC], heard.events),
        [*before, [channel, day | {"L": 107, "c": "61000", "E": 1_700_000_002_000}]],
    )
    assert (heard.ticks[-1].price, heard.ticks[-1].at_ms) == (61000, 1_700_000_002_000)


def test_binance_trade_numbers_may_start_again_after_a_reconnect() -> None:
    heard = Heard()
    stream = scripted("binance").public_stream([BTC], heard.events)
    trade = {"e": "aggTrade", "s": "BTCUSDT", "p": "100", "l": 5000, "T": 1000}
    play("binance", stream, [["market", trade]])
    play("binance", stream, [["market", trade | {"p": "101", "l": 1, "T": 2000}]])
    assert [tick.price for tick in heard.ticks] == [100, 101]


def drained(dialect: Dialect, frames: list[str]) -> list[str]:
    """Frames, and those that were held back: a venue may take only so many a second."""
    return [*frames, *(held for _ in range(100) for held in dialect.receive("{}"))]


def topics_of(frame: str) -> list[str]:
    told = json.loads(frame)
    topics = told.get("args") or told.get("params") or [told.get("dataType") or f"{told['topic']} {told['symbol']}"]
    return [(topic if isinstance(topic, str) else json.dumps(topic)).upper() for topic in topics]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a second later."""
    seconds = itertools.count(1000.0)
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))


@pytest.mark.usefixtures("hurried")
def test_added_symbols_are_subscribed_once_and_again_after_a_reconnect(exchange: str) -> None:
    connector, place = scripted(exchange), spec_of(exchange).suffix
    ours, other = (connector.venue_symbol(f"{base}{place}").upper() for base in ("BTC", "ETH"))
    stream = connector.public_stream([btc(exchange)], StreamEvents())
    for dialect in stream.dialects:
        first = json.dumps([topics_of(frame) for frame in drained(dialect, dialect.opening())])
        frames = drained(dialect, dialect.subscribe([f"ETH{place}", btc(exchange)]))
        added = json.dumps([topics_of(frame) for frame in frames])
        assert ours not in added
        assert other in added
        assert drained(dialect, dialect.subscribe([f"ETH{place}"])) == []
        again = json.dumps([topics_of(frame) for frame in drained(dialect, dialect.opening())])
        assert other in again
        assert ours in again
        assert ours in first


@pytest.mark.usefixtures("hurried")
def test_many_symbols_are_split_over_frames(exchange: str) -> None:
    connector = scripted(exchange)
    symbols = [f"C{n}{spec_of(exchange).suffix}" for n in range(250)]
    stream = connector.public_stream(symbols, StreamEvents())
    told = []
    for dialect in stream.dialects:
        frames = drained(dialect, dialect.opening())
        assert len(frames) > 1
        wanted = [topic for frame in frames for topic in topics_of(frame)]
        assert len(wanted) == len(set(wanted)) >= len(dialect.symbols)
        told += wanted
    for symbol in symbols:
        assert any(connector.venue_symbol(symbol).upper() in topic for topic in told)


def test_bybit_login_signs_the_expiry_and_a_refusal_is_final() -> None:
    stream = scripted("bybit").private_stream(StreamEvents())
    (dialect,) = stream.dialects
    (frame,) = dialect.opening()
    key, expires_ms, signature = json.loads(frame)["args"]
    assert (key, expires_ms, len(signature)) == ("test-key-1234", 1_700_000_010_500, 64)
    assert "subscribe" in dialect.receive('{"op":"auth","success":true,"conn_id":"1"}')[0]
    readiness = [dialect.is_ready]
    dialect.receive('{"op":"subscribe","success":true}')
    assert [*readiness, dialect.is_ready] == [False, True]
    with pytest.raises(AuthFailed):
        dialect.receive('{"op":"auth","success":false,"ret_msg":"Params Error"}')


def test_binance_listen_key_is_part_of_the_address_and_its_end_ends_the_session() -> None:
    listen = {"method": "POST", "path": "/fapi/v1/listenKey", "answer": {"listenKey": "k" * 64}}
    connector = scripted("binance", [listen, listen])
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    assert dialect.url(0) == f"wss://fstream.binance.com/private/ws/{'k' * 64}"
    assert dialect.url(1) == f"wss://fstream.binance.com/ws/{'k' * 64}"
    with pytest.raises(StreamBroken, match="expired"):
        dialect.receive('{"e":"listenKeyExpired","E":1}')
    connector.close()


def test_binance_renews_its_listen_key_every_half_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"listenKey": "k" * 64}
    calls = [{"method": method, "path": "/fapi/v1/listenKey", "answer": key} for method in ("POST", "PUT")]
    connector = scripted("binance", calls)
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    now = [0.0]
    monkeypatch.setattr("apps.exchanges.connectors.binance.private.time.monotonic", lambda: now[0])
    dialect.url(0)
    for now[0] in (60.0, 1799.0, 1801.0, 1900.0):
        dialect.tend()
    connector.close()
