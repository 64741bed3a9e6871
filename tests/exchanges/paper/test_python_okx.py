"""OKX's own SDK on the paper venue, REST and websocket."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.client import connect

from apps.exchanges.connectors.base import Credentials
from tests.paper_fixtures import PaperVenueControl

pytest.importorskip("okx", reason="OKX'S OWN SDK NOT TESTED: python-okx isn't installed")
from okx.Account import AccountAPI
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.Trade import TradeAPI
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

pytestmark = pytest.mark.wire
BTC = "BTC-USDT-SWAP"
SWAP = {"instId": BTC, "tdMode": "cross"}


class Sdk:
    """The SDK's parts with one account's keys, on demo trading as it is by default."""

    def __init__(self, venue: PaperVenueControl, keys: Credentials) -> None:
        signed = (keys.api_key, keys.api_secret, keys.passphrase)
        host: dict[str, Any] = {"domain": f"{venue.url}/okx", "flag": "1"}
        self.keys = keys
        self.trade = TradeAPI(*signed, **host)
        self.account = AccountAPI(*signed, **host)
        self.public = PublicAPI(**host)
        self.market = MarketAPI(**host)


@pytest.fixture
def sdk(paper_venue: PaperVenueControl) -> Sdk:
    return Sdk(paper_venue, paper_venue.account("okx"))


def data(answer: dict[str, Any]) -> list[dict[str, Any]]:
    assert answer["code"] == "0", answer
    rows: list[dict[str, Any]] = answer["data"]
    return rows


def refusal(answer: dict[str, Any]) -> str:
    items = answer["data"]
    return str(items[0]["sCode"] if items else answer["code"])


def test_market_data_is_told_in_contracts(sdk: Sdk) -> None:
    (listed,) = data(sdk.public.get_instruments(instType="SWAP", instId=BTC))
    assert (listed["ctVal"], listed["ctMult"], listed["lotSz"], listed["state"]) == ("0.01", "1", "0.01", "live")
    (ticker,) = data(sdk.market.get_ticker(instId=BTC))
    assert ticker["last"] == "60000"
    assert Decimal(ticker["vol24h"]) / 100 == pytest.approx(Decimal(ticker["volCcy24h"]), rel=Decimal("0.001"))
    bars = sdk.market.get_candlesticks(instId=BTC, bar="6Hutc", limit="3")["data"]
    assert [bar[8] for bar in bars] == ["0", "1", "1"]
    assert all(int(bar[0]) % 21_600_000 == 0 for bar in bars)
    assert data(sdk.public.get_funding_rate(instId=BTC))[0]["instId"] == BTC
    assert data(sdk.public.get_mark_price(instType="SWAP", instId=BTC))[0]["markPx"] == "60000"


def test_an_order_from_placing_to_closed_position(paper_venue: PaperVenueControl, sdk: Sdk) -> None:
    data(sdk.account.set_leverage(instId=BTC, lever="5", mgnMode="cross"))
    (placed,) = data(sdk.trade.place_order(**SWAP, side="buy", ordType="market", sz="5", clOrdId="a1"))
    (order,) = data(sdk.trade.get_order(instId=BTC, clOrdId="a1"))
    assert (order["ordId"], order["state"], order["accFillSz"]) == (placed["ordId"], "filled", "5")
    (position,) = data(sdk.account.get_positions(instType="SWAP"))
    assert (position["posSide"], position["pos"], position["lever"]) == ("net", "5", "5")
    paper_venue.price("BTC/USDT:USDT", 61_000)
    data(sdk.trade.place_order(**SWAP, side="sell", ordType="market", sz="5", reduceOnly="true"))
    assert data(sdk.account.get_positions(instType="SWAP")) == []
    close, open_ = data(sdk.trade.get_fills(instType="SWAP", instId=BTC))
    gained = (Decimal(close["fillPx"]) - Decimal(open_["fillPx"])) * Decimal("0.05")
    (usdt,) = data(sdk.account.get_account_balance())[0]["details"]
    assert Decimal(usdt["cashBal"]) == 10_000 + gained + Decimal(open_["fee"]) + Decimal(close["fee"])
    assert [row["clOrdId"] for row in data(sdk.trade.get_orders_history(instType="SWAP"))] == ["", "a1"]


def test_an_order_rests_is_amended_and_canceled(sdk: Sdk) -> None:
    data(sdk.trade.place_order(**SWAP, side="buy", ordType="post_only", sz="1", px="59000", clOrdId="b1"))
    data(sdk.trade.amend_order(instId=BTC, clOrdId="b1", newSz="2", newPx="58000"))
    (order,) = data(sdk.trade.get_order_list(instType="SWAP", instId=BTC))
    assert (order["clOrdId"], order["sz"], order["px"], order["state"]) == ("b1", "2", "58000", "live")
    data(sdk.trade.cancel_order(instId=BTC, clOrdId="b1"))
    assert refusal(sdk.trade.cancel_order(instId=BTC, clOrdId="b1")) == "51401"
    assert refusal(sdk.trade.cancel_order(instId=BTC, clOrdId="nosuch")) == "51400"
    crossing = sdk.trade.place_order(**SWAP, side="buy", ordType="post_only", sz="1", px="60100", clOrdId="b2")
    data(crossing)
    (order,) = data(sdk.trade.get_order(instId=BTC, clOrdId="b2"))
    assert (order["state"], order["cancelSource"]) == ("canceled", "31")


def test_a_batch_tells_every_order_apart(sdk: Sdk) -> None:
    good = SWAP | {"side": "buy", "ordType": "limit", "sz": "1", "px": "50000"}
    answer = sdk.trade.place_multiple_orders([good | {"clOrdId": "c1"}, good | {"clOrdId": "c2", "sz": "0.001"}])
    assert answer["code"] == "2"
    assert [row["sCode"] for row in answer["data"]] == ["0", "51121"]
    answer = sdk.trade.cancel_multiple_orders([{"instId": BTC, "clOrdId": name} for name in ("c1", "c2")])
    assert [row["sCode"] for row in answer["data"]] == ["0", "51400"]
    assert sdk.trade.cancel_multiple_orders([{"instId": BTC, "clOrdId": "c2"}])["code"] == "1"


def test_a_stop_waits_is_moved_and_becomes_an_order(paper_venue: PaperVenueControl, sdk: Sdk) -> None:
    data(sdk.trade.place_order(**SWAP, side="buy", ordType="market", sz="5"))
    stop = SWAP | {"side": "sell", "ordType": "conditional", "sz": "5", "reduceOnly": "true", "algoClOrdId": "s1"}
    (placed,) = data(sdk.trade.place_algo_order(**stop, slTriggerPx="58000", slOrdPx="-1"))
    data(sdk.trade.amend_algo_order(instId=BTC, algoClOrdId="s1", newSlTriggerPx="58500"))
    (waiting,) = data(sdk.trade.order_algos_list(ordType="conditional"))
    assert (waiting["algoId"], waiting["slTriggerPx"], waiting["state"]) == (placed["algoId"], "58500", "live")
    paper_venue.price("BTC/USDT:USDT", 58_490)
    (fired,) = data(sdk.trade.get_algo_order_details(algoClOrdId="s1"))
    assert fired["state"] == "effective"
    (order,) = data(sdk.trade.get_order(instId=BTC, ordId=fired["ordIdList"][0]))
    assert (order["state"], order["algoClOrdId"], order["clOrdId"]) == ("filled", "s1", "")
    assert data(sdk.trade.get_fills(instType="SWAP"))[0]["clOrdId"] == ""
    assert data(sdk.trade.order_algos_history(ordType="conditional", state="effective"))[0]["algoClOrdId"] == "s1"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"sz": "0.001", "px": "59000"}, "51121"),
        ({"sz": "1", "px": "59000.05"}, "51000"),
        ({"sz": "10000", "px": "59000"}, "51008"),
        ({"sz": "1", "px": "59000", "reduceOnly": "true"}, "51169"),
        ({"sz": "1", "px": "59000", "posSide": "long"}, "51000"),
        ({"sz": "1", "px": "59000", "instId": "NONE-USDT-SWAP"}, "51001"),
    ],
)
def test_refusals_carry_the_venues_code(sdk: Sdk, order: dict[str, str], code: str) -> None:
    answer = sdk.trade.place_order(**{**SWAP, "side": "buy", "ordType": "limit", **order})
    assert (answer["code"], refusal(answer)) == ("1", code)


@pytest.mark.parametrize(
    ("trigger", "code"),
    [({"slTriggerPx": "61000", "slOrdPx": "-1"}, "51280"), ({"tpTriggerPx": "59000", "tpOrdPx": "-1"}, "51279")],
)
def test_a_trigger_on_the_wrong_side_is_refused(sdk: Sdk, trigger: dict[str, str], code: str) -> None:
    answer = sdk.trade.place_algo_order(**SWAP, side="sell", ordType="conditional", sz="1", **trigger)
    assert refusal(answer) == code


def test_legs_of_isolated_margin_are_set_one_by_one(sdk: Sdk) -> None:
    data(sdk.account.set_position_mode(posMode="long_short_mode"))
    assert refusal(sdk.account.set_leverage(instId=BTC, lever="3", mgnMode="isolated")) == "51000"
    for leg in ("long", "short"):
        data(sdk.account.set_leverage(instId=BTC, lever="3", mgnMode="isolated", posSide=leg))
    order = {"instId": BTC, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1", "posSide": "long"}
    data(sdk.trade.place_order(**order))
    (position,) = data(sdk.account.get_positions())
    assert (position["mgnMode"], position["lever"], position["posSide"]) == ("isolated", "3", "long")
    assert refusal(sdk.trade.place_order(**{**order, "tdMode": "cross"})) == "51010"
    assert refusal(sdk.account.set_position_mode(posMode="net_mode")) == "59000"
    data(sdk.trade.close_positions(instId=BTC, mgnMode="isolated", posSide="long"))
    assert data(sdk.account.get_positions()) == []


Heard = list[dict[str, Any]]


async def listening(client: Any, url: str) -> asyncio.Task[None]:
    """Its factory insists on TLS; the socket is ours, all that goes over it is the client's."""
    client.websocket = await connect(url)
    return asyncio.ensure_future(client.consume())


