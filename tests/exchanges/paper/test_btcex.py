"""The client of OrangeX's former name on its face: what it chokes on is our fault."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.paper.orangex.orders import Late
from cts.domain.synthetic import PROFILES
from tests.exchanges.paper.btcex.environment import Client, Refused, Unobtainable, interpreter
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.wire, pytest.mark.timeout(400)]
BTC = "BTC/USDT:USDT"
# It names the leg it opens or closes with every order: an account in hedge mode is what it trades on.
Connect = Callable[..., Client]


@pytest.fixture(scope="module", autouse=True)
def _environment() -> None:
    try:
        interpreter()
    except Unobtainable as error:
        pytest.skip(f"the btcex client can't be had here: {error}")


@pytest.fixture
def client(paper_venue: PaperVenueControl) -> Iterator[Connect]:
    made: list[Client] = []

    def connect(credentials: Credentials | None = None, **changes: str) -> Client:
        keys = credentials or paper_venue.account("orangex", position_mode="hedge")
        settings = {"key": keys.api_key, "secret": keys.api_secret, "rest": f"{paper_venue.url}/orangex"}
        settings["ws"] = f"{paper_venue.ws_url}/orangex/ws/api/v1"
        made.append(Client(**{**settings, **changes}))
        return made[-1]

    yield connect
    for each in made:
        each.__exit__(None, None, None)


def test_markets_are_the_listed_perpetuals_with_their_filters(client: Connect) -> None:
    markets = client()("load_markets")
    assert len(markets) == len(PROFILES)
    market = markets[BTC]
    assert (market["swap"], market["settle"], market["base"], market["quote"]) == (True, "USDT", "BTC", "USDT")
    assert market["precision"] == {"amount": 0.001, "price": 0.1}
    assert market["taker"] == 0.0006


def test_public_data_reads_as_one_market(client: Connect) -> None:
    one = client()
    assert one("fetch_ticker", BTC)["last"] == 60_000
    book = one("fetch_order_book", BTC, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["bids"]) == 5
    candles = one("fetch_ohlcv", BTC, "1m", None, 30)
    assert [b[0] - a[0] for a, b in itertools.pairwise(candles)] == [60_000] * 29
    assert candles[-1][4] == 60_000
    assert one("fetch_trades", BTC)[-1]["price"] == 60_000
    assert abs(one("fetch_funding_rate", BTC)["fundingRate"]) < 0.001
    assert set(one("fetch_funding_rates")) == set(PROFILES)
    assert one("fetch_open_interest", BTC)["openInterestAmount"] == 50_000
    assert one("fetch_market_leverage_tiers", BTC)[0]["maxLeverage"] == 200


def test_a_limit_order_rests_is_found_and_is_canceled(client: Connect) -> None:
    one = client()
    placed = one("create_order", BTC, "limit", "buy", 0.01, 59_000, {"custom_order_id": "mine1", "timeInForce": "GTC"})
    (resting,) = one("fetch_open_orders", BTC)
    assert (resting["id"], resting["price"], resting["amount"], resting["status"]) == (
        placed["id"],
        59_000,
        0.01,
        "open",
    )
    assert (resting["info"]["custom_order_id"], resting["info"]["position_side"]) == ("mine1", "LONG")
    assert one("cancel_order", placed["id"], BTC)["id"] == placed["id"]
    assert one("fetch_open_orders", BTC) == []
    assert [order["status"] for order in one("fetch_closed_orders", BTC)] == ["canceled"]


def test_an_order_is_told_late_by_its_id(client: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    one = client()
    monkeypatch.setattr(Late, "lag_s", 1.0)
    placed = one("create_order", BTC, "limit", "buy", 0.01, 59_000)
    told = [one("fetch_order", placed["id"])["status"]]
    _until(one, placed["id"], "open", told)
    one("cancel_order", placed["id"], BTC)
    _until(one, placed["id"], "canceled", told)
    # First an answer with neither a result nor an error, in which the client reads nothing.
    assert [status for status, _ in itertools.groupby(told)] == [None, "open", "canceled"]


def _listens(venue: PaperVenueControl, topics: int) -> None:
    deadline = time.monotonic() + 15
    while venue.call("GET", "/_health")["exchanges"]["orangex"]["private_topics"] < topics:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _until(one: Client, order_id: str, status: str, told: list[Any]) -> None:
    deadline = time.monotonic() + 10
    while told[-1] != status:
        assert time.monotonic() < deadline
        told.append(one("fetch_order", order_id)["status"])


def test_a_market_order_fills_pays_its_fee_and_holds_a_position(client: Connect) -> None:
    one = client()
    one("set_leverage", 10, BTC)
    assert one("fetch_leverage", BTC) == 10
    placed = one("create_order", BTC, "market", "buy", 0.1)
    (trade,) = one("fetch_my_trades", BTC)
    assert (trade["order"], trade["amount"], trade["side"]) == (placed["id"], 0.1, "buy")
    assert trade["fee"] == {"cost": pytest.approx(trade["price"] * 0.1 * 0.0006), "currency": "USDT"}
    assert one("fetch_order_trades", placed["id"]) == [trade]
    (position,) = one("fetch_positions")
    assert (position["symbol"], position["contracts"], position["side"]) == (BTC, 0.1, "long")
    assert (position["entryPrice"], position["leverage"]) == (trade["price"], 10)
    assert one("fetch_position", BTC)["contracts"] == 0.1
    balance = one("fetch_balance", {"type": "swap"})["USDT"]
    assert balance["total"] == pytest.approx(10_000 - trade["fee"]["cost"])
    assert balance["free"] == pytest.approx(10_000 - 600, abs=5)


def test_a_large_order_fills_in_parts_and_rests_with_what_is_left(client: Connect) -> None:
    one = client()
    one("set_leverage", 125, BTC)
    placed = one("create_order", BTC, "limit", "buy", 2, 60_000.2)
    (resting,) = one("fetch_open_orders", BTC)
    (trade,) = one("fetch_my_trades", BTC)
    assert resting["id"] == placed["id"]
    assert 0 < resting["filled"] == trade["amount"] < resting["amount"] == 2


def test_legs_live_side_by_side_and_are_closed_by_name(client: Connect) -> None:
    one = client()
    one("create_order", BTC, "market", "buy", 0.1)
    one("create_order", BTC, "market", "sell", 0.2)
    assert {p["side"]: p["contracts"] for p in one("fetch_positions")} == {"long": 0.1, "short": -0.2}
    one("create_order", BTC, "market", "sell", 0.1, None, {"reduceOnly": True})
    assert {p["side"] for p in one("fetch_positions")} == {"short"}


def test_a_stop_waits_triggers_and_closes(paper_venue: PaperVenueControl, client: Connect) -> None:
    one = client()
    one("create_order", BTC, "market", "buy", 0.1)
    stop = one("create_order", BTC, "market", "sell", 0.1, None, {"stopLossPrice": 58_000, "position_side": "LONG"})
    (waiting,) = one("fetch_open_orders", BTC)
    assert (waiting["id"], waiting["triggerPrice"], waiting["info"]["condition_type"]) == (stop["id"], 58_000, "STOP")
    paper_venue.price(BTC, 57_990)
    assert one("fetch_open_orders", BTC) == []
    assert one("fetch_positions") == []
    assert [trade["side"] for trade in one("fetch_my_trades", BTC)] == ["buy", "sell"]


def test_a_trigger_beyond_the_price_waits_to_be_crossed(paper_venue: PaperVenueControl, client: Connect) -> None:
    one = client()
    one("create_order", BTC, "market", "buy", 0.1, None, {"stopPrice": 59_000})
    assert len(one("fetch_open_orders", BTC)) == 1
    paper_venue.price(BTC, 58_990)
    assert one("fetch_open_orders", BTC) == []


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "too large": ({"amount": 1_200_000.0}, 5001, "InvalidOrder"),
    "worth too little": ({"amount": 0.001, "price": 5_000.0}, 5119, "InvalidOrder"),
    "no margin": ({"amount": 5.0}, 5907, "InsufficientFunds"),
    "nothing to reduce": ({"params": {"reduceOnly": True}}, 5001, "InvalidOrder"),
    "price far off": ({"price": 100_000.0}, 5013, "InvalidOrder"),
    "trailing stops, which are not simulated": ({"params": {"condition_type": "TRAILING"}}, 8000, "BadRequest"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_venue_refuses_changes_nothing(client: Connect, case: str) -> None:
    one = client()
    change, code, kind = REFUSED[case]
    order: dict[str, Any] = {"amount": 0.01, "price": 59_000.0, "params": {}, **change}
    with pytest.raises(Refused, match=rf'"code": ?{code}\b') as refused:
        one("create_order", BTC, "limit", "buy", order["amount"], order["price"], order["params"])
    assert kind in refused.value.kinds
    assert one("fetch_open_orders", BTC) == []
    assert one("fetch_balance", {"type": "swap"})["USDT"]["total"] == 10_000


def test_one_way_account_takes_an_order_for_a_leg_and_cancels_it(
    paper_venue: PaperVenueControl, client: Connect
) -> None:
    one = client(paper_venue.account("orangex"))
    one("create_order", BTC, "limit", "buy", 0.01, 59_000)
    (order,) = one("fetch_closed_orders", BTC)
    assert (order["status"], order["info"]["error_code"]) == ("canceled", "5998")


def test_a_wrong_secret_and_an_ended_token_are_told_as_such(paper_venue: PaperVenueControl, client: Connect) -> None:
    good = paper_venue.account("orangex")
    wrong = client(Credentials(api_key=good.api_key, api_secret="not the secret"))
    with pytest.raises(Refused, match="10000") as refused:
        wrong("fetch_balance", {"type": "swap"})
    assert "AuthenticationError" in refused.value.kinds
    one = client(good)
    one.set("options", {"accessToken": "ended long ago", "accountsByType": {"swap": "PERPETUAL"}})
    with pytest.raises(Refused, match="10000"):
        one("fetch_balance", {"type": "swap"})


def test_cancel_all_leaves_what_waits_for_a_trigger(client: Connect) -> None:
    one = client()
    one("create_order", BTC, "limit", "buy", 0.01, 59_000)
    one("create_order", BTC, "market", "buy", 0.01, None, {"stopPrice": 61_000})
    assert one("cancel_all_orders", BTC)["result"] == "1"
    assert [order["triggerPrice"] for order in one("fetch_open_orders", BTC)] == [61_000]


def test_sockets_tell_the_market_and_the_account(paper_venue: PaperVenueControl, client: Connect) -> None:
    keys = paper_venue.account("orangex", position_mode="hedge")
    one = client(keys)
    public = {
        "ticker": one.watch("watch_ticker", BTC),
        "trades": one.watch("watch_trades", BTC),
        "book": one.watch("watch_order_book", BTC),
        "bars": one.watch("watch_ohlcv", BTC, "1m"),
    }
    private = {}
    for name, verb, wanted in (
        ("orders", "watch_orders", BTC),
        ("fills", "watch_my_trades", BTC),
        ("balance", "watch_balance", {"type": "swap"}),
    ):
        private[name] = one.watch(verb, wanted)
        _listens(paper_venue, len(private))  # one at a time: its sign-in isn't made for two at once
    one("create_order", BTC, "market", "buy", 0.05)
    (fill,) = one.heard(private["fills"])
    assert (fill["amount"], fill["side"], fill["takerOrMaker"]) == (0.05, "buy", "taker")
    assert one.heard(private["orders"])[-1]["amount"] == 0.05
    assert one.heard(private["balance"])["USDT"]["total"] == pytest.approx(10_000 - fill["fee"]["cost"])
    for price in (60_100, 60_200, 60_300):
        paper_venue.price(BTC, price)
    assert one.heard(public["ticker"])["last"] in (60_000, 60_100, 60_200, 60_300)
    assert one.heard(public["trades"])[-1]["symbol"] == BTC
    assert one.heard(public["bars"])[-1][4] >= 60_000
    book = one.heard(public["book"])
    assert len(book["bids"]) >= 50
    assert book["bids"][0][0] < book["asks"][0][0]


# --- spot ---------------------------------------------------------------------------------------------------------------
COIN = "BTC/USDT"


@pytest.fixture
def spot(client: Connect) -> Client:
    one = client()
    markets = one("load_markets", True, {"currency": "SPOT"})
    assert len(markets) == len(PROFILES)
    assert (markets[COIN]["id"], markets[COIN]["spot"], markets[COIN]["taker"]) == ("BTC-USDT-SPOT", True, 0.001)
    return one


def test_spot_data_reads_as_a_market_of_its_own(spot: Client) -> None:
    assert spot("fetch_ticker", COIN)["symbol"] == COIN
    assert len(spot("fetch_order_book", COIN, 5)["asks"]) == 5
    assert spot("fetch_trades", COIN)[-1]["price"] == 60_000
    assert [b[0] - a[0] for a, b in itertools.pairwise(spot("fetch_ohlcv", COIN, "1m", None, 5))] == [60_000] * 4


def test_coins_are_bought_and_sold_and_pay_their_fees(spot: Client) -> None:
    # At market it buys for an amount of quote, which the client makes of a price.
    bought = spot("create_order", COIN, "market", "buy", 0.01, 60_000)
    (trade,) = spot("fetch_my_trades", COIN)
    assert (trade["order"], trade["amount"]) == (bought["id"], 0.01)
    assert trade["cost"] == pytest.approx(600, abs=0.01)
    assert trade["fee"] == {"cost": pytest.approx(0.01 * 0.001), "currency": "BTC"}
    balance = spot("fetch_balance", {"type": "spot"})
    assert balance["BTC"]["free"] == pytest.approx(0.01 - 0.00001)
    assert balance["USDT"]["total"] == pytest.approx(10_000 - trade["price"] * 0.01)
    spot("create_order", COIN, "market", "sell", 0.009)
    assert spot("fetch_balance", {"type": "spot"})["BTC"]["total"] == pytest.approx(0.00099)
    assert spot("fetch_my_trades", COIN)[-1]["fee"]["currency"] == "USDT"


def test_a_limit_order_of_spot_freezes_until_it_is_canceled(spot: Client) -> None:
    placed = spot("create_order", COIN, "limit", "buy", 0.01, 50_000)
    (resting,) = spot("fetch_open_orders", COIN)
    assert (resting["id"], resting["symbol"], resting["status"]) == (placed["id"], COIN, "open")
    assert spot("fetch_balance", {"type": "spot"})["USDT"]["used"] == 500
    spot("cancel_order", placed["id"], COIN)
    assert spot("fetch_open_orders", COIN) == []
    assert spot("fetch_balance", {"type": "spot"})["USDT"]["used"] == 0
