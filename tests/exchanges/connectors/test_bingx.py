"""What only BingX's connector has to know: codes with two meanings, ids that aren't kept, sides that aren't told."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.bingx import BingxConnector
from apps.exchanges.connectors.errors import classify
from apps.exchanges.connectors.registry import addresses_of, connector_create
from apps.exchanges.connectors.spec import ErrorClass
from cts.domain.errors import AmbiguousResult, PayloadError, RateLimited, Unavailable
from cts.domain.types import (
    Environment,
    Market,
    OrderRequest,
    OrderType,
    PositionSide,
    Side,
)
from cts.domain.venue import CancelRequest, KeyRights
from tests.exchanges.connectors.scripted import fixture, scripted

BTC = "BTC/USDT:USDT"
SWAP = "/openApi/swap/"


def order(client_id: str, order_type: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    price = Decimal(50000) if order_type is OrderType.LIMIT else None
    wanted = OrderRequest(
        client_order_id=client_id,
        symbol=BTC,
        side=Side.BUY,
        order_type=order_type,
        quantity=Decimal("0.01"),
        price=price,
    )
    return msgspec.structs.replace(wanted, **changes)


@pytest.mark.parametrize(
    ("code", "message", "meaning"),
    [
        ("100421", "Null timestamp or timestamp mismatch", ErrorClass.RESIGN),
        ("100421", "this pair is currently restricted from API trading", ErrorClass.REJECT),
        ("100421", "Order limit reached", ErrorClass.REJECT),
        ("109400", "Timestamp is invalid", ErrorClass.RESIGN),
        ("109400", "Invalid parameters, err:quantity", ErrorClass.REJECT),
        ("101400", "Duplicate clientOrderId", ErrorClass.RECONCILE),
        ("101400", "The minimum order amount is 5", ErrorClass.REJECT),
    ],
)
def test_codes_with_two_meanings_are_told_apart_by_their_words(code: str, message: str, meaning: ErrorClass) -> None:
    assert classify(BingxConnector.spec, code=code, message=message, http_status=200) is meaning


def test_limit_is_kept_as_long_as_its_words_say() -> None:
    words = "code:100410:over 20 error code:100202 requests, can retry after time: 1700000060000"
    call = fixture("bingx", "balances")["calls"][0] | {"answer": {"code": 100410, "msg": words}}
    connector = scripted("bingx", [call])
    with pytest.raises(RateLimited) as caught:
        connector.balances()
    assert caught.value.retry_at is not None
    left_s = (caught.value.retry_at - datetime.now(UTC)).total_seconds()
    assert left_s == pytest.approx((1_700_000_060_000 - connector.now_ms()) / 1000, abs=2)


def test_what_is_signed_is_sorted_and_plain_and_what_leaves_is_encoded_only_where_it_must_be() -> None:
    connector = scripted("bingx")
    plain = connector.order_request_bytes(order("cid1")).path.partition("?")[2]
    names = [name for name, _ in parse_qsl(plain)]
    assert names == [*sorted(names[:-1]), "signature"]
    assert "%" not in plain
    answers = [fixture("bingx", "place")[0]["call"] | {"path": f"{SWAP}v2/trade/batchOrders", "exactly": None}]
    del answers[0]["exactly"]
    sent = scripted("bingx", answers)
    sent.place_many([order("cid1")])
    query = sent._transport.sent[0].path.partition("?")[2]  # type: ignore[attr-defined]
    assert "batchOrders=%5B%7B" in query
    message, _, signature = query.rpartition("&signature=")
    assert sent._signer is not None
    assert signature == sent._signer.hex(unquote(message).encode())


def test_candles_as_arrays_read_like_objects() -> None:
    script = fixture("bingx", "candles")
    call = script["calls"][0]
    rows = call["answer"]["data"]
    names = ("time", "open", "high", "low", "close", "volume")
    call["answer"]["data"] = [[row[name] for name in names] for row in rows]
    candles = scripted("bingx", [call]).candles(BTC, timeframe_s=60, limit=3)
    assert [msgspec.to_builtins(candle) for candle in candles] == script["expected"]


def test_play_money_counts_as_the_margin_coin_on_its_own_market_only() -> None:
    row = fixture("bingx", "balances")["calls"][0]["answer"]["data"][0] | {"asset": "VST"}
    for environment, asset in ((Environment.TESTNET, "USDT"), (Environment.LIVE, "VST")):
        target = Target(environment=environment, market=Market.LINEAR)
        made = connector_create("bingx", credentials=Credentials(api_key="k", api_secret="s"), target=target)
        assert isinstance(made, BingxConnector)
        assert made.parse_balance(row).asset == asset
        assert "vst" in addresses_of(made.spec, msgspec.structs.replace(target, environment=Environment.TESTNET)).rest


@pytest.mark.parametrize(
    ("changes", "side"),
    [
        ({"positionAmt": "-0.5"}, PositionSide.SHORT),
        ({"markPrice": "3020", "unrealizedProfit": "4"}, PositionSide.LONG),
        ({"markPrice": "3020", "unrealizedProfit": "-4"}, PositionSide.SHORT),
        ({"markPrice": "3010.55", "unrealizedProfit": "0"}, PositionSide.SHORT),
        ({"markPrice": "3010.55", "unrealizedProfit": "0", "liquidationPrice": 2000}, PositionSide.LONG),
    ],
)
def test_side_of_a_one_way_position_is_what_its_figures_say(changes: dict[str, Any], side: PositionSide) -> None:
    row = fixture("bingx", "positions")["calls"][0]["answer"]["data"][2]
    leg = scripted("bingx").parse_position(row | {"positionSide": "BOTH"} | changes)
    assert leg is not None
    assert (leg.side, leg.quantity) == (side, Decimal("0.5"))


def test_side_nothing_tells_is_refused_not_guessed() -> None:
    row = fixture("bingx", "positions")["calls"][0]["answer"]["data"][2]
    flat = {"positionSide": "BOTH", "markPrice": "3010.55", "unrealizedProfit": "0", "liquidationPrice": 0}
    with pytest.raises(PayloadError, match="positionSide"):
        scripted("bingx").parse_position(row | flat)


def test_ids_beyond_a_floats_reach_keep_every_digit() -> None:
    connector = scripted("bingx")
    row = json.dumps(
        fixture("bingx", "order")["calls"][0]["answer"]["data"]["order"] | {"orderId": 1736012449498123501}
    )
    assert connector.parse_order(row.encode()).venue_order_id == "1736012449498123501"


def test_the_clients_id_is_read_in_either_spelling() -> None:
    row = fixture("bingx", "order")["calls"][0]["answer"]["data"]["order"]
    other = {name: value for name, value in row.items() if name != "clientOrderId"} | {"clientOrderID": "cid7"}
    assert scripted("bingx").parse_order(other).client_order_id == "cid7"


def test_batch_answer_that_names_an_order_no_more_is_no_outcome() -> None:
    places = {"method": "POST", "path": f"{SWAP}v2/trade/batchOrders", "answer": {"code": 0, "data": {"orders": None}}}
    cancels = {"method": "DELETE", "path": f"{SWAP}v2/trade/batchOrders", "answer": {"code": 0, "data": {}}}
    connector = scripted("bingx", [places, cancels])
    (placed,) = connector.place_many([order("cid1")])
    (canceled,) = connector.cancel_many([CancelRequest(symbol=BTC, client_order_id="cid1", venue_order_id="77")])
    assert isinstance(placed, AmbiguousResult)
    assert isinstance(canceled, Unavailable)


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_rights_of_a_key_are_read_with_and_without_the_envelope(is_wrapped: bool) -> None:
    told = {"apiKey": "k", "permissions": [1, 2, "3", 5], "ipAddresses": ["1.2.3.4"], "note": ""}
    answer = {"code": 0, "msg": "", "data": told} if is_wrapped else told
    call = {"method": "GET", "path": "/openApi/v1/account/apiPermissions", "answer": answer}
    rights = KeyRights(can_trade=True, can_withdraw=True, is_address_bound=True)
    assert scripted("bingx", [call]).key_rights() == rights
