"""The story as people read it: symbols without the asset that settles, sums with their units, no codes."""

import re
from typing import Any

import pytest

from apps.positions.selectors import position_story
from apps.positions.story_page import story_page
from tests.orders.conftest import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(desk: Desk) -> dict[str, Any]:
    desk.submit(desk.create("k1", timeout_s=7200.0))
    desk.hear()
    position = desk.connection.positions.get()
    desk.manager.ensure_stop(position, connector=desk.venue)
    return story_page(position_story(position))


def test_no_symbol_carries_the_asset_that_settles(page: dict[str, Any]) -> None:
    assert page["position"]["symbol"] == "BTC/USDT"
    assert any("BTC/USDT" in check["sentence"] for check in page["checks"])
    assert not re.search(r"/USDT:USDT", str(page["checks"]) + str(page["timeline"]) + str(page["sizing"]))


def test_sums_have_their_units(page: dict[str, Any]) -> None:
    sizing, result = dict(page["sizing"]), dict(page["result"])
    assert (sizing["Equity"], sizing["Leverage"]) == ("10000 USDT", "10×")
    assert sizing["Quantity"].endswith(" BTC")
    assert result["Fees"].endswith(" USDT")
    assert dict(page["exits"])["Time-out"] == "2 h"


def test_beside_a_check_stand_only_numbers(page: dict[str, Any]) -> None:
    measures = [check["measure"] for check in page["checks"]]
    assert "" in measures
    assert all(re.fullmatch(r"(\S+( %| s)? / \S+( %| s)?)?", measure) for measure in measures), measures


def test_why_an_order_was_denied_is_told_with_a_plain_symbol(desk: Desk) -> None:
    position = desk.open()
    story = position_story(position)
    story["orders"][0]["reason"] = "ETH/USDT:USDT is not traded, BTC/USDT:USDT is"
    assert story_page(story)["orders"][0]["reason"] == "ETH/USDT is not traded, BTC/USDT is"


def test_a_position_given_its_quantity_tells_it(desk: Desk) -> None:
    position = desk.open("given", "0.010")
    assert ("Quantity asked for", "0.01 BTC") in story_page(position_story(position))["sizing"]
