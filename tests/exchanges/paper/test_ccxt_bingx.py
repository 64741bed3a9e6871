"""ccxt trades on BingX's face as on BingX: what it chokes on is our fault."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

from apps.exchanges.connectors.base import Credentials
from cts.domain.synthetic import PROFILES
from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
BTC = "BTC/USDT:USDT"


@pytest.fixture
def keys(paper_venue: PaperVenueControl) -> Credentials:
    return paper_venue.account("bingx")


@pytest.fixture
def client(ccxt_client: Any, keys: Credentials) -> Any:
    """Told to be in the sandbox, it asks for swaps alone."""
    return ccxt_client("bingx", keys, sandboxMode=True)


def test_markets_are_the_listed_swaps_with_their_filters(client: Any) -> None:
    markets = client.load_markets()
    assert len(markets) == len(PROFILES)
    market = markets[BTC]
    assert (market["swap"], market["linear"], market["settle"], market["active"]) == (True, True, "USDT", True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.0001, 0.1)
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.0001, 2)


def test_public_data_reads_as_one_market(client: Any) -> None:
    ticker, book = client.fetch_ticker(BTC), client.fetch_order_book(BTC, limit=5)
    assert ticker["last"] == 60_000
    assert ticker["bid"] < ticker["ask"]
    assert (book["bids"][0][0], book["asks"][0][0]) == (ticker["bid"], ticker["ask"])
    assert [price for price, _ in book["asks"]] == sorted(price for price, _ in book["asks"])
    candles = client.fetch_ohlcv(BTC, "1m", limit=30)
    assert [b[0] - a[0] for a, b in itertools.pairwise(candles)] == [60_000] * 29
    assert candles[-1][4] == 60_000
    since = client.fetch_ohlcv(BTC, "1m", since=candles[3][0], limit=5)
    assert [candle[0] for candle in since] == [candle[0] for candle in candles[3:8]]
    assert abs(client.fetch_time() - client.milliseconds()) < 1000
    assert len(client.fetch_tickers()) == len(PROFILES)
    assert abs(client.fetch_funding_rate(BTC)["fundingRate"]) < 0.001
    assert len(client.fetch_funding_rates()) == len(PROFILES)
    rates = client.fetch_funding_rate_history(BTC, limit=5)
    assert [b["timestamp"] - a["timestamp"] for a, b in itertools.pairwise(rates)] == [8 * 3_600_000] * 4
    assert client.fetch_trades(BTC)[-1]["price"] == 60_000
    assert client.fetch_mark_price(BTC)["markPrice"] == 60_000


def test_a_limit_order_rests_is_found_and_is_canceled(client: Any) -> None:
    placed = client.create_order(BTC, "limit", "buy", 0.01, 59_000, {"clientOrderId": "Mine1"})
    resting = client.fetch_open_orders(BTC)
    assert [(o["id"], o["clientOrderId"], o["price"], o["amount"], o["status"]) for o in resting] == [
        (placed["id"], "mine1", 59_000, 0.01, "open")
    ]
    assert int(placed["id"]) > 2**53
    assert client.fetch_order(placed["id"], BTC)["status"] == "open"
    client.cancel_order(placed["id"], BTC)
    assert client.fetch_open_orders(BTC) == []
    assert [o["status"] for o in client.fetch_canceled_orders(BTC)] == ["canceled"]
    client.create_order(BTC, "limit", "buy", 0.01, 59_000, {"clientOrderId": "mine2"})
    client.cancel_order("", BTC, {"clientOrderId": "mine2"})
    assert client.fetch_open_orders(BTC) == []


def test_a_market_order_fills_pays_its_fee_and_holds_a_position(client: Any) -> None:
    client.set_margin_mode("isolated", BTC)
    client.set_leverage(10, BTC, {"side": "BOTH"})
    assert client.fetch_leverage(BTC)["longLeverage"] == 10
    assert client.fetch_margin_mode(BTC)["marginMode"] == "isolated"
    client.create_order(BTC, "market", "buy", 0.1)
    (trade,) = client.fetch_my_trades(BTC)
    assert (trade["side"], trade["fee"]["currency"]) == ("buy", "USDT")
    assert trade["amount"] == pytest.approx(0.1)
    assert trade["fee"]["cost"] == pytest.approx(trade["price"] * 0.1 * 0.0005)
    (position,) = client.fetch_positions([BTC])
    assert (position["contracts"], position["side"], position["entryPrice"]) == (0.1, "long", trade["price"])
    assert (position["leverage"], position["marginMode"]) == (10, "isolated")
    balance = client.fetch_balance()["USDT"]
    assert balance["used"] == pytest.approx(600, abs=5)
    assert balance["free"] == pytest.approx(10_000 - 600, abs=5)
    assert [o["status"] for o in client.fetch_closed_orders(BTC)] == ["closed"]


def test_an_order_larger_than_the_first_level_fills_in_parts(paper_venue: PaperVenueControl, client: Any) -> None:
    """The first level holds 50 000 USDT; a limit there takes it and rests with what is left."""
    client.set_leverage(50, BTC, {"side": "BOTH"})
    ask = client.fetch_ticker(BTC)["ask"]
    placed = client.create_order(BTC, "limit", "buy", 1.0, ask)
    (order,) = client.fetch_open_orders(BTC)
    assert (order["id"], order["status"]) == (placed["id"], "open")
    assert 0.8 < order["filled"] < 0.9
    paper_venue.price(BTC, 59_990)
    assert client.fetch_order(placed["id"], BTC)["filled"] == pytest.approx(1.0)
    parts = client.fetch_my_trades(BTC)
    assert len(parts) == 2
    assert sum(part["amount"] for part in parts) == pytest.approx(1.0)


def test_a_stop_waits_triggers_and_closes(paper_venue: PaperVenueControl, client: Any) -> None:
    client.create_order(BTC, "market", "buy", 0.1)
    stop = client.create_order(BTC, "market", "sell", 0.1, None, {"stopLossPrice": 58_000, "reduceOnly": True})
    (waiting,) = client.fetch_open_orders(BTC)
    assert (waiting["id"], waiting["stopLossPrice"], waiting["reduceOnly"]) == (stop["id"], 58_000, True)
    paper_venue.price(BTC, 57_990)
    assert client.fetch_open_orders(BTC) == []
    assert client.fetch_positions([BTC]) == []
    assert sorted(t["side"] for t in client.fetch_my_trades(BTC)) == ["buy", "sell"]


def test_a_target_triggers_on_the_other_side(paper_venue: PaperVenueControl, client: Any) -> None:
    client.create_order(BTC, "market", "sell", 0.1)
    client.create_order(BTC, "market", "buy", 0.1, None, {"takeProfitPrice": 58_000, "reduceOnly": True})
    (waiting,) = client.fetch_open_orders(BTC)
    assert waiting["takeProfitPrice"] == 58_000
    paper_venue.price(BTC, 57_990)
    assert client.fetch_positions([BTC]) == []


def test_a_trailing_stop_follows_the_best_price(paper_venue: PaperVenueControl, client: Any) -> None:
    client.create_order(BTC, "market", "buy", 0.1)
    placed = client.create_order(BTC, "market", "sell", 0.1, None, {"trailingPercent": 1, "reduceOnly": True})
    for price in (61_000, 62_000, 61_400):
        paper_venue.price(BTC, price)
        assert [o["id"] for o in client.fetch_open_orders(BTC)] == [placed["id"]]
    paper_venue.price(BTC, 61_379)
    assert client.fetch_order(placed["id"], BTC)["average"] == pytest.approx(61_379, abs=1)
    assert client.fetch_positions([BTC]) == []


def test_hedge_mode_holds_both_legs(client: Any) -> None:
    client.load_markets()
    client.set_position_mode(True, BTC)
    assert client.fetch_position_mode()["hedged"] is True
    client.set_leverage(5, BTC, {"side": "LONG"})
    client.create_order(BTC, "market", "buy", 0.1, None, {"hedged": True})
    client.create_order(BTC, "market", "sell", 0.2, None, {"hedged": True})
    held = {p["side"]: p["contracts"] for p in client.fetch_positions([BTC])}
    assert held == {"long": 0.1, "short": 0.2}
    client.create_order(BTC, "market", "sell", 0.1, None, {"hedged": True, "reduceOnly": True})
    assert [p["side"] for p in client.fetch_positions([BTC])] == ["short"]
    with pytest.raises(ccxt.ExchangeError, match="104103"):
        client.set_position_mode(False, BTC)


def test_batches_are_placed_and_canceled(client: Any) -> None:
    orders = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 59_000 - n, "params": {}}
        for n in range(5)
    ]
    placed = client.create_orders(orders)
    assert len({order["id"] for order in placed}) == 5
    client.cancel_orders([order["id"] for order in placed[:2]], BTC)
    assert {o["id"] for o in client.fetch_open_orders(BTC)} == {order["id"] for order in placed[2:]}
    client.cancel_all_orders(BTC)
    assert client.fetch_open_orders(BTC) == []


def test_funding_is_in_the_income(paper_venue: PaperVenueControl, client: Any) -> None:
    client.create_order(BTC, "market", "buy", 0.1)
    paper_venue.fund()
    (paid,) = client.fetch_funding_history(BTC)
    assert paid["amount"] != 0
    assert (paid["symbol"], paid["code"]) == (BTC, "USDT")


REFUSED: dict[str, tuple[dict[str, Any], int, type[Exception]]] = {
    "too large": ({"amount": 1_200_000.0}, 101209, ccxt.ExchangeError),
    "too small": ({"amount": 0.0001, "price": 12_000.0}, 110422, ccxt.ExchangeError),
    "no margin": ({"amount": 5.0}, 101204, ccxt.InsufficientFunds),
    "nothing to reduce": ({"params": {"reduceOnly": True}}, 101290, ccxt.ExchangeError),
    "price far off": ({"price": 70_000.0}, 101211, ccxt.ExchangeError),
    "would take": ({"price": 60_100.0, "params": {"timeInForce": "PostOnly"}}, 101215, ccxt.ExchangeError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_venue_refuses_changes_nothing(client: Any, case: str) -> None:
    change, code, kind = REFUSED[case]
    order: dict[str, Any] = {"amount": 0.01, "price": 59_000.0, "params": {}, **change}
    with pytest.raises(kind, match=f'"code":{code},'):
        client.create_order(BTC, "limit", "buy", order["amount"], order["price"], order["params"])
    assert client.fetch_open_orders(BTC) == []
    assert client.fetch_my_trades(BTC) == []
    assert client.fetch_balance()["USDT"]["total"] == 10_000


def test_a_wrong_secret_is_told_as_such(client: Any) -> None:
    client.secret = "not the secret"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_an_old_clock_is_told_as_such(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """ccxt knows the code only as that of a closed pair."""
    client.load_markets()
    monkeypatch.setattr(client, "nonce", lambda: client.milliseconds() - 60_000)
    with pytest.raises(ccxt.BadSymbol, match="timestamp"):
        client.fetch_balance()


@pytest.fixture
def streaming(paper_venue: PaperVenueControl, keys: Credentials) -> Callable[..., Any]:
    """Runs a coroutine with ccxt's websocket client, and closes it."""

    def run(use: Callable[[Any], Awaitable[Any]]) -> Any:
        async def within() -> Any:
            config = {"apiKey": keys.api_key, "secret": keys.api_secret, "options": {"sandboxMode": True}}
            client = ccxt.pro.bingx(config | {"enableRateLimit": False})
            client.options["defaultType"] = "swap"
            api = client.urls["api"]
            for name in [name for name in api if name != "ws"]:
                api[name] = f"{paper_venue.url}/bingx/openApi"
            api["ws"] = {"linear": f"{paper_venue.ws_url}/bingx/swap-market"}
            try:
                return await asyncio.wait_for(use(client), 20)
            finally:
                await client.close()

        return asyncio.run(within())

    return run


