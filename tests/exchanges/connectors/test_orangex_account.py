"""What only OrangeX's connector does about legs, modes and bars, and on its sockets."""

import json
import socket
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.stream import Stream, StreamBroken
from cts.domain.errors import AuthFailed, RateLimited, Unavailable
from cts.domain.types import Candle, PositionMode, PositionSide, Side
from cts.domain.venue import BookTop, Channel, Trade
from tests.exchanges.connectors.orangex_script import (
    ACK,
    BALANCES,
    BTC,
    NAME,
    REFUSED,
    ROW,
    aged,
    call,
    connect,
    grants,
)
from tests.exchanges.connectors.scripted import fixture
from tests.exchanges.connectors.test_contract import LIMIT

# --- the account --------------------------------------------------------------------------------------------------------
LEG = fixture("orangex", "positions")["calls"][0]["answer"]["result"][0]


def test_position_the_list_hides_is_found_by_the_symbols_traded(caplog: pytest.LogCaptureFixture) -> None:
    connector = connect([ACK, call("private/get_positions", []), call("private/get_user_position", [LEG])])
    connector.place(LIMIT)
    (leg,) = connector.positions()
    assert (leg.side, leg.quantity) == (PositionSide.LONG, Decimal("0.01"))
    assert "differ" in caplog.text


def test_margin_without_a_position_sends_to_the_trades_and_is_never_called_flat() -> None:
    traded = call("private/get_user_trades_by_currency", {"trades": [{"instrument_name": NAME}], "has_more": False})
    start = [call("private/get_positions", []), BALANCES, traded]
    assert len(connect([*start, call("private/get_user_position", [LEG])]).positions()) == 1
    with pytest.raises(Unavailable, match="holds margin"):
        connect([*start, call("private/get_user_position", [])]).positions()


@pytest.mark.parametrize(
    ("row", "mode"),
    [
        ({"position_side": "BOTH", "error_code": 0}, PositionMode.ONE_WAY),
        ({"position_side": "BOTH", "error_code": 5998}, PositionMode.HEDGE),
        ({"position_side": "SHORT"}, PositionMode.HEDGE),
    ],
)
def test_position_mode_is_read_off_the_newest_order(row: dict[str, Any], mode: PositionMode) -> None:
    idle = BALANCES["answer"]["result"]["PERPETUAL"] | {"total_initial_margin_cross": "0"}
    connector = connect(
        [
            call("private/get_positions", []),
            call("private/get_assets_info", {"PERPETUAL": idle}),
            call("private/get_open_orders_by_currency", []),
            call("private/get_order_history_by_currency", [ROW | row]),
        ]
    )
    assert connector.position_mode() is mode
    connector.close()


def test_bars_are_asked_for_publicly_without_a_key_and_not_beyond_what_the_venue_tells() -> None:
    rows = fixture("orangex", "candles")["calls"][0]["answer"]["result"]
    connector = connect([call("public/get_tradingview_chart_data", rows)], credentials=None)
    assert len(connector.candles(BTC, timeframe_s=60, limit=3)) == 3
    assert connector.candles(BTC, timeframe_s=60, since_ms=1_600_000_000_000, limit=200) == []
    connector.close()


# --- sockets ------------------------------------------------------------------------------------------------------------
def test_every_channel_of_the_public_stream_is_told() -> None:
    heard: dict[str, list[Any]] = {"trades": [], "top": [], "bars": []}
    events = StreamEvents(
        on_trades=heard["trades"].extend,
        on_book_top=heard["top"].append,
        on_candle=lambda *bar: heard["bars"].append(bar),
    )
    wanted = (Channel.TRADES, Channel.BOOK_TOP, Channel.CANDLES)
    (dialect,) = connect([]).public_stream([BTC], events, channels=wanted, timeframe_s=86_400).dialects
    first = json.loads(dialect.opening()[0])["params"]["channels"]
    assert first == [f"ticker.{NAME}.raw", f"trades.{NAME}.raw", f"chart.trades.{NAME}.1D"]

    def tell(channel: str, data: Any) -> None:
        params = {"channel": channel, "data": data}
        assert dialect.receive(json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})) == []

    trade = {"timestamp": "1700000000100", "price": "60000.1", "amount": "0.5", "direction": "sell"}
    tell(f"trades.{NAME}.raw", [trade | {"instrument_name": NAME, "trade_id": "7"}])
    tell(*fixture("orangex", "public_stream")["frames"][1][1]["params"].values())
    bar = {"tick": "1699920000", "open": "10", "high": "12", "low": "9", "close": "11", "volume": "3", "cost": "33"}
    tell(f"chart.trades.{NAME}.1D", bar)
    tell(f"chart.trades.{NAME}.1D", bar | {"tick": "1700006400", "close": "10.5"})
    assert heard["trades"] == [Trade(symbol=BTC, trade_id="7", price=Decimal("60000.1"), quantity=Decimal("0.5"), side=Side.SELL, at_ms=1_700_000_000_100)]  # fmt: skip
    assert heard["top"] == [BookTop(symbol=BTC, bid=Decimal("60000.1"), bid_quantity=Decimal("1.193"), ask=Decimal("60000.2"), ask_quantity=Decimal("1.51"), at_ms=1_700_000_000_123)]  # fmt: skip
    running = Candle(1_699_920_000_000, 10, 12, 9, 11, 3, False)
    following = Candle(1_700_006_400_000, 10, 12, 9, 10.5, 3, False)
    closed = msgspec.structs.replace(running, is_closed=True)
    assert heard["bars"] == [(BTC, 86_400, bar) for bar in (running, closed, following)]


