"""What a venue does when things go wrong, byte by byte, and what it remembers."""

import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from apps.exchanges.paper.server import PaperVenue
from tests.exchanges.paper.wire import RAW, Raw, Timed, told
from tests.paper_fixtures import START_PRICES, PaperVenueControl

pytestmark = pytest.mark.wire


SIGNATURE = {
    "bybit": 10004,
    "binance": -1022,
    "bingx": 100001,
    "okx": 50113,
    "orangex": 10000,
    "pionex": "INVALID_SIGNATURE",
}
NOBODY = {"bybit": 10003, "binance": -2015, "bingx": 100413, "okx": 50119, "orangex": 10000, "pionex": "INVALID_APIKEY"}
STALE = {"bybit": 10002, "binance": -1021, "bingx": 100421, "okx": 50102, "pionex": "INVALID_TIMESTAMP"}
# How old a request may be, and how far ahead of its own a venue lets a clock run.
WINDOW_MS = {
    "bybit": (5000, 1000),
    "binance": (5000, 1000),
    "bingx": (5000, 5000),
    "okx": (30_000, 30_000),
    "pionex": (20_000, 20_000),
}
BANNED = {"bybit": 403, "binance": 418, "bingx": 418, "okx": 403, "orangex": 403, "pionex": 429}


@pytest.fixture(params=sorted(RAW))
def raw(request: pytest.FixtureRequest, paper_venue: PaperVenueControl) -> Raw:
    return RAW[request.param](paper_venue, paper_venue.account(request.param))


@pytest.fixture(params=sorted(STALE))
def timed(request: pytest.FixtureRequest, paper_venue: PaperVenueControl) -> Timed:
    """One whose requests are signed for their time; a token has none."""
    made = RAW[request.param](paper_venue, paper_venue.account(request.param))
    assert isinstance(made, Timed)
    return made


def known(venue: PaperVenueControl, raw: Raw) -> list[str]:
    return [order["client_id"] for order in venue.state(raw.slug, raw.keys)["orders"]]


def test_an_unknown_key_and_a_wrong_signature_are_refused_with_the_venues_code(raw: Raw) -> None:
    real = raw.keys
    raw.keys = msgspec.structs.replace(real, api_secret="wrong")
    assert raw.code(raw.balance()) == SIGNATURE[raw.slug]
    raw.keys = msgspec.structs.replace(real, api_key="nobody")
    assert raw.code(raw.balance()) == NOBODY[raw.slug]
    raw.keys = real
    assert raw.code(raw.balance()) == 0


def test_a_clock_outside_the_window_is_refused(timed: Timed) -> None:
    behind_ms, ahead_ms = WINDOW_MS[timed.slug]
    for age_ms in (behind_ms + 1000, -ahead_ms - 1000):
        assert timed.code(timed.balance(age_ms=age_ms)) == STALE[timed.slug]


def test_skewed_clock_of_the_venue_refuses_honest_requests(paper_venue: PaperVenueControl, timed: Timed) -> None:
    paper_venue.faults(timed.slug, "", "clock_skew", skew_ms=40_000)
    assert timed.code(timed.balance()) == STALE[timed.slug]
    paper_venue.clear_faults()
    assert timed.code(timed.balance()) == 0


@pytest.mark.parametrize(
    ("kind", "options", "is_taken"),
    [
        ("timeout_after_accept", {"seconds": 0.6}, True),
        ("timeout_before_accept", {"seconds": 0.6}, False),
        ("refuse", {}, False),
        ("close_after_accept", {}, True),
    ],
)
def test_a_lost_answer_may_or_may_not_mean_an_order(
    paper_venue: PaperVenueControl, raw: Raw, kind: str, options: dict[str, Any], is_taken: bool
) -> None:
    paper_venue.faults(raw.slug, raw.order_path, kind, **options)
    with pytest.raises((requests.Timeout, requests.ConnectionError)):
        raw.place("lost1", timeout=0.3)
    assert known(paper_venue, raw) == (["lost1"] if is_taken else [])
    assert raw.code(raw.place("lost2")) == 0


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("is_taken", [True, False])
def test_a_gateway_error_hides_either_outcome(
    paper_venue: PaperVenueControl, raw: Raw, status: int, is_taken: bool
) -> None:
    paper_venue.faults(raw.slug, raw.order_path, f"error_{status}", is_accepted=is_taken)
    assert raw.place("g1").status_code == status
    assert known(paper_venue, raw) == (["g1"] if is_taken else [])


