"""What only OKX has: contracts, a demo header, batches with an outcome each, amendments by what an order is."""

import base64
import hmac
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Target
from apps.exchanges.connectors.okx import OkxConnector
from apps.exchanges.connectors.okx.contracts import Contracts
from apps.exchanges.connectors.registry import addresses_of, connector_create
from cts.domain.errors import (
    AmbiguousResult,
    OrderNotFound,
    PayloadError,
    Rejected,
    Unavailable,
    Unsupported,
)
from cts.domain.types import (
    Environment,
    MarginMode,
    Market,
    OrderAck,
    OrderRequest,
    OrderType,
    PositionMode,
)
from cts.domain.venue import (
    AmendRequest,
    CancelRequest,
)
from tests.exchanges.connectors.scripted import KEY, ScriptedTransport, fixture, scripted
from tests.exchanges.connectors.test_paper import order

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NAME = "BTC-USDT-SWAP"


def okx(calls: list[dict[str, Any]] | None = None, *, mode: PositionMode = PositionMode.HEDGE) -> OkxConnector:
    connector = scripted("okx", calls, mode=mode)
    assert isinstance(connector, OkxConnector)
    return connector


def limit(client_id: str = "cid1", **changes: Any) -> OrderRequest:
    return order(client_id, OrderType.LIMIT, price=Decimal(60000), **changes)


def post(path: str, body: Any, *rows: dict[str, Any], code: str = "0") -> dict[str, Any]:
    answer = {"code": code, "msg": "", "data": list(rows)}
    return {"method": "POST", "path": f"/api/v5/{path}", "exactly": body, "answer": answer}


def test_contract_sizes_are_asked_once_and_kept() -> None:
    connector = okx()
    asked: list[int] = []

    def load() -> None:
        asked.append(1)
        connector.contracts_load()

    connector.contracts = Contracts(load)
    sizes = [json.loads(connector.order_request_bytes(limit(symbol=symbol)).body)["sz"] for symbol in (BTC, ETH, BTC)]
    assert sizes == ["1", "0.1", "1"]
    assert len(asked) == 1


def test_symbol_the_venue_does_not_list_is_refused_without_asking_again_and_again() -> None:
    connector = okx()
    for _ in range(3):
        with pytest.raises(Rejected, match="doesn't list"):
            connector.place(limit(symbol="NONE/USDT:USDT"))
    row = fixture("okx", "order")["calls"][0]["answer"]["data"][0] | {"instId": "NONE-USDT-SWAP"}
    with pytest.raises(PayloadError, match="instId"):
        connector.parse_order(row)


def test_one_unreadable_instrument_leaves_the_others_tradable() -> None:
    listed = fixture("okx", "asides")[0]
    rows = [row | ({"ctVal": "NaN"} if row["instId"] == NAME else {}) for row in listed["answer"]["data"]]
    connector = okx([listed | {"answer": listed["answer"] | {"data": rows}}])
    assert connector.order_request_bytes(limit(symbol=ETH)).path == "/api/v5/trade/order"
    with pytest.raises(Rejected):
        connector.place(limit())


def test_demo_is_the_same_host_with_a_header_and_sockets_of_its_own() -> None:
    target = Target(environment=Environment.TESTNET, market=Market.LINEAR)
    demo, live = (
        addresses_of(OkxConnector.spec, msgspec.structs.replace(target, environment=e)) for e in ("testnet", "live")
    )
    assert demo.rest == live.rest
    assert set(demo.ws.values()).isdisjoint(live.ws.values())
    connector = connector_create("okx", credentials=KEY, target=target, transport=ScriptedTransport("okx", []))
    assert isinstance(connector, OkxConnector)
    connector.clock.sync(lambda: 1_700_000_000_500)
    for call in (connector.time_call, fixture_call("account/balance")):
        assert connector._prepare(call, {}).headers["x-simulated-trading"] == "1"
    assert "x-simulated-trading" not in okx().order_request_bytes(limit()).headers


def fixture_call(path: str) -> Any:
    from apps.exchanges.connectors.spec import Call

    return Call(method="GET", path=f"/api/v5/{path}")


