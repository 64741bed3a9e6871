"""What OKX tells beyond what every venue does: archives, pages, login on two sockets, candles on one of them."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.okx import OkxConnector
from apps.exchanges.connectors.stream import StreamBroken
from cts.domain.errors import (
    AuthFailed,
)
from cts.domain.venue import (
    Channel,
)
from tests.exchanges.connectors.scripted import KEY, ScriptedTransport, fixture
from tests.exchanges.connectors.test_okx import NAME, okx
from tests.exchanges.connectors.test_streams import Heard, play

BTC = "BTC/USDT:USDT"


def test_lists_are_read_to_their_last_page() -> None:
    page = fixture("okx", "fills")["calls"][0]
    row = page["answer"]["data"][2]
    rows = [row | {"billId": str(1000 - n), "tradeId": str(500 - n)} for n in range(101)]
    calls = [
        page | {"answer": page["answer"] | {"data": rows[:100]}},
        page | {"with": page["with"] | {"after": "901"}, "answer": page["answer"] | {"data": rows[100:]}},
    ]
    connector = okx(calls)
    fills = connector.fills(BTC, since_ms=1_699_990_000_000)
    assert [fill.venue_trade_id for fill in fills] == [str(number) for number in range(400, 501)]
    connector.close()


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        (lambda c, since: c.fills(BTC, since_ms=since), "trade/fills-history"),
        (lambda c, since: c.funding_payments(since_ms=since), "account/bills-archive"),
    ],
)
def test_what_is_old_is_asked_of_the_archive(verb: Callable[[OkxConnector, int], Any], path: str) -> None:
    month_ago = 1_700_000_000_000 - 30 * 86_400_000
    answer = {"code": "0", "msg": "", "data": []}
    connector = okx([{"method": "GET", "path": f"/api/v5/{path}", "with": {"begin": str(month_ago)}, "answer": answer}])
    assert verb(connector, month_ago) == []
    connector.close()


def test_old_candles_are_asked_of_the_archive() -> None:
    call = fixture("okx", "candles")["calls"][0]
    since = 1_700_000_000_000 - 2 * 86_400_000
    told_call = {"method": "GET", "path": "/api/v5/market/history-candles", "answer": call["answer"] | {"data": []}}
    connector = okx([told_call | {"with": {"before": str(since - 1), "after": str(since + 180_000)}}])
    assert connector.candles(BTC, timeframe_s=60, since_ms=since, limit=3) == []
    connector.close()


def test_candles_have_the_business_socket_alone() -> None:
    stream = okx().public_stream([BTC], StreamEvents(), channels=[Channel.CANDLES], timeframe_s=21_600)
    (dialect,) = stream.dialects
    assert dialect.url(0).endswith("/ws/v5/business")
    assert json.loads(dialect.opening()[0])["args"] == [{"channel": "candle6Hutc", "instId": NAME}]


def test_both_private_sockets_log_in_with_seconds_and_then_subscribe() -> None:
    stream = okx().private_stream(StreamEvents())
    asked = []
    for dialect in stream.dialects:
        (frame,) = dialect.opening()
        (login,) = json.loads(frame)["args"]
        signed = hmac.digest(b"test-secret-5678", b"1700000000GET/users/self/verify", "sha256")
        assert login == {
            "apiKey": KEY.api_key,
            "passphrase": KEY.passphrase,
            "timestamp": "1700000000",
            "sign": base64.b64encode(signed).decode(),
        }
        (subscription,) = dialect.receive('{"event":"login","code":"0","msg":"","connId":"a"}')
        asked += [arg["channel"] for arg in json.loads(subscription)["args"]]
        readiness = [dialect.is_ready]
        dialect.receive('{"event":"subscribe","arg":{"channel":"orders"},"connId":"a"}')
        assert [*readiness, dialect.is_ready] == [False, True]
    assert asked == ["orders", "positions", "account", "orders-algo", "algo-advance"]


@pytest.mark.parametrize(("code", "error"), [("60005", AuthFailed), ("60024", AuthFailed), ("60012", StreamBroken)])
def test_refused_login_is_final_and_a_refused_topic_is_not(code: str, error: type[Exception]) -> None:
    dialect = okx().private_stream(StreamEvents()).dialects[0]
    dialect.opening()
    with pytest.raises(error):
        dialect.receive(json.dumps({"event": "error", "code": code, "msg": "no", "connId": "a"}))


def test_login_refused_for_its_time_is_tried_again_by_a_fresher_clock() -> None:
    connector = okx()
    dialect = connector.private_stream(StreamEvents()).dialects[0]
    dialect.opening()
    assert isinstance(connector._transport, ScriptedTransport)
    asked = connector._transport.times_asked
    with pytest.raises(StreamBroken):
        dialect.receive('{"event":"error","code":"60006","msg":"Timestamp request expired","connId":"a"}')
    assert connector._transport.times_asked > asked


def test_pong_is_text_and_a_closing_notice_ends_the_session() -> None:
    dialect = okx().public_stream([BTC], StreamEvents()).dialects[0]
    assert dialect.ping() == "ping"
    assert dialect.receive("pong") == []
    with pytest.raises(StreamBroken, match="close"):
        dialect.receive('{"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a"}')


def test_first_symbol_has_a_pulse_that_tells_nothing_but_that_the_socket_lives() -> None:
    heard = Heard()
    stream = okx().public_stream([BTC], heard.events)
    (dialect,) = stream.dialects
    opened = [json.loads(frame)["args"] for frame in dialect.opening()]
    assert opened == [[{"channel": "tickers", "instId": NAME}, {"channel": "mark-price", "instId": NAME}]]
    added = [json.loads(frame)["args"] for frame in dialect.subscribe(["ETH/USDT:USDT"])]
    assert added == [[{"channel": "tickers", "instId": "ETH-USDT-SWAP"}]]
    before = dialect.data_at
    play("okx", stream, [["public", {"arg": opened[0][1], "data": [{"instId": NAME, "markPx": "60000", "ts": "1"}]}]])
    assert dialect.is_never_quiet
    assert dialect.data_at > before
    assert not heard.ticks
    assert not heard.tickers
