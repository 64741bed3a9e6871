"""BingX's sockets as its connector hears them: packed frames, a ping to answer, what is only hinted at and asked for."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx.frames import TOPICS_MAX
from apps.exchanges.connectors.stream import Dialect, StreamBroken
from cts.domain.types import Balance, Candle, OrderStatus, OrderType, Side, VenueOrder
from cts.domain.venue import BookTop, Channel, Trade
from tests.exchanges.connectors.scripted import fixture, scripted
from tests.exchanges.connectors.test_streams import Heard, drained, topics_of

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
FILLS = "/openApi/swap/v2/trade/fillHistory"
LISTEN = "/openApi/user/auth/userDataStream"


def packed(message: object) -> bytes:
    return gzip.compress(json.dumps(message).encode() if not isinstance(message, str) else message.encode())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return clock


def private(calls: list[dict[str, Any]], events: StreamEvents) -> Dialect:
    (dialect,) = scripted("bingx", calls).private_stream(events).dialects
    dialect.opening()
    return dialect


def fills_call(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"method": "GET", "path": FILLS, "answer": {"code": 0, "msg": "", "data": {"fill_history_orders": rows}}}


def trade_frame() -> Any:
    return fixture("bingx", "private_stream")["frames"][0][1]


def trade_row() -> Any:
    return fixture("bingx", "private_stream")["calls"][0]["answer"]["data"]["fill_history_orders"][0]


def test_packed_frames_are_read_and_the_ping_is_answered() -> None:
    heard = Heard()
    (dialect,) = scripted("bingx").public_stream([BTC], heard.events).dialects
    assert dialect.receive(packed("Ping")) == ["Pong"]
    assert dialect.receive("Ping") == ["Pong"]
    dialect.receive(packed(fixture("bingx", "public_stream")["frames"][2][1]))
    assert [tick.price for tick in heard.ticks] == [60000.2]


@pytest.mark.parametrize("frame", [b"\x1f\x8b junk", gzip.compress(b"0" * 20_000_000)])
def test_frame_that_does_not_unpack_ends_the_session(frame: bytes) -> None:
    (dialect,) = scripted("bingx").public_stream([BTC], StreamEvents()).dialects
    with pytest.raises(StreamBroken):
        dialect.receive(frame)


def test_subscriptions_go_out_at_the_pace_the_venue_asks_for(now: list[float]) -> None:
    (dialect,) = scripted("bingx").public_stream([f"C{n}/USDT:USDT" for n in range(20)], StreamEvents()).dialects
    counts = [len(dialect.opening())]
    for step in (0.5, 0.4, 0.2, 1.0, 1.0, 1.0, 1.0):
        now[0] += step
        counts.append(len(dialect.receive("{}")))
    assert counts == [9, 0, 0, 9, 9, 9, 4, 0]


def test_sockets_carry_what_they_may_and_another_is_opened_for_the_rest(now: list[float]) -> None:
    symbols = [f"C{n}/USDT:USDT" for n in range(150)]
    stream = scripted("bingx").public_stream(symbols, StreamEvents())
    stream.add([f"D{n}/USDT:USDT" for n in range(60)])
    topics = []
    for dialect in stream.dialects:
        frames = dialect.opening()
        for _ in range(40):
            now[0] += 1.0
            frames += dialect.receive("{}")
        assert len(frames) <= TOPICS_MAX
        topics += [topic for frame in frames for topic in topics_of(frame)]
    assert len(stream.dialects) == 3
    assert len(topics) == len(set(topics)) == 420


def test_refused_topic_is_logged_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    (dialect,) = scripted("bingx").public_stream([BTC], StreamEvents()).dialects
    dialect.opening()
    readiness = [dialect.is_ready]
    dialect.receive(packed({"id": "BTC-USDT@ticker", "code": 80015, "msg": "dataType not support", "data": None}))
    assert [*readiness, dialect.is_ready] == [False, True]
    assert "dataType not support" in caplog.text


def test_trades_quotes_and_candles_are_told_where_wanted(now: list[float]) -> None:
    trades: list[Trade] = []
    books: list[BookTop] = []
    candles: list[tuple[str, int, Candle]] = []
    events = StreamEvents(
        on_trades=trades.extend, on_book_top=books.append, on_candle=lambda *told: candles.append(told)
    )
    wanted = [Channel.TRADES, Channel.BOOK_TOP, Channel.CANDLES]
    connector = scripted("bingx")
    (dialect,) = connector.public_stream([BTC], events, channels=wanted, timeframe_s=300).dialects
    topics = [topic for frame in drained(dialect, dialect.opening()) for topic in topics_of(frame)]
    assert sorted(topics) == ["BTC-USDT@BOOKTICKER", "BTC-USDT@KLINE_5M", "BTC-USDT@TRADE"]
    prints = [{"q": "0.0162", "p": "60000.5", "T": 1700000000100, "m": m, "s": "BTC-USDT"} for m in (False, True, True)]
    dialect.receive(packed({"code": 0, "dataType": "BTC-USDT@trade", "data": prints}))
    assert [(trade.side, trade.price) for trade in trades] == [
        (Side.BUY, Decimal("60000.5")), (Side.SELL, Decimal("60000.5")), (Side.SELL, Decimal("60000.5")),
    ]  # fmt: skip
    assert len({trade.trade_id for trade in trades}) == 3
    quote = {"e": "bookTicker", "u": 1, "E": 1700000090000, "T": 1700000089999, "s": "BTC-USDT"}
    quote |= {"b": "60000.1", "B": "18.7", "a": "60000.3", "A": "4.9"}
    dialect.receive(packed({"code": 0, "dataType": "BTC-USDT@bookTicker", "data": quote}))
    # One that was true long ago has been seen first of all.
    stale = quote | {"T": 1700000000000, "b": "60212.8"}
    dialect.receive(packed({"code": 0, "dataType": "BTC-USDT@bookTicker", "data": stale}))
    assert [(book.bid, book.ask_quantity) for book in books] == [(Decimal("60000.1"), Decimal("4.9"))]
    bar = {"c": "60001", "o": "60000", "h": "60002", "l": "59999", "v": "5.8", "T": 1699999800000}
    dialect.receive(packed({"code": 0, "dataType": "BTC-USDT@kline_5m", "s": "BTC-USDT", "data": [bar]}))
    assert candles == [(BTC, 300, Candle(1699999800000, 60000, 60002, 59999, 60001, 5.8, False))]


def test_listen_key_is_part_of_the_address_and_renewed_each_half_hour(now: list[float]) -> None:
    opened = {"method": "POST", "path": LISTEN, "answer": {"listenKey": "k" * 64}}
    kept = {"method": "PUT", "path": LISTEN, "with": {"listenKey": "k" * 64}, "answer": {"code": 0, "msg": ""}}
    connector = scripted("bingx", [opened, kept])
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    assert dialect.url(0) == f"wss://open-api-swap.bingx.com/swap-market?listenKey={'k' * 64}"
    for now[0] in (1060.0, 2799.0, 2801.0, 2900.0):
        dialect.tend()
    connector.close()


def test_listen_key_that_ends_ends_the_session_and_another_is_asked_for() -> None:
    lost = {"method": "PUT", "path": LISTEN, "answer": {"code": 100400, "msg": "listenKey does not exist"}}
    wrapped = {"method": "POST", "path": LISTEN, "answer": {"code": 0, "msg": "", "data": {"listenKey": "w" * 64}}}
    connector = scripted("bingx", [lost, wrapped])
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    with pytest.raises(StreamBroken, match="renewed"):
        dialect.tend()
    assert dialect.url(0).endswith("w" * 64)
    with pytest.raises(StreamBroken, match="expired"):
        dialect.receive(packed({"e": "listenKeyExpired", "E": 1}))
    connector.close()


def test_trade_that_is_not_listed_yet_is_asked_for_again(now: list[float]) -> None:
    heard = Heard()
    dialect = private([fills_call([]), fills_call([trade_row()])], heard.events)
    dialect.receive(packed(trade_frame()))
    dialect.receive(packed("Ping"))
    assert heard.fills == []
    now[0] += 0.6
    dialect.receive(packed("Ping"))
    dialect.receive(packed("Ping"))
    assert [fill.venue_trade_id for fill in heard.fills] == ["698759"]


def test_trade_that_is_never_listed_ends_the_session(now: list[float]) -> None:
    dialect = private([fills_call([])] * 4, StreamEvents())
    dialect.receive(packed(trade_frame()))
    for _ in range(3):
        now[0] += 4.9
        dialect.receive(packed("Ping"))
    now[0] += 1.0
    with pytest.raises(StreamBroken, match="trades of order"):
        dialect.receive(packed("Ping"))


def test_trades_told_together_are_asked_for_once_and_told_once(now: list[float]) -> None:
    heard = Heard()
    rows = [trade_row(), trade_row() | {"tradeId": "698760", "qty": "0.06"}]
    dialect = private([fills_call(rows[:1]), fills_call(rows)], heard.events)
    dialect.receive(packed(trade_frame()))
    frame = trade_frame()
    frame["o"] |= {"z": "0.10", "X": "FILLED"}
    now[0] += 0.6
    dialect.receive(packed(frame))
    assert [fill.venue_trade_id for fill in heard.fills] == ["698759", "698760"]


def _stop_frame(**changes: Any) -> Any:
    frame = fixture("bingx", "private_stream")["frames"][3][1]
    frame["o"] |= changes
    return frame


def test_conditional_order_without_a_name_is_held_back_until_it_has_one(now: list[float]) -> None:
    heard = Heard()
    connector = scripted("bingx")
    (dialect,) = connector.private_stream(heard.events).dialects
    dialect.opening()
    dialect.receive(packed(_stop_frame()))
    assert heard.orders == []
    connector.client_ids.learn("1736012449498123777", "cid5")  # type: ignore[attr-defined]
    dialect.receive(packed("Ping"))
    assert [(told.client_order_id, told.status) for told in heard.orders] == [("cid5", OrderStatus.ACCEPTED)]


def test_conditional_order_nobody_here_placed_is_told_without_a_name_after_a_while(now: list[float]) -> None:
    heard = Heard()
    dialect = private([], heard.events)
    dialect.receive(packed(_stop_frame()))
    now[0] += 2.0
    dialect.receive(packed("Ping"))
    assert heard.orders == []
    now[0] += 2.0
    dialect.receive(packed("Ping"))
    assert [(told.client_order_id, told.order_type) for told in heard.orders] == [("", OrderType.STOP_MARKET)]


def test_plain_order_made_elsewhere_is_told_at_once() -> None:
    heard: list[VenueOrder] = []
    dialect = private([], StreamEvents(on_order=heard.append))
    dialect.receive(packed(_stop_frame(o="LIMIT", p="59000", sp="0")))
    assert [told.client_order_id for told in heard] == [""]


def test_balances_and_one_way_sides_are_asked_for() -> None:
    balances: list[Balance] = []
    positions: list[Any] = []
    frame = fixture("bingx", "private_stream")["frames"][1][1]
    for row in frame["a"]["P"]:
        row["ps"] = "BOTH"
    calls = [fixture("bingx", "positions")["calls"][0], fixture("bingx", "balances")["calls"][0]]
    told: Callable[..., None] = lambda leg, symbol: positions.append((leg and leg.side, symbol))  # noqa: E731
    dialect = private(calls, StreamEvents(on_balance=balances.append, on_position=told))
    dialect.receive(packed(frame))
    assert positions == [("long", BTC)]
    assert [(balance.asset, balance.available) for balance in balances] == [
        ("USDT", Decimal("879.75")), ("USDC", Decimal(0)),
    ]  # fmt: skip