def test_one_bad_channel_is_left_out_and_the_rest_of_its_frame_asked_for_again() -> None:
    (dialect,) = connect([]).public_stream([BTC, "NOPE/USDT:USDT"], StreamEvents()).dialects
    frame = json.loads(dialect.opening()[0])
    error = {"code": 3401, "message": "channel regex not match", "data": {"channel": "ticker.NOPE-USDT-PERPETUAL.raw"}}
    (again,) = dialect.receive(json.dumps({"id": str(frame["id"]), "jsonrpc": "2.0", "error": error}))
    assert json.loads(again)["params"]["channels"] == [f"ticker.{NAME}.raw"]
    assert not dialect.is_ready
    dialect.receive(json.dumps({"id": str(json.loads(again)["id"]), "jsonrpc": "2.0", "result": []}))
    assert dialect.is_ready


def test_private_stream_carries_the_token_and_tells_a_new_one() -> None:
    connector = connect([])
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    assert dialect.url(0) == "wss://api.orangex.com/ws/api/v1"
    frames = [json.loads(frame)["params"] for frame in dialect.opening()]
    channels = ("user.changes.perpetual.PERPETUAL.raw", "user.asset.PERPETUAL")
    assert frames == [{"access_token": "tok-1", "channels": [channel]} for channel in channels]
    dialect.tend()
    assert dialect.ping() == "PING"
    assert dialect.receive("PONG") == []
    assert connector.session is not None
    assert connector.session._grant is not None
    connector.session._grant = msgspec.structs.replace(connector.session._grant, access_token="tok-2")
    dialect.tend()
    told = [dialect.ping() for _ in range(3)]
    assert [json.loads(str(frame))["params"]["access_token"] for frame in told[:2]] == ["tok-2", "tok-2"]
    assert told[2] == "PING"


def test_private_stream_refused_its_token_renews_it_for_the_next_socket() -> None:
    connector = connect([])
    (dialect,) = connector.private_stream(StreamEvents()).dialects
    dialect.url(0)
    frame = json.loads(dialect.opening()[0])
    aged(connector, 31)
    with pytest.raises(StreamBroken):
        dialect.receive(json.dumps(REFUSED | {"id": str(frame["id"])}))
    assert grants(connector) == ["client_credentials", "refresh_token"]
    denied = REFUSED | {"id": "9", "error": {"code": 2033, "message": "Access denied"}}
    with pytest.raises(AuthFailed):
        dialect.receive(json.dumps(denied))


def test_sockets_are_opened_no_faster_than_the_venue_bears() -> None:
    (dialect,) = connect([]).public_stream([BTC], StreamEvents()).dialects
    for _ in range(5):
        dialect.permit()
    with pytest.raises(RateLimited):
        dialect.permit()


def test_a_venue_that_is_away_costs_none_of_the_sockets_it_allows() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"ws://127.0.0.1:{nobody.getsockname()[1]}/"
        (dialect,) = connect([]).public_stream([BTC], StreamEvents()).dialects
        dialect._urls = (address,)
        stream = Stream([dialect], events=StreamEvents(), name="away")
        for _ in range(6):
            with pytest.raises(ConnectionRefusedError):
                stream._lines[0]._session(0)
    for _ in range(5):
        dialect.permit()