def test_rate_limits_tell_when_to_come_back_or_not(paper_venue: PaperVenueControl, raw: Raw) -> None:
    paper_venue.faults(raw.slug, raw.order_path, "rate_limit_429", retry_after_s=7)
    paper_venue.faults(raw.slug, raw.order_path, "rate_limit_429")
    told_when, silent = raw.place("r1"), raw.place("r2")
    if raw.slug == "binance":
        assert (told_when.status_code, told_when.headers["Retry-After"]) == (429, "7")
        assert (silent.status_code, silent.headers.get("Retry-After")) == (429, None)
    elif raw.slug == "bingx":
        assert raw.code(told_when) == raw.code(silent) == 100410
        assert re.search(r"unblocked after \d{13}$", told_when.json()["msg"])
        assert not re.search(r"\d{13}", silent.json()["msg"])
    elif raw.slug == "okx":
        assert [(answer.status_code, raw.code(answer)) for answer in (told_when, silent)] == [(429, 50011)] * 2
    elif raw.slug == "orangex":
        assert raw.code(told_when) == raw.code(silent) == 1005
    elif raw.slug == "pionex":
        assert [told_when.status_code, silent.status_code] == [429, 429]
    else:
        assert raw.code(told_when) == raw.code(silent) == 10006
        assert int(told_when.headers["X-Bapi-Limit-Reset-Timestamp"]) > time.time() * 1000 + 5000
        assert "X-Bapi-Limit-Reset-Timestamp" not in silent.headers
    assert known(paper_venue, raw) == []


def test_a_ban_closes_the_door(paper_venue: PaperVenueControl, raw: Raw) -> None:
    paper_venue.faults(raw.slug, "/", "ban", retry_after_s=60)
    assert raw.balance().status_code == BANNED[raw.slug]


def test_half_an_answer_is_no_json(paper_venue: PaperVenueControl, raw: Raw) -> None:
    paper_venue.faults(raw.slug, raw.order_path, "half_json")
    with pytest.raises(requests.JSONDecodeError):
        raw.place("half1").json()
    assert known(paper_venue, raw) == ["half1"]


def test_seeded_chance_strikes_the_same_requests_again(paper_venue: PaperVenueControl, raw: Raw) -> None:
    patterns = []
    for _ in range(2):
        paper_venue.faults(raw.slug, "/", "error_502", count=None, probability=0.5, seed=3)
        patterns.append([raw.balance().status_code for _ in range(12)])
        paper_venue.clear_faults()
    assert patterns[0] == patterns[1]
    assert set(patterns[0]) == {200, 502}


def test_private_events_repeat_come_late_or_get_lost(paper_venue: PaperVenueControl) -> None:
    raw = RAW["binance"](paper_venue, paper_venue.account("binance"))
    key = requests.post(f"{raw.url}/fapi/v1/listenKey", headers={"X-MBX-APIKEY": raw.keys.api_key}, timeout=5).json()[
        "listenKey"
    ]
    with connect(f"{paper_venue.ws_url}/binance/private/ws/{key}") as socket:
        paper_venue.faults("binance", "", "drop_event")
        raw.place("e1")
        paper_venue.faults("binance", "", "duplicate", times=2)
        raw.place("e2")
        ids = [told(socket, lambda m: m["e"] == "ORDER_TRADE_UPDATE")["o"]["c"] for _ in range(2)]
        assert ids == ["e2", "e2"]
        paper_venue.faults("binance", "", "late", seconds=0.3)
        raw.place("e3")
        raw.place("e4")
        ids = [told(socket, lambda m: m["e"] == "ORDER_TRADE_UPDATE")["o"]["c"] for _ in range(2)]
        assert ids == ["e4", "e3"]


def test_a_dropped_socket_is_gone_without_a_word(paper_venue: PaperVenueControl) -> None:
    with connect(f"{paper_venue.ws_url}/bybit/v5/public/linear") as socket:
        paper_venue.faults("bybit", "", "drop_socket")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    venue = PaperVenue(state_path=tmp_path / "state.sqlite3", seed=1, start_prices=START_PRICES)
    control = PaperVenueControl(venue.start_in_thread())
    control.price("BTC/USDT:USDT", 60_050)
    keys = control.account("bybit")
    raw = RAW["bybit"](control, keys)
    assert raw.code(raw.place("resting")) == 0
    assert raw.code(raw.place("taking", price="60100")) == 0
    assert (
        raw.code(
            raw.place(
                "stop", side="Sell", orderType="Market", triggerPrice="58000", triggerDirection=2, reduceOnly=True
            )
        )
        == 0
    )
    before = control.state("bybit", keys)
    venue.stop()
    again = PaperVenue(state_path=tmp_path / "state.sqlite3", seed=1, start_prices=START_PRICES)
    control = PaperVenueControl(again.start_in_thread())
    try:
        after = control.state("bybit", keys)
        assert sorted(after.pop("orders"), key=str) == sorted(before.pop("orders"), key=str)
        assert after == before
        control.price("BTC/USDT:USDT", 57_000)
        assert control.state("bybit", keys)["positions"][0]["quantity"] == "0.01"
        assert len(control.state("bybit", keys)["fills"]) == 3
    finally:
        again.stop()


def test_provisioning_an_account_twice_deposits_once(paper_venue: PaperVenueControl) -> None:
    keys = paper_venue.account("bybit", balance="500")
    paper_venue.account_for("bybit", keys, balance="500")
    assert paper_venue.state("bybit", keys)["balance"] == "500.00000000"


@pytest.mark.parametrize(
    "junk",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"],
)
def test_what_is_not_http_is_answered_400(paper_venue: PaperVenueControl, junk: bytes) -> None:
    import socket

    host, port = paper_venue.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(junk)
        assert line.recv(4096).startswith(b"HTTP/1.1 400 ")