async def heard(found: Heard, claim: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(100):
        for message in found:
            if claim(message):
                return message
        await asyncio.sleep(0.05)
    raise AssertionError(f"not heard, but {found}")


def test_the_public_socket_tells_what_was_asked_for(paper_venue: PaperVenueControl) -> None:
    async def watch() -> None:
        found: Heard = []
        url = f"{paper_venue.ws_url}/okx/ws/v5/public"
        client = WsPublicAsync(url=url)
        task = await listening(client, url)
        arg = {"channel": "tickers", "instId": BTC}
        await client.subscribe([arg, {"channel": "candle1m", "instId": BTC}], lambda raw: found.append(json.loads(raw)))
        assert (await heard(found, lambda m: m.get("event") == "subscribe"))["arg"] == arg
        assert (await heard(found, lambda m: m.get("event") == "error"))["code"] == "60018"
        assert (await heard(found, lambda m: "data" in m))["data"][0]["last"] == "60000"
        await client.unsubscribe([arg], client.callback)
        await heard(found, lambda m: m.get("event") == "unsubscribe")
        task.cancel()
        await client.websocket.close()

    asyncio.run(watch())


def test_the_private_socket_tells_orders_and_positions_after_login(paper_venue: PaperVenueControl, sdk: Sdk) -> None:
    async def watch() -> None:
        found: Heard = []
        keys, url = sdk.keys, f"{paper_venue.ws_url}/okx/ws/v5/private"
        client = WsPrivateAsync(keys.api_key, keys.passphrase, keys.api_secret, url)
        task = await listening(client, url)
        args = [{"channel": name, "instType": "SWAP"} for name in ("orders", "positions")]
        await client.send("subscribe", args, lambda raw: found.append(json.loads(raw)))
        assert (await heard(found, lambda m: m.get("event") == "error"))["code"] == "60011"
        await client.login()
        await heard(found, lambda m: m.get("event") == "login" and m["code"] == "0")
        await client.send("subscribe", args)
        await heard(found, lambda m: m.get("event") == "subscribe" and m["arg"]["channel"] == "positions")
        await asyncio.to_thread(
            lambda: data(sdk.trade.place_order(**SWAP, side="buy", ordType="market", sz="5", clOrdId="w1"))
        )
        filled = await heard(found, lambda m: "data" in m and m["data"] and m["data"][0].get("state") == "filled")
        row = filled["data"][0]
        assert (row["clOrdId"], row["fillSz"], row["execType"], row["fillFeeCcy"]) == ("w1", "5", "T", "USDT")
        assert Decimal(row["fillFee"]) < 0
        await heard(found, lambda m: "data" in m and any(r.get("pos") == "5" for r in m["data"]))
        task.cancel()
        await client.websocket.close()

    asyncio.run(watch())
