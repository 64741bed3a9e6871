"""What only Pionex's sockets do: executions that don't say whose they are, ticks without a ticker, a book that chains."""

import json
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.pionex import private_stream, quotes
from apps.exchanges.connectors.stream import StreamBroken
from cts.domain.errors import AuthFailed, Unsupported
from cts.domain.types import Balance, PositionSide
from cts.domain.venue import BookTop, Channel, Trade
from tests.exchanges.connectors.scripted import ScriptedTransport, fixture, scripted
from tests.exchanges.connectors.test_pionex import BTC, NAME, NOW_MS, call, fill_row, order_row
from tests.exchanges.connectors.test_streams import Heard, play


def test_login_signs_the_time_and_subscriptions_follow_at_once() -> None:
    (dialect,) = scripted("pionex").private_stream(StreamEvents()).dialects
    login, *wanted = [json.loads(frame) for frame in dialect.opening()]
    key, now_ms, signature = login["args"]
    assert (login["op"], key, now_ms, len(signature)) == ("auth", "test-key-1234", NOW_MS, 64)
    topics = [(frame["topic"], frame.get("symbol")) for frame in wanted]
    assert topics == [("ORDER", "ALL"), ("FILL", "ALL"), ("POSITION", "ALL"), ("BALANCE", None)]
    # An answer of a shape nobody documented neither helps nor hurts; readiness is all four topics.
    assert dialect.receive(b'{"op":"auth","result":true,"code":"0"}') == []
    for topic, _ in topics:
        assert not dialect.is_ready
        dialect.receive(json.dumps({"type": "SUBSCRIBED", "topic": topic}))
    assert dialect.is_ready


def test_refused_login_is_final_and_a_refused_topic_is_not() -> None:
    (dialect,) = scripted("pionex").private_stream(StreamEvents()).dialects
    with pytest.raises(AuthFailed):
        dialect.receive('{"type":"ERROR","code":"INVALID_SIGNATURE","message":"no"}')
    with pytest.raises(StreamBroken):
        dialect.receive('{"op":"auth","result":false,"code":"PARAMETER_ERROR","message":"no"}')


def test_login_at_a_wrong_time_sets_the_clock_anew() -> None:
    connector = scripted("pionex")
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    dialect.opening()
    with pytest.raises(StreamBroken):
        dialect.receive('{"type":"ERROR","code":"INVALID_TIMESTAMP","message":"late"}')
    assert isinstance(connector._transport, ScriptedTransport)
    assert connector._transport.times_asked == 4


def test_heartbeats_are_answered_and_a_farewell_ends_the_session() -> None:
    (dialect,) = scripted("pionex").public_stream([BTC], StreamEvents()).dialects
    assert dialect.receive(b'{"op":"PING","timestamp":1700000000000}') == ['{"op":"PONG","timestamp":1700000000000}']
    with pytest.raises(StreamBroken, match="maintenance"):
        dialect.receive(b'{"op":"CLOSE","timestamp":1,"note":"maintenance"}')
    assert dialect.receive(b'{"type":"ERROR","code":"PARAMETER_ERROR","message":"no such symbol"}') == []
    assert dialect.send_interval_s >= 0.2


def test_balances_of_the_account_are_told_and_those_of_a_leg_are_not() -> None:
    script, told = fixture("pionex", "private_stream"), list[Balance]()
    stream = scripted("pionex").private_stream(StreamEvents(on_balance=told.append))
    play("pionex", stream, script["frames"])
    assert told == msgspec.convert(script["balances"], list[Balance])


def test_execution_whose_order_never_comes_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now, heard = [100.0], Heard()
    monkeypatch.setattr("apps.exchanges.connectors.pionex.private_stream.time.monotonic", lambda: now[0])
    connector = scripted("pionex", [call("GET", "/uapi/v1/trade/order", order_row(9, "c9"))])
    stream = connector.private_stream(heard.events)
    play("pionex", stream, [["private", {"topic": "FILL", "symbol": NAME, "data": fill_row(1, 9, NOW_MS)}]])
    assert heard.fills == []
    now[0] += private_stream.NAMELESS_S
    stream.dialects[0].tend()
    assert [(fill.client_order_id, fill.position_side) for fill in heard.fills] == [("c9", PositionSide.LONG)]
    connector.close()


def book(action: str, number: int, bids: list[Any], asks: list[Any], *, previous: int | None = None) -> list[Any]:
    data = {"action": action, "bids": bids, "asks": asks, "number": number}
    data["prevNumber"] = number - 1 if previous is None else previous
    return ["public", {"topic": "ORDERBOOK", "symbol": NAME, "timestamp": number, "data": data}]


