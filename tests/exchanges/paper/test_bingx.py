"""BingX's face read raw: spellings, what it keeps, what it cuts off and what it refuses."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from apps.exchanges.paper.server import PaperVenue
from tests.exchanges.paper.wire import RawBingx, _sign
from tests.paper_fixtures import START_PRICES, PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"
TRADE = "/openApi/swap/v2/trade/"


@pytest.fixture
def raw(paper_venue: PaperVenueControl) -> RawBingx:
    return RawBingx(paper_venue, paper_venue.account("bingx"))


def test_a_signature_covers_sorted_plain_values_and_any_form_of_body_is_taken(
    paper_venue: PaperVenueControl, raw: RawBingx
) -> None:
    order = {"symbol": "BTC-USDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "59000"}
    url, headers = raw.url + raw.order_path, {"X-BX-APIKEY": raw.keys.api_key}

    def signed(**change: str) -> dict[str, str]:
        fields = order | change | {"timestamp": str(int(time.time() * 1000))}
        plain = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        return fields | {"signature": _sign(raw.keys.api_secret, plain)}

    form = requests.post(url, data=signed(clientOrderId="form"), headers=headers, timeout=5)
    body = requests.post(url, json=signed(clientOrderID="json"), headers=headers, timeout=5)
    query = requests.post(f"{url}?{urlencode(signed(clientOrderId='query'))}", headers=headers, timeout=5)
    assert [answer.json()["code"] for answer in (form, body, query)] == [0, 0, 0]
    spoiled = signed(clientOrderId="no") | {"quantity": "0.02"}
    assert requests.post(url, data=spoiled, headers=headers, timeout=5).json()["code"] == 100001
    unsigned = {name: value for name, value in signed().items() if name != "signature"}
    assert requests.post(url, data=unsigned, headers=headers, timeout=5).json()["code"] == 100412
    known = {row["clientOrderId"] for row in raw.data("GET", TRADE + "openOrders")["orders"]}
    assert known == {"form", "json", "query"}


def test_client_ids_are_kept_in_lower_case_and_used_once(raw: RawBingx) -> None:
    answer = raw.place("MiXed").json()["data"]["order"]
    assert (answer["clientOrderID"], answer["orderID"]) == ("mixed", str(answer["orderId"]))
    assert answer["orderId"] > 2**53
    assert raw.code(raw.place("mixed")) == 101481
    for naming in ({"clientOrderId": "MIXED"}, {"clientOrderID": "mixed"}, {"orderId": answer["orderID"]}):
        assert raw.data("GET", TRADE + "order", symbol="BTC-USDT", **naming)["order"]["clientOrderId"] == "mixed"


def test_what_is_too_precise_is_cut_off_without_a_word(raw: RawBingx) -> None:
    raw.place("cut", quantity="0.01239", price="59000.19")
    (row,) = raw.data("GET", TRADE + "openOrders", symbol="BTC-USDT")["orders"]
    assert (row["origQty"], row["price"], row["status"]) == ("0.0123", "59000.1", "PENDING")
    assert raw.code(raw.place("none", quantity="0.00009")) == 101400


def test_of_conditional_orders_no_client_id_is_kept(paper_venue: PaperVenueControl, raw: RawBingx) -> None:
    stop: dict[str, Any] = {
        "side": "SELL",
        "type": "STOP_MARKET",
        "stopPrice": "59000",
        "workingType": "CONTRACT_PRICE",
        "price": "",
    }
    order = raw.place("stop1", **stop).json()["data"]["order"]
    named = raw.call("GET", TRADE + "order", {"symbol": "BTC-USDT", "clientOrderId": "stop1"})
    assert raw.code(named) == 109421
    row = raw.data("GET", TRADE + "order", symbol="BTC-USDT", orderId=order["orderID"])["order"]
    assert (row["type"], row["status"], row["stopPrice"], row["clientOrderId"]) == ("STOP_MARKET", "NEW", "59000", "")
    assert raw.code(raw.place("stop2", **stop | {"stopPrice": "60001"})) == 110402
    paper_venue.price(BTC, 58_990)
    row = raw.data("GET", TRADE + "order", symbol="BTC-USDT", orderId=order["orderID"])["order"]
    assert (row["type"], row["status"], row["executedQty"]) == ("STOP_MARKET", "FILLED", "0.01")


def test_a_trigger_fires_from_whichever_side_and_closes_the_whole_position(
    paper_venue: PaperVenueControl, raw: RawBingx
) -> None:
    raw.place("entry", type="MARKET", price="", quantity="0.02")
    rising: dict[str, Any] = {"type": "TRIGGER_MARKET", "stopPrice": "60500", "price": "", "quantity": "0.01"}
    closing: dict[str, Any] = {
        "side": "SELL",
        "type": "TAKE_PROFIT_MARKET",
        "stopPrice": "61000",
        "closePosition": "true",
    }
    assert raw.code(raw.place("", **rising)) == raw.code(raw.place("", **closing, quantity="", price="")) == 0
    paper_venue.price(BTC, 60_500)
    (held,) = raw.data("GET", "/openApi/swap/v2/user/positions")
    assert (held["positionAmt"], held["positionSide"], held["onlyOnePosition"]) == ("0.03", "LONG", True)
    paper_venue.price(BTC, 61_000)
    assert raw.data("GET", "/openApi/swap/v2/user/positions") == []


def test_a_trailing_stop_waits_for_its_activation(paper_venue: PaperVenueControl, raw: RawBingx) -> None:
    raw.place("entry", type="MARKET", price="")
    trail: dict[str, Any] = {
        "side": "SELL", "type": "TRAILING_STOP_MARKET", "priceRate": "0.01", "activationPrice": "61000",
        "workingType": "CONTRACT_PRICE", "reduceOnly": "true", "price": "",
    }  # fmt: skip
    order_id = raw.place("", **trail).json()["data"]["order"]["orderID"]

    def status() -> str:
        row = raw.data("GET", TRADE + "order", symbol="BTC-USDT", orderId=order_id)["order"]
        assert (row["priceRate"], row["activationPrice"]) == ("0.01", "61000")
        return str(row["status"])

    for price in (50_000, 20_000, 60_999, 61_500):
        paper_venue.price(BTC, price)
        assert status() == "NEW"
    paper_venue.price(BTC, 60_886)
    assert status() == "NEW"
    paper_venue.price(BTC, 60_885)
    assert status() == "FILLED"


def test_a_trailing_stop_the_market_has_passed_or_that_keeps_an_amount_is_refused(raw: RawBingx) -> None:
    raw.place("entry", type="MARKET", price="")
    trail: dict[str, Any] = {"side": "SELL", "type": "TRAILING_STOP_MARKET", "workingType": "CONTRACT_PRICE"}
    assert raw.code(raw.place("", **trail, price="", priceRate="0.01", activationPrice="59000")) == 110402
    assert raw.code(raw.place("", **trail, price="", priceRate="1.5")) == 109400
    assert raw.code(raw.place("", **trail, price="600")) == 109400


def test_a_trailing_stop_survives_a_restart(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "trail.sqlite3", seed=1, start_prices=START_PRICES)
    control = PaperVenueControl(venue.start_in_thread())
    raw = RawBingx(control, control.account("bingx"))
    raw.place("entry", type="MARKET", price="")
    trail: dict[str, Any] = {
        "side": "SELL",
        "type": "TRAILING_STOP_MARKET",
        "priceRate": "0.01",
        "workingType": "CONTRACT_PRICE",
    }
    assert raw.code(raw.place("", **trail, price="")) == 0
    control.price(BTC, 62_000)
    venue.stop()
    again = PaperVenue(state_path=tmp_path / "trail.sqlite3", seed=1, start_prices=START_PRICES)
    control = PaperVenueControl(again.start_in_thread())
    try:
        control.price(BTC, 61_381)
        assert len(control.state("bingx", raw.keys)["positions"]) == 1
        control.price(BTC, 61_380)
        assert control.state("bingx", raw.keys)["positions"] == []
    finally:
        again.stop()


def test_a_leg_must_fit_the_mode_and_reduce_only_is_for_one_of_them(raw: RawBingx) -> None:
    dual = "/openApi/swap/v1/positionSide/dual"
    assert raw.code(raw.place("h0", positionSide="LONG")) == 109400
    raw.data("POST", dual, dualSidePosition="true")
    assert raw.data("GET", dual) == {"dualSidePosition": "true"}
    assert raw.code(raw.place("h1")) == 109400
    assert raw.code(raw.place("h2", positionSide="LONG", reduceOnly="true")) == 109400
    assert raw.code(raw.place("h3", positionSide="LONG")) == 0
    assert raw.code(raw.call("POST", dual, {"dualSidePosition": "false"})) == 104103
    leverage = {"symbol": "BTC-USDT", "leverage": 5}
    assert raw.code(raw.call("POST", TRADE + "leverage", leverage | {"side": "BOTH"})) == 109400
    assert raw.code(raw.call("POST", TRADE + "leverage", leverage | {"side": "SHORT"})) == 0


def test_a_batch_takes_five_and_tells_each_outcome(raw: RawBingx) -> None:
    order = {"symbol": "BTC-USDT", "side": "BUY", "type": "LIMIT", "quantity": 0.01, "price": 59000}
    orders = [order | {"clientOrderId": f"b{n}", "price": price} for n, price in enumerate((59000, 90000, 58000))]
    data = raw.data("POST", TRADE + "batchOrders", batchOrders=json.dumps(orders))
    assert [row["clientOrderID"] for row in data["orders"]] == ["b0", "b2"]
    assert [(row["clientOrderId"], row["errorCode"]) for row in data["errors"]] == [("b1", 101211)]
    too_many = raw.call("POST", TRADE + "batchOrders", {"batchOrders": json.dumps([order] * 6)})
    assert raw.code(too_many) == 109400
    ids = [row["orderId"] for row in data["orders"]]
    done = raw.data("DELETE", TRADE + "batchOrders", symbol="BTC-USDT", orderIdList=json.dumps([*ids, 7]))
    assert [row["orderId"] for row in done["success"]] == ids
    assert [(row["orderId"], row["errorCode"]) for row in done["failed"]] == [(7, 109421)]
    named = raw.call("DELETE", TRADE + "batchOrders", {"symbol": "BTC-USDT", "clientOrderIdList": '["b0"]'})
    assert named.json()["data"]["failed"][0]["errorCode"] == 109422


def test_only_the_quantity_of_an_order_changes(raw: RawBingx) -> None:
    raw.place("grow")
    answer = raw.data("POST", "/openApi/swap/v1/trade/amend", symbol="BTC-USDT", clientOrderId="grow", quantity="0.03")
    assert answer["quantity"] == "0.03"
    (row,) = raw.data("GET", TRADE + "openOrders")["orders"]
    assert (row["origQty"], row["price"]) == ("0.03", "59000")


def test_trades_are_listed_in_both_ways(raw: RawBingx) -> None:
    raw.place("t1", type="MARKET", price="")
    now = int(time.time() * 1000)
    span = {"startTs": now - 60_000, "endTs": now + 60_000}
    (fill,) = raw.data("GET", TRADE + "fillHistory", symbol="BTC-USDT", **span)["fill_history_orders"]
    assert (fill["qty"], fill["role"], fill["side"]) == ("0.01", "taker", "BUY")
    assert fill["filledTime"].endswith("+08:00")
    assert raw.data("GET", TRADE + "fillHistory", symbol="ETH-USDT", **span)["fill_history_orders"] is None
    for unit, volume in (("COIN", "0.01"), ("CONT", "100")):
        (row,) = raw.data("GET", TRADE + "allFillOrders", tradingUnit=unit, **span)["fill_orders"]
        assert (row["volume"], row["orderId"], row["clientOrderID"]) == (volume, fill["orderId"], "t1")
    wide = raw.call("GET", TRADE + "allOrders", {"symbol": "BTC-USDT", "startTime": 1, "endTime": now, "limit": 500})
    assert raw.code(wide) == 109400


def test_candles_are_newest_first_and_begin_after_the_start(raw: RawBingx) -> None:
    path = "/openApi/swap/v3/quote/klines?symbol=BTC-USDT&interval=1m"
    rows = requests.get(f"{raw.url}{path}&limit=5", timeout=5).json()["data"]
    times = [row["time"] for row in rows]
    assert times == sorted(times, reverse=True)
    since = requests.get(f"{raw.url}{path}&startTime={times[-1]}&limit=2", timeout=5).json()["data"]
    assert [row["time"] for row in since] == [times[-3], times[-2]]


def test_a_limited_venue_counts_each_kind_of_call_on_its_own(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "limited.sqlite3", start_prices=START_PRICES, is_limited=True)
    control = PaperVenueControl(venue.start_in_thread())
    try:
        raw = RawBingx(control, control.account("bingx"))
        answers = [raw.place(f"r{number}") for number in range(12)]
        assert [raw.code(answer) for answer in answers] == [0] * 10 + [100410] * 2
        assert answers[3].headers["X-RateLimit-Requests-Remain"] == "6"
        assert raw.code(raw.balance()) == 0
    finally:
        venue.stop()


def test_a_path_nobody_knows_is_told_in_the_envelope(raw: RawBingx) -> None:
    answer = raw.call("GET", "/openApi/swap/v2/trade/nothing", {})
    assert (answer.status_code, raw.code(answer)) == (200, 100400)