def test_signature_is_over_time_method_target_and_body() -> None:
    connector = okx()
    connector.now_ms()  # as after any first contact
    sent = connector.order_request_bytes(limit())
    stamp = sent.headers["OK-ACCESS-TIMESTAMP"]
    told = stamp.encode() + b"POST/api/v5/trade/order" + sent.body
    assert stamp == "2023-11-14T22:13:20.500Z"
    assert sent.headers["OK-ACCESS-SIGN"] == base64.b64encode(hmac.digest(b"test-secret-5678", told, "sha256")).decode()
    assert (sent.headers["OK-ACCESS-KEY"], sent.headers["OK-ACCESS-PASSPHRASE"]) == (KEY.api_key, KEY.passphrase)


def test_margin_mode_goes_with_every_order_and_is_sent_nowhere_else() -> None:
    connector = okx()
    words = []
    for mode in (MarginMode.ISOLATED, MarginMode.CROSS):
        connector.set_margin_mode(BTC, margin_mode=mode, leverage=3)
        words.append(json.loads(connector.order_request_bytes(limit()).body)["tdMode"])
    assert words == ["isolated", "cross"]
    target = Target(environment=Environment.LIVE, market=Market.LINEAR, margin_mode=MarginMode.ISOLATED)
    other = connector_create("okx", credentials=KEY, target=target, transport=ScriptedTransport("okx", []))
    assert isinstance(other, OkxConnector)
    assert other._margin_mode is MarginMode.ISOLATED


def test_isolated_legs_get_their_leverage_one_by_one() -> None:
    body = {"instId": NAME, "lever": "7", "mgnMode": "isolated"}
    calls = [post("account/set-leverage", body | {"posSide": leg}, body) for leg in ("long", "short")]
    connector = okx(calls)
    connector.set_leverage(BTC, leverage=7, margin_mode=MarginMode.ISOLATED)
    connector.close()
    connector = okx([post("account/set-leverage", body, body)], mode=PositionMode.ONE_WAY)
    connector.set_leverage(BTC, leverage=7, margin_mode=MarginMode.ISOLATED)
    connector.close()


def body_of(client_id: str) -> dict[str, str]:
    return {
        "instId": NAME, "tdMode": "cross", "side": "buy", "sz": "1", "posSide": "long", "clOrdId": client_id,
        "ordType": "limit", "px": "60000",
    }  # fmt: skip


def told(client_id: str, code: str = "0", message: str = "") -> dict[str, str]:
    return {"clOrdId": client_id, "ordId": f"id-{client_id}" if code == "0" else "", "sCode": code, "sMsg": message}


def test_batch_has_an_outcome_for_each_in_their_order() -> None:
    codes = {"a1": "0", "a2": "51008", "a3": "51054", "a4": "51016", "a5": "50011"}
    rows = [told(name, code) for name, code in codes.items()]
    connector = okx([post("trade/batch-orders", [body_of(name) for name in codes], *rows, code="2")])
    outcomes = connector.place_many([limit(name) for name in codes] + [limit("Not portable")])
    assert outcomes[0] == OrderAck(client_order_id="a1", venue_order_id="id-a1")
    kinds = [type(outcome).__name__ for outcome in outcomes[1:]]
    assert kinds == ["Rejected", "AmbiguousResult", "AmbiguousResult", "RateLimited", "Rejected"]
    connector.close()


def test_batches_are_of_twenty_and_conditional_orders_go_alone() -> None:
    names = [f"a{number}" for number in range(23)]
    stop = fixture("okx", "place")[5]
    calls = [
        stop["call"],
        post("trade/batch-orders", [body_of(name) for name in names[:20]], *map(told, names[:20])),
        post("trade/batch-orders", [body_of(name) for name in names[20:]], *map(told, names[20:])),
    ]
    connector = okx(calls)
    requests = [*map(limit, names[:1]), msgspec.convert(stop["request"], OrderRequest), *map(limit, names[1:])]
    outcomes = connector.place_many(requests)
    assert [getattr(outcome, "client_order_id", "") for outcome in outcomes] == ["a0", "cid1", *names[1:]]
    connector.close()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"raises": AmbiguousResult("timed out")},
        {"text": "<html>", "status": 502},
        {"answer": {"code": "0", "data": []}},
    ],
)
def test_batch_whose_answer_is_lost_is_ambiguous_for_each(spoiled: dict[str, Any]) -> None:
    call = post("trade/batch-orders", [body_of("a1"), body_of("a2")]) | spoiled
    outcomes = okx([call]).place_many([limit("a1"), limit("a2")])
    assert [type(outcome) for outcome in outcomes] == [AmbiguousResult] * 2


