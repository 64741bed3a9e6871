"""ccxt's OKX client, REST and streams, on the paper venue: what it chokes on is our fault. Its amounts are contracts."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import pytest

from apps.exchanges.connectors.base import Credentials
from cts.domain.synthetic import PROFILES
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"


def options_of(credentials: Credentials) -> dict[str, Any]:
    return {
        "apiKey": credentials.api_key,
        "secret": credentials.api_secret,
        "password": credentials.passphrase,
        "enableRateLimit": False,
        "options": {"fetchMarkets": {"types": ["swap"]}, "defaultType": "swap"},
    }


@pytest.fixture
def client(paper_venue: PaperVenueControl) -> Any:
    """As its users run it; only the host differs, and currencies (a spot matter) aren't loaded."""
    return client_of(paper_venue, paper_venue.account("okx"))


def client_of(venue: PaperVenueControl, credentials: Credentials) -> Any:
    client = ccxt.okx(options_of(credentials))
    client.has["fetchCurrencies"] = False
    client.urls["api"]["rest"] = f"{venue.url}/okx"
    return client


def test_markets_are_the_listed_swaps_with_their_contracts(client: Any) -> None:
    markets = client.load_markets()
    assert len(markets) == len(PROFILES)
    market = markets[BTC]
    assert (market["id"], market["swap"], market["linear"], market["settle"]) == ("BTC-USDT-SWAP", True, True, "USDT")
    assert (market["contractSize"], market["precision"]["amount"], market["precision"]["price"]) == (0.01, 0.01, 0.1)
    assert (market["limits"]["amount"]["min"], market["limits"]["leverage"]["max"]) == (0.01, 100)


def test_public_data_reads_as_one_market(client: Any) -> None:
    ticker = client.fetch_ticker(BTC)
    book = client.fetch_order_book(BTC, limit=5)
    candles = client.fetch_ohlcv(BTC, "1m", limit=30)
    old = client.fetch_ohlcv(BTC, "1h", since=client.milliseconds() - 30 * 86_400_000, limit=10)
    assert ticker["last"] == 60_000
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["bids"]) == 5
    for bars, step, count in ((candles, 60_000, 30), (old, 3_600_000, 10)):
        assert [b[0] - a[0] for a, b in itertools.pairwise(bars)] == [step] * (count - 1)
    assert candles[-1][4] == 60_000
    assert abs(client.fetch_time() - client.milliseconds()) < 1000
    assert len(client.fetch_tickers()) == len(PROFILES)
    assert abs(client.fetch_funding_rate(BTC)["fundingRate"]) < 0.001
    assert len(client.fetch_funding_rate_history(BTC, limit=5)) == 5
    assert client.fetch_mark_price(BTC)["markPrice"] == 60_000
    assert client.fetch_trades(BTC)[-1]["price"] == 60_000


def test_a_limit_order_rests_is_changed_found_and_canceled(client: Any) -> None:
    placed = client.create_order(BTC, "limit", "buy", 2, 59_000, {"clientOrderId": "mine1"})
    (resting,) = client.fetch_open_orders(BTC)
    assert (resting["id"], resting["clientOrderId"], resting["price"]) == (placed["id"], "mine1", 59_000)
    assert (resting["amount"], resting["status"]) == (2, "open")
    client.edit_order(placed["id"], BTC, "limit", "buy", 3, 58_500)
    changed = client.fetch_order(placed["id"], BTC)
    assert (changed["amount"], changed["price"]) == (3, 58_500)
    client.cancel_order(placed["id"], BTC)
    assert client.fetch_open_orders(BTC) == []
    assert [o["status"] for o in client.fetch_canceled_orders(BTC)] == ["canceled"]
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("1", BTC)


def test_many_orders_at_once_have_outcomes_of_their_own(client: Any) -> None:
    good = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 1, "price": 50_000}
    client.create_orders([good, good])
    ids = [order["id"] for order in client.fetch_open_orders(BTC)]
    assert len(ids) == 2
    client.cancel_orders(ids, BTC)
    assert client.fetch_open_orders(BTC) == []


def test_a_market_order_fills_pays_its_fee_and_holds_a_position(client: Any) -> None:
    client.set_leverage(10, BTC, {"mgnMode": "cross"})
    assert client.fetch_leverage(BTC)["longLeverage"] == 10
    client.create_order(BTC, "market", "buy", 10)
    (trade,) = client.fetch_my_trades(BTC)
    assert (trade["amount"], trade["side"], trade["fee"]["currency"]) == (10, "buy", "USDT")
    assert trade["fee"]["cost"] == pytest.approx(trade["price"] * 0.1 * 0.0005)
    (position,) = client.fetch_positions([BTC])
    assert (position["contracts"], position["side"], position["entryPrice"]) == (10, "long", trade["price"])
    assert (position["contractSize"], position["leverage"], position["marginMode"]) == (0.01, 10, "cross")
    balance = client.fetch_balance()["USDT"]
    assert balance["total"] == pytest.approx(10_000 - trade["fee"]["cost"], abs=0.2)
    assert balance["free"] == pytest.approx(10_000 - 600, abs=5)
    assert [o["status"] for o in client.fetch_closed_orders(BTC)] == ["closed"]


