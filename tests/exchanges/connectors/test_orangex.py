"""What only OrangeX's connector does: signing in, finding orders it can't ask for by our ids, doubting what it is told."""

import json
import logging
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials, StreamEvents
from apps.exchanges.connectors.orangex.connector import OrangeXConnector
from apps.exchanges.connectors.orangex.session import Session, SignIn, client_signature, session_of
from apps.exchanges.connectors.orangex.user_stream import ASSETS, CHANGES
from apps.exchanges.connectors.signing import Signer
from apps.exchanges.connectors.stream import StreamBroken
from cts.domain.errors import AmbiguousResult, AuthFailed, OrderNotFound, RateLimited, Rejected, Unavailable
from cts.domain.types import Candle, OrderRequest, OrderStatus, OrderType, PositionMode, PositionSide, Side
from cts.domain.venue import BookTop, Channel, KeyRights, Trade
from tests.exchanges.connectors.scripted import KEY, ScriptedTransport, fixture, scripted
from tests.exchanges.connectors.test_contract import LIMIT

BTC = "BTC/USDT:USDT"
NAME = "BTC-USDT-PERPETUAL"
REFUSED = {"jsonrpc": "2.0", "usOut": 1_700_000_000_500, "error": {"code": 10000, "message": "Authentication Failure"}}
EMPTY = {"jsonrpc": "2.0", "usOut": 1_700_000_000_500}


def connect(calls: list[dict[str, Any]], **options: Any) -> OrangeXConnector:
    connector = scripted("orangex", calls, **options)
    assert isinstance(connector, OrangeXConnector)
    return connector