def test_public_streams_tell_the_market(paper_venue: PaperVenueControl, streaming: Callable[..., Any]) -> None:
    async def use(client: Any) -> tuple[Any, ...]:
        await client.load_markets()
        return (
            await client.watch_ticker(BTC),
            await client.watch_trades(BTC),
            await client.watch_order_book(BTC),
            await client.watch_ohlcv(BTC, "1m"),
        )

    ticker, trades, book, candles = streaming(use)
    assert ticker["last"] == trades[-1]["price"] == candles[-1][4] == 60_000
    assert book["bids"][0][0] < 60_000 < book["asks"][0][0]
    assert candles[-1][0] % 60_000 == 0


def test_the_account_stream_tells_orders_positions_and_balance(streaming: Callable[..., Any]) -> None:
    async def use(client: Any) -> tuple[Any, ...]:
        await client.load_markets()
        await client.authenticate()
        watching = asyncio.ensure_future(client.watch_orders(BTC))
        positions = asyncio.ensure_future(client.watch_positions([BTC]))
        await asyncio.sleep(1)
        await client.create_order(BTC, "market", "buy", 0.1)
        await asyncio.sleep(1)
        await watching
        return client.orders[-1], client.myTrades[-1], await positions, client.balance["swap"]["USDT"]

    last, trade, positions, balance = streaming(use)
    assert (last["status"], last["filled"], last["side"]) == ("closed", 0.1, "buy")
    assert (trade["order"], trade["side"]) == (last["id"], "buy")
    assert [(p["contracts"], p["side"]) for p in positions] == [(0.1, "long")]
    assert 9_990 < balance["free"] < 10_000