def test_an_order_larger_than_the_level_fills_in_parts(paper_venue: PaperVenueControl, client: Any) -> None:
    placed = client.create_order(BTC, "limit", "buy", 150, 60_000.5)
    (order,) = client.fetch_open_orders(BTC)
    assert (order["id"], order["status"], order["info"]["state"]) == (placed["id"], "open", "partially_filled")
    assert 0 < order["filled"] < 150
    paper_venue.price(BTC, 59_990)
    done = client.fetch_order(placed["id"], BTC)
    assert (done["status"], done["filled"]) == ("closed", 150)
    taken, made = client.fetch_order_trades(placed["id"], BTC)
    assert (taken["takerOrMaker"], made["takerOrMaker"]) == ("taker", "maker")
    assert (taken["amount"], taken["amount"] + made["amount"]) == (order["filled"], 150)


@pytest.mark.parametrize("way", ["stopLossPrice", "triggerPrice"])
def test_a_stop_waits_triggers_and_closes(paper_venue: PaperVenueControl, client: Any, way: str) -> None:
    client.create_order(BTC, "market", "buy", 10)
    stop = client.create_order(BTC, "market", "sell", 10, None, {way: 58_000, "reduceOnly": True})
    kind = {"ordType": "trigger" if way == "triggerPrice" else "conditional"}
    (waiting,) = client.fetch_open_orders(BTC, params={"trigger": True, **kind})
    assert waiting["id"] == stop["id"]
    assert 58_000 in (waiting["triggerPrice"], waiting["stopLossPrice"])
    assert waiting["reduceOnly"] is True
    paper_venue.price(BTC, 57_990)
    assert client.fetch_open_orders(BTC, params={"trigger": True, **kind}) == []
    assert client.fetch_positions([BTC]) == []
    assert [t["side"] for t in client.fetch_my_trades(BTC)] == ["buy", "sell"]
    fired = client.fetch_order(stop["id"], BTC, {"trigger": True})
    assert fired["info"]["state"] == "effective"
    became = client.fetch_order(fired["info"]["ordIdList"][0], BTC)
    assert (became["status"], became["filled"]) == ("closed", 10)


def test_a_trailing_stop_follows_the_price_and_closes(paper_venue: PaperVenueControl, client: Any) -> None:
    client.create_order(BTC, "market", "buy", 10)
    params = {"trailingPercent": "1", "reduceOnly": True}
    stop = client.create_order(BTC, "market", "sell", 10, None, params)
    for price, trigger in ((60_000, "59400"), (61_000, "60390"), (60_500, "60390")):
        paper_venue.price(BTC, price)
        (waiting,) = client.fetch_open_orders(BTC, params={"trailing": True})
        assert (waiting["id"], waiting["info"]["moveTriggerPx"]) == (stop["id"], trigger)
    paper_venue.price(BTC, 60_380)
    assert client.fetch_positions([BTC]) == []


def test_a_stop_is_canceled_by_its_own_id(client: Any) -> None:
    stop = client.create_order(BTC, "market", "sell", 10, None, {"stopLossPrice": 58_000})
    client.cancel_order(stop["id"], BTC, {"trigger": True})
    assert client.fetch_open_orders(BTC, params={"trigger": True, "ordType": "conditional"}) == []


def test_hedge_mode_holds_both_legs(client: Any) -> None:
    client.set_position_mode(True)
    assert client.fetch_position_mode()["hedged"] is True
    client.create_order(BTC, "market", "buy", 10, None, {"positionSide": "long"})
    client.create_order(BTC, "market", "sell", 20, None, {"positionSide": "short", "tdMode": "cross"})
    held = {p["side"]: p["contracts"] for p in client.fetch_positions([BTC])}
    assert held == {"long": 10, "short": 20}
    with pytest.raises(ccxt.ExchangeError, match="59000"):
        client.set_position_mode(False)


def test_isolated_margin_has_a_leverage_of_its_own(client: Any) -> None:
    client.set_margin_mode("isolated", BTC, {"lever": 5, "posSide": "net"})
    client.set_leverage(25, BTC, {"mgnMode": "cross"})
    client.create_order(BTC, "market", "buy", 10, None, {"marginMode": "isolated"})
    (position,) = client.fetch_positions([BTC])
    assert (position["marginMode"], position["leverage"]) == ("isolated", 5)
    assert position["collateral"] == pytest.approx(6000 / 5, rel=1e-3)