def call(name: str, result: Any = None, *, answer: Any = None, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": f"/api/v1/{name}", "answer": answer or EMPTY | {"result": result}, **more}


def aged(connector: OrangeXConnector, seconds: float) -> None:
    """Let time pass for the sign-in."""
    session = connector.session
    assert session is not None
    before = session._monotonic
    session._monotonic = lambda: before() + seconds


def grants(connector: OrangeXConnector) -> list[str]:
    assert isinstance(connector._transport, ScriptedTransport)
    bodies = [json.loads(request.body) for request in connector._transport.signing]
    return [body["params"]["grant_type"] for body in bodies if body["method"] == "/public/auth"]


BALANCES = fixture("orangex", "balances")["calls"][0]
ROW = fixture("orangex", "order")["calls"][0]["answer"]["result"][1]
ACK = fixture("orangex", "place")[0]["call"]


# --- signing in ---------------------------------------------------------------------------------------------------------
def test_connectors_of_an_account_share_one_sign_in() -> None:
    first, second = connect([BALANCES]), connect([BALANCES])
    first.balances()
    second.balances()
    assert (grants(first), grants(second)) == (["client_credentials"], [])
    assert isinstance(second._transport, ScriptedTransport)
    assert second._transport.sent[0].headers["Authorization"] == "bearer tok-1"


def test_wrong_secret_gains_nothing_by_the_sign_in_of_the_right_one() -> None:
    connect([BALANCES]).balances()
    wrong = Credentials(api_key=KEY.api_key, api_secret="another")
    other = connect([call("public/auth", answer=REFUSED)], credentials=wrong)
    for _ in range(2):  # the second is refused by us: not again within half a minute
        with pytest.raises(AuthFailed):
            other.balances()
    other.close()


@pytest.mark.parametrize(("life_s", "is_due_at"), [(43_199, 42_600), (600, 301)])
def test_token_is_renewed_before_it_ends_by_the_refresh_token(life_s: int, is_due_at: int) -> None:
    granted = fixture("orangex", "login")["calls"][0]["answer"]["result"]
    connector = connect([call("public/auth", granted | {"expires_in": life_s}), *[BALANCES] * 3])
    connector.balances()
    aged(connector, is_due_at - 10)
    connector.balances()
    assert grants(connector) == []
    aged(connector, 20)
    connector.balances()
    assert grants(connector) == ["refresh_token"]


def test_token_that_cannot_be_renewed_serves_until_its_end() -> None:
    down = call("public/auth", raises=Unavailable("down"))
    connector = connect([BALANCES, down, BALANCES])
    connector.balances()
    aged(connector, 42_700)
    assert connector.balances()


def test_refused_token_is_renewed_and_the_order_sent_again_once() -> None:
    connector = connect([ACK, ACK | {"answer": REFUSED}, ACK])
    connector.place(LIMIT)
    aged(connector, 31)
    assert connector.place(LIMIT).client_order_id == "cid1"
    connector.close()
    assert grants(connector) == ["client_credentials", "refresh_token"]


def test_token_refused_again_right_after_its_renewal_is_final() -> None:
    connector = connect([BALANCES, BALANCES | {"answer": REFUSED}, BALANCES | {"answer": REFUSED}])
    connector.balances()
    aged(connector, 31)
    with pytest.raises(AuthFailed):
        connector.balances()
    connector.close()


def test_refused_refresh_token_leads_to_the_key() -> None:
    connector = connect([BALANCES, BALANCES | {"answer": REFUSED}, call("public/auth", answer=REFUSED), BALANCES])
    connector.balances()
    aged(connector, 31)
    assert connector.balances()
    assert grants(connector) == ["client_credentials", "client_credentials"]


def test_signature_in_place_of_the_secret_is_made_as_the_venues_own_client_makes_it() -> None:
    vector = next(row for row in json.loads(_vectors()) if row["exchange"] == "orangex")
    client_id, timestamp, nonce, _ = vector["prehash"].split("\n")
    made = client_signature(Signer(vector["secret"]), client_id=client_id, timestamp=timestamp, nonce=nonce)
    assert made == vector["expected"]
    asked: list[dict[str, str]] = []
    session = Session(KEY, sign_in=SignIn.SIGNATURE)
    granted = fixture("orangex", "login")["calls"][0]["answer"]["result"]
    session.ensure(lambda words: asked.append(words) or granted)  # type: ignore[func-returns-value]
    assert asked[0].keys() == {"grant_type", "client_id", "timestamp", "nonce", "signature"}
    assert KEY.api_secret not in str(asked)


def _vectors() -> str:
    from tests.exchanges.connectors.scripted import VENUES

    return (VENUES / "signatures.json").read_text()


def test_token_and_secret_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connector = connect([BALANCES])
    connector.balances()
    session = session_of(connector.addresses.rest, KEY)
    shown = f"{vars(connector)}{vars(session)}{session._grant!r}{caplog.text}"
    assert not any(secret in shown for secret in ("tok-1", "ref-1", KEY.api_secret))


def test_rights_of_the_key_are_those_of_its_token() -> None:
    assert connect([]).key_rights() == KeyRights(can_trade=True, can_withdraw=False)


# --- orders -------------------------------------------------------------------------------------------------------------
def listed(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        call("private/get_open_orders_by_instrument", list(rows)),
        call("private/get_order_history_by_instrument", []),
    ]


def lost(**changes: Any) -> Any:
    """What became of LIMIT, listed without its name."""
    terms = {"amount": "0.01", "price": "60000.1", "filled_amount": "0", "average_price": "0"}
    return ROW | terms | {"custom_order_id": "-", "creation_timestamp": 1_700_000_000_900} | changes


def test_order_whose_answer_was_lost_is_recognized_by_its_terms_where_its_name_is_not_told() -> None:
    others = [lost(order_id="1", price="60000"), lost(order_id="2", creation_timestamp=1_699_999_000_000)]
    connector = connect([ACK | {"raises": AmbiguousResult("timed out")}, *listed(*others, lost(order_id="3"))])
    with pytest.raises(AmbiguousResult):
        connector.place(LIMIT)
    order = connector.order(BTC, client_order_id="cid1")
    assert (order.venue_order_id, order.client_order_id, order.status) == ("3", "cid1", OrderStatus.ACCEPTED)
    connector.close()
    assert connector.placed.id_of("cid1") == "3"


def test_two_orders_alike_are_never_guessed_between() -> None:
    alike = [lost(order_id="3"), lost(order_id="4")]
    connector = connect([ACK | {"raises": AmbiguousResult("timed out")}, *listed(*alike)])
    with pytest.raises(AmbiguousResult):
        connector.place(LIMIT)
    with pytest.raises(Unavailable, match="could be cid1"):
        connector.order(BTC, client_order_id="cid1")


def test_order_taken_just_now_is_looked_for_in_the_lists_while_it_has_no_state() -> None:
    young = [call("private/get_order_state", answer=EMPTY)] * 3
    connector = connect([ACK, *young, *listed(ROW)])
    connector.place(LIMIT)
    assert connector.order(BTC, client_order_id="cid1").status is OrderStatus.PARTIALLY_FILLED
    unlisted = connect([*young, *listed()])
    with pytest.raises(Unavailable):  # not "not found": the venue took it
        unlisted.order(BTC, client_order_id="cid1")
    unlisted.close()


@pytest.mark.parametrize(
    ("kind", "trigger"), [(OrderType.STOP_MARKET, "60000.2"), (OrderType.TAKE_PROFIT_MARKET, "60000")]
)
def test_trigger_the_price_has_reached_is_refused_before_it_is_sent_and_never_fires(
    kind: OrderType, trigger: str
) -> None:
    prices = fixture("orangex", "ticker")["calls"][1]
    connector = connect([prices])
    order = msgspec.structs.replace(LIMIT, order_type=kind, side=Side.SELL, price=None, trigger_price=Decimal(trigger))
    with pytest.raises(Rejected, match="has reached the trigger"):
        connector.place(order)
    connector.close()


def test_order_that_could_not_leave_is_not_remembered() -> None:
    connector = connect([])
    for change in ({"symbol": "BTC/USDT"}, {"quantity": Decimal(0)}, {"client_order_id": "A-1"}):
        with pytest.raises(Rejected):
            connector.place(msgspec.structs.replace(LIMIT, **change))
    assert connector.placed.symbols == set()


def test_cancel_of_an_order_that_is_not_listed_finds_none() -> None:
    with pytest.raises(OrderNotFound):
        connect([call("private/get_open_orders_by_instrument", [])]).cancel(BTC, client_order_id="cid1")


# --- the account --------------------------------------------------------------------------------------------------------
LEG = fixture("orangex", "positions")["calls"][0]["answer"]["result"][0]
ASSETS_IN_USE = BALANCES


def test_position_the_list_hides_is_found_by_the_symbols_traded(caplog: pytest.LogCaptureFixture) -> None:
    connector = connect([ACK, call("private/get_positions", []), call("private/get_user_position", [LEG])])
    connector.place(LIMIT)
    (leg,) = connector.positions()
    assert (leg.side, leg.quantity) == (PositionSide.LONG, Decimal("0.01"))
    assert "differ" in caplog.text


def test_margin_without_a_position_sends_to_the_trades_and_is_never_called_flat() -> None:
    traded = call("private/get_user_trades_by_currency", {"trades": [{"instrument_name": NAME}], "has_more": False})
    start = [call("private/get_positions", []), ASSETS_IN_USE, traded]
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
    assert frames == [{"access_token": "tok-1", "channels": [channel]} for channel in (CHANGES, ASSETS)]
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
        dialect.url(0)
    with pytest.raises(RateLimited):
        dialect.url(0)


def test_wish_is_met_by_side_kind_amount_price_and_time_only() -> None:
    wanted = OrderRequest(
        client_order_id="a", symbol=BTC, side=Side.SELL, order_type=OrderType.LIMIT, quantity=Decimal("0.01"), price=LIMIT.price
    )  # fmt: skip
    connector = connect([call("private/sell", raises=AmbiguousResult("lost")), *listed(lost())])
    with pytest.raises(AmbiguousResult):
        connector.place(wanted)
    with pytest.raises(OrderNotFound):
        connector.order(BTC, client_order_id="a")
