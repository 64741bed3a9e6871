"""OKX's face asked directly: what it keeps over a restart, and the codes of its front."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from apps.exchanges.paper.http import Request, Response
from apps.exchanges.paper.server import PaperVenue
from tests.exchanges.paper.test_doors import signed
from tests.paper_fixtures import START_PRICES

STOP = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "sz": "1"}


def opened(path: Path) -> PaperVenue:
    """Not serving: requests go straight to the face."""
    venue = PaperVenue(state_path=path, start_prices=START_PRICES)
    venue.account_ensure("okx", api_key="key", api_secret="secret", passphrase="passphrase", balance="10000")
    return venue


def asked(venue: PaperVenue, method: str, path: str, params: dict[str, str]) -> Any:
    return told(venue.faces["okx"].answer(signed("okx", method, f"/api/v5/{path}", params)))


def told(answer: Response) -> Any:
    return json.loads(answer.body)


def test_conditional_orders_are_what_they_were_after_a_restart(tmp_path: Path) -> None:
    venue = opened(tmp_path / "kept.sqlite3")
    target = {"ordType": "conditional", "tpTriggerPx": "61000", "tpOrdPx": "-1", "algoClOrdId": "tp1"}
    trailing = {"ordType": "move_order_stop", "callbackRatio": "0.01", "algoClOrdId": "trail1"}
    for terms in (target, trailing):
        assert asked(venue, "POST", "trade/order-algo", STOP | terms)["code"] == "0"
    venue.price_set("BTC/USDT:USDT", price=60_500)
    venue.store.close()
    venue = opened(tmp_path / "kept.sqlite3")
    rows = {
        name: asked(venue, "GET", "trade/order-algo", {"algoClOrdId": name})["data"][0] for name in ("tp1", "trail1")
    }
    assert (rows["tp1"]["ordType"], rows["tp1"]["tpTriggerPx"], rows["tp1"]["slTriggerPx"]) == (
        "conditional",
        "61000",
        "",
    )
    assert (rows["trail1"]["ordType"], rows["trail1"]["callbackRatio"]) == ("move_order_stop", "0.01")
    venue.price_set("BTC/USDT:USDT", price=60_600)
    (row,) = asked(venue, "GET", "trade/order-algo", {"algoClOrdId": "trail1"})["data"]
    assert row["moveTriggerPx"] == "59994"
    venue.store.close()


def test_a_state_file_from_before_passphrases_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    opened(path).store.close()
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE account DROP COLUMN passphrase")
    venue = opened(path)
    assert venue.faces["okx"].members["key"].passphrase == ""
    venue.store.close()


def test_a_header_that_is_missing_has_a_code_of_its_own(tmp_path: Path) -> None:
    venue = opened(tmp_path / "headers.sqlite3")
    good = signed("okx", "GET", "/api/v5/account/balance", {})
    codes = {}
    for header in good.headers:
        headers = {name: value for name, value in good.headers.items() if name != header}
        answer = venue.faces["okx"].answer(Request(method="GET", path=good.path, query="", headers=headers))
        codes[header] = (answer.status, told(answer)["code"])
    assert codes == {
        "ok-access-key": (401, "50103"),
        "ok-access-passphrase": (401, "50104"),
        "ok-access-sign": (401, "50106"),
        "ok-access-timestamp": (401, "50107"),
    }
    venue.store.close()


def test_each_margin_mode_keeps_a_leverage_of_its_own(tmp_path: Path) -> None:
    venue = opened(tmp_path / "leverage.sqlite3")
    name = {"instId": "BTC-USDT-SWAP"}
    for mode, leverage in (("cross", "8"), ("isolated", "3")):
        asked(venue, "POST", "account/set-leverage", name | {"mgnMode": mode, "lever": leverage})
    order = STOP | {"ordType": "limit", "px": "70000"}
    for mode, leverage in (("isolated", "3"), ("cross", "8")):
        (placed,) = asked(venue, "POST", "trade/order", order | {"tdMode": mode})["data"]
        (row,) = asked(venue, "GET", "trade/order", name | {"ordId": placed["ordId"]})["data"]
        assert (row["tdMode"], row["lever"]) == (mode, leverage)
        asked(venue, "POST", "trade/cancel-order", name | {"ordId": placed["ordId"]})
    venue.store.close()