REFUSED: dict[str, tuple[dict[str, Any], str, type[Exception]]] = {
    "too large": ({"amount": 200_000_000.0}, "51101", ccxt.InvalidOrder),
    "no margin": ({"amount": 500.0}, "51008", ccxt.InsufficientFunds),
    "nothing to reduce": ({"params": {"reduceOnly": True}}, "51169", ccxt.ExchangeError),
    "price far off": ({"price": 70_000.0}, "51006", ccxt.InvalidOrder),
    "leg in net mode": ({"params": {"positionSide": "long"}}, "51000", ccxt.BadRequest),
    "no margin mode": ({"params": {"tdMode": "cash"}}, "51000", ccxt.BadRequest),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_venue_refuses_changes_nothing(client: Any, case: str) -> None:
    change, code, kind = REFUSED[case]
    order: dict[str, Any] = {"amount": 1, "price": 59_000.0, "params": {}, **change}
    with pytest.raises(kind, match=code):
        client.create_order(BTC, "limit", "buy", order["amount"], order["price"], order["params"])
    assert client.fetch_open_orders(BTC) == []
    assert client.fetch_my_trades(BTC) == []
    assert client.fetch_balance()["USDT"]["total"] == 10_000


def test_keys_that_are_not_right_and_old_clocks_are_told_as_such(client: Any) -> None:
    client.load_markets()
    client.secret, secret = "not the secret", client.secret
    with pytest.raises(ccxt.AuthenticationError, match="50113"):
        client.fetch_balance()
    client.secret = secret
    client.password, password = "another", client.password
    with pytest.raises(ccxt.AuthenticationError, match="50105"):
        client.fetch_balance()
    client.password = password
    client.options["timeDifference"] = 60_000
    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        client.fetch_balance()


def test_funding_is_told_as_a_bill(paper_venue: PaperVenueControl, client: Any) -> None:
    client.create_order(BTC, "market", "buy", 10)
    paper_venue.fund()
    (paid,) = client.fetch_funding_history(BTC)
    assert paid["amount"] < 0
    assert paid["code"] == "USDT"


@asynccontextmanager
async def streaming(venue: PaperVenueControl, credentials: Credentials) -> AsyncIterator[Any]:
    from ccxt import pro

    client = pro.okx(options_of(credentials))
    client.has["fetchCurrencies"] = False
    client.urls["api"] = {"rest": f"{venue.url}/okx", "ws": f"{venue.ws_url}/okx/ws/v5"}
    try:
        yield client
    finally:
        await client.close()


async def moved(venue: PaperVenueControl, price: float, waiting: Any) -> Any:
    """What a stream says after the price has moved; told again until it is heard."""
    task = asyncio.ensure_future(waiting)
    for _ in range(50):
        await asyncio.to_thread(venue.price, BTC, price)
        done, _ = await asyncio.wait([task], timeout=0.1)
        if done:
            return task.result()
    raise AssertionError("nothing heard")


async def gather(watch: Callable[[], Any], found: list[Any]) -> None:
    while True:
        found += await watch()


async def eventually(claim: Callable[[], bool]) -> None:
    for _ in range(100):
        if claim():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("did not happen in time")


def test_public_streams_tell_the_market(paper_venue: PaperVenueControl) -> None:
    async def watch() -> None:
        async with streaming(paper_venue, paper_venue.account("okx")) as client:
            await client.load_markets()
            assert (await client.watch_ticker(BTC))["last"] == 60_000
            book = await client.watch_order_book(BTC, 5)
            assert book["bids"][0][0] < book["asks"][0][0]
            trades = await moved(paper_venue, 60_100, client.watch_trades(BTC))
            assert trades[-1]["price"] in (60_000, 60_100)
            bars = await moved(paper_venue, 60_200, client.watch_ohlcv(BTC, "1m"))
            assert bars[-1][4] in (60_000, 60_100, 60_200)
            assert (await client.watch_mark_price(BTC))["markPrice"] > 0
            assert (await client.watch_funding_rate(BTC))["fundingRate"] != 0

    asyncio.run(watch())


def test_private_streams_tell_orders_trades_positions_and_balance(paper_venue: PaperVenueControl) -> None:
    async def watch() -> None:
        async with streaming(paper_venue, paper_venue.account("okx")) as client:
            await client.load_markets()
            assert (await client.watch_balance())["USDT"]["total"] == 10_000
            orders: list[Any] = []
            held: list[Any] = []
            watchers = [
                asyncio.ensure_future(gather(lambda: client.watch_orders(BTC), orders)),
                asyncio.ensure_future(gather(lambda: client.watch_positions([BTC]), held)),
            ]
            await asyncio.sleep(0.5)
            await client.create_order(BTC, "market", "buy", 10)
            await eventually(lambda: any(o["status"] == "closed" and o["filled"] == 10 for o in orders))
            await eventually(lambda: any((p["contracts"], p["side"]) == (10, "long") for p in held))
            for watcher in watchers:
                watcher.cancel()
            trades = asyncio.ensure_future(client.watch_my_trades(BTC))
            await asyncio.sleep(0.3)
            await client.create_order(BTC, "market", "sell", 10, None, {"reduceOnly": True})
            trade = (await asyncio.wait_for(trades, 5))[-1]
            assert (trade["side"], trade["amount"]) == ("sell", 10)
            assert trade["fee"]["cost"] < 0  # as the venue tells it: off the balance

    asyncio.run(watch())