def test_many_are_canceled_by_kind_and_told_apart() -> None:
    names = [{"instId": NAME, "clOrdId": name} for name in ("a1", "a2", "a3")]
    algo = {"instId": NAME, "algoClOrdId": "s1"}
    rows = [told("a1"), told("a2", "51401"), told("a3", "51410")]
    gone = {"algoClOrdId": "s1", "algoId": "", "sCode": "51400", "sMsg": "gone"}
    connector = okx(
        [
            post("trade/cancel-batch-orders", names, *rows, code="2"),
            post("trade/cancel-algos", [algo], gone, code="1"),
        ]
    )
    wanted = [CancelRequest(symbol=BTC, client_order_id=name) for name in ("a1", "a2", "a3")]
    wanted.insert(1, CancelRequest(symbol=BTC, client_order_id="s1", is_conditional=True))
    first, stop, second, third = connector.cancel_many(wanted)
    assert (first, third) == (None, None)  # 51410: being canceled already
    assert isinstance(stop, OrderNotFound)
    assert isinstance(second, OrderNotFound)
    connector.close()


def test_cancel_all_tells_what_could_not_be_canceled() -> None:
    calls = fixture("okx", "writes")["cancel_all"]["calls"]
    refused = {"ordId": "72", "clOrdId": "", "sCode": "50026", "sMsg": "System error"}
    rows = [calls[4]["answer"]["data"][0], refused]
    calls[4] = calls[4] | {"answer": calls[4]["answer"] | {"data": rows}}
    with pytest.raises(Unavailable):
        okx(calls).cancel_all(BTC)


def algo_look(**changes: Any) -> dict[str, Any]:
    call: dict[str, Any] = fixture("okx", "order_conditional")["calls"][0]
    return call | {"answer": call["answer"] | {"data": [call["answer"]["data"][0] | changes]}}


def test_order_is_amended_in_contracts() -> None:
    body = {"instId": NAME, "clOrdId": "cid1", "newSz": "2.5", "newPx": "59000"}
    connector = okx([post("trade/amend-order", body, told("cid1"))])
    connector.amend(AmendRequest(symbol=BTC, client_order_id="cid1", quantity=Decimal("0.025"), price=Decimal(59000)))
    connector.close()


@pytest.mark.parametrize(
    ("changes", "field"),
    [({}, "newSlTriggerPx"), ({"slTriggerPx": "", "tpTriggerPx": "61000", "tpOrdPx": "-1"}, "newTpTriggerPx")],
)
def test_trigger_is_amended_by_what_the_order_is(changes: dict[str, str], field: str) -> None:
    body = {"instId": NAME, "algoClOrdId": "cid1", field: "58000"}
    connector = okx([algo_look(**changes), post("trade/amend-algos", body, {"algoId": "1", "sCode": "0", "sMsg": ""})])
    wanted = AmendRequest(symbol=BTC, client_order_id="cid1", trigger_price=Decimal(58000), is_conditional=True)
    connector.amend(wanted)
    connector.close()


def test_what_the_venue_cannot_amend_is_refused_before_it_is_asked() -> None:
    trigger = AmendRequest(symbol=BTC, client_order_id="cid1", trigger_price=Decimal(58000))
    with pytest.raises(Rejected):
        okx().amend(trigger)
    trailing = algo_look(ordType="move_order_stop", slTriggerPx="", moveTriggerPx="59000")
    with pytest.raises(Unsupported):
        okx([trailing]).amend(msgspec.structs.replace(trigger, is_conditional=True))