def trade(price: str, at_ms: int) -> list[Any]:
    row = {"symbol": NAME, "tradeId": str(at_ms), "price": price, "size": "2", "side": "SELL", "timestamp": at_ms}
    return ["public", {"topic": "TRADE", "symbol": NAME, "timestamp": at_ms, "data": [row]}]


def test_trades_and_best_quotes_are_channels_of_their_own() -> None:
    script, heard = fixture("pionex", "channels"), Heard()
    trades: list[Trade] = []
    tops: list[BookTop] = []
    events = msgspec.structs.replace(heard.events, on_trades=trades.extend, on_book_top=tops.append)
    stream = scripted("pionex").public_stream([BTC], events, channels=(Channel.TRADES, Channel.BOOK_TOP))
    asked = [json.loads(frame)["topic"] for frame in stream.dialects[0].opening()]
    assert sorted(asked) == ["ORDERBOOK", "TRADE"]
    play("pionex", stream, script["trades"]["frames"] + script["book_top"]["frames"])
    assert trades == msgspec.convert(script["trades"]["expected"], list[Trade])
    assert tops == msgspec.convert(script["book_top"]["expected"], list[BookTop])
    assert not heard.ticks
    assert not heard.tickers
    with pytest.raises(Unsupported):
        scripted("pionex").public_stream([BTC], events, channels=(Channel.CANDLES,))


def test_quotes_refresh_a_price_only_while_it_lies_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now, heard = [100.0], Heard()
    monkeypatch.setattr("apps.exchanges.connectors.pionex.quotes.time.monotonic", lambda: now[0])
    stream = scripted("pionex").public_stream([BTC], heard.events)
    play("pionex", stream, [book("SNAPSHOT", 1, [["99", "1"]], [["101", "1"]]), trade("100", 1)])
    dialect = stream.dialects[0]
    for number, bids, asks in ((2, [["98", "1"]], []), (3, [["100", "1"]], []), (4, [["102", "1"]], [["101", "0"]])):
        now[0] += 0.3
        dialect.receive(json.dumps(book("UPDATE", number, bids, asks)[1]))
    # The first change moved no best price, the last left the last one behind.
    assert [(tick.price, tick.bid, tick.at_ms) for tick in heard.ticks] == [(100, 99, 1), (100, 100, 3)]


def test_book_that_stands_still_while_trades_go_on_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, heard = [100.0], Heard()
    monkeypatch.setattr("apps.exchanges.connectors.pionex.quotes.time.monotonic", lambda: now[0])
    stream = scripted("pionex").public_stream([BTC], heard.events)
    play("pionex", stream, [book("SNAPSHOT", 1, [["99", "1"]], [["101", "1"]])])
    for price, at_ms in (("100", 2), ("105", 3)):
        now[0] += 10
        stream.dialects[0].receive(json.dumps(trade(price, at_ms)[1]))
    assert [(tick.price, tick.bid, tick.ask) for tick in heard.ticks] == [(100, 99, 101), (105, 105, 105)]
    assert (heard.tickers[-1].bid, heard.tickers[-1].ask) == (None, None)


def test_change_that_is_missing_makes_the_book_be_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now, heard = [100.0], Heard()
    monkeypatch.setattr("apps.exchanges.connectors.pionex.quotes.time.monotonic", lambda: now[0])
    stream = scripted("pionex").public_stream([BTC], heard.events)
    play("pionex", stream, [book("SNAPSHOT", 1, [["99", "1"]], [["101", "1"]]), trade("100", 2)])
    dialect = stream.dialects[0]
    now[0] += quotes.BOOK_WAIT_S
    answers = [
        [json.loads(frame)["op"] for frame in dialect.receive(json.dumps(book("UPDATE", n, [["100", "1"]], [])[1]))]
        for n in (7, 8, 9)
    ]
    assert answers == [["UNSUBSCRIBE", "SUBSCRIBE"], [], []]
    dialect.receive(json.dumps(trade("100", 3)[1]))
    assert (heard.ticks[-1].bid, heard.ticks[-1].ask) == (100, 100)
    dialect.receive(json.dumps(book("SNAPSHOT", 20, [["98", "1"]], [["101", "1"]])[1]))
    dialect.receive(json.dumps(trade("100", 4)[1]))
    assert (heard.ticks[-1].bid, heard.ticks[-1].ask) == (98, 101)
