"""The whole road as its owner sees it: prices, an engine, a position, its story, its end. Nothing between is simulated."""

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.engine.models import ActualState, Engine
from apps.engine.runs import EngineRun
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.orders.manual import Ticket, manual_order_place
from apps.positions.models import Position
from apps.positions.sync import connection_sync
from apps.strategies.services import study_follow
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderType, PositionSide
from tests.browser.conftest import PHONE, OpenPage
from tests.flows.stage import BTC, Stage, line_make, until

pytestmark = [pytest.mark.browser, pytest.mark.wire]


def _buy(connection: Connection, *, key: str = "first") -> Position:
    connection_sync(connection, connector=connector_for(connection))  # sizing wants to know the balance
    terms = OrderTerms(order_type=OrderType.MARKET, quantity=Decimal("0.01"))
    ticket = Ticket(key=key, symbol=BTC, position_side=PositionSide.LONG, terms=terms, stop_ratio=0.01)
    order = manual_order_place(connection, user=connection.owner, ticket=ticket)
    assert order.status != "denied", order.reason
    connection_sync(connection, connector=connector_for(connection))
    return Position.objects.get(key=order.client_order_id)


def _rows(page: Page) -> int:
    return page.locator("#positions-rows tr").count()


def test_prices_move_within_a_second_of_the_market(open_page: OpenPage, stage: Stage, trader: Connection) -> None:
    stage.feed(trader)
    page = open_page(f"/live/{trader.pk}/", user=trader.owner)
    stage.venue.price(BTC, 61_234.5)
    expect(page.locator("#quote [data-part=last]")).to_have_text("61,234.5", timeout=1000)
    expect(page.locator("#strip")).to_contain_text("61,234.5")
    expect(page.locator("#chart-state")).to_be_hidden()
    expect(page.locator("#chart canvas").first).to_be_visible()


def test_from_start_to_a_story_to_an_emergency_stop(open_page: OpenPage, stage: Stage, trader: Connection) -> None:
    study = study_follow(trader, timeframe_s=1, lines_per_symbol=2).study
    line_make(study)
    stage.feed(trader)
    stage.study(study)
    page = open_page("/", user=trader.owner)
    card = page.locator("#cards article")
    card.get_by_role("button", name="Start", exact=True).click()
    expect(card.locator("[data-part=state]")).to_have_text("Starting")
    # What the engine worker does with the task that the click enqueued.
    stage.start(EngineRun(trader.pk))
    expect(card.locator("[data-part=state]")).to_have_text("Running")
    page.goto(f"/live/{trader.pk}/")
    stage.climb()
    row = page.locator("#positions-rows tr")
    expect(row).to_contain_text("on venue")
    expect(row).to_contain_text("long")
    _read_the_story(page)
    _stop_everything(page)
    expect(row).to_have_count(0)
    expect(page.locator("#feed")).to_contain_text("Closed long BTC/USDT")
    expect(page.locator("#engine-word")).to_have_text("Stopped")
    assert stage.state(trader)["positions"] == []
    stage.engine_until(trader, ActualState.STOPPED)


def _read_the_story(page: Page) -> None:
    page.get_by_label("Story of this trade").click()
    story = page.locator("#story-dialog")
    for part in (
        "Configuration",
        "Statistics at that moment",
        "Size, step by step",
        "Checks before the order",
        "Fills",
    ):
        expect(story.get_by_role("heading", name=part)).to_be_visible()
    expect(story.locator(".timeline")).to_contain_text("Entry order: decided")
    story.get_by_label("Close").click()


def _stop_everything(page: Page) -> None:
    page.get_by_role("button", name="Emergency stop").click()
    confirm = page.get_by_role("button", name="Stop everything")
    page.get_by_label("Type STOP to confirm").fill("stop")
    expect(confirm).to_be_disabled()
    page.get_by_label("Type STOP to confirm").fill("STOP")
    confirm.click()
    expect(page.locator("#emergency-detail")).to_contain_text("Done")
    page.locator("#emergency-cancel").click()


@pytest.mark.parametrize("size", [(1440, 900), PHONE], ids=["desk", "phone"])
def test_a_position_appears_by_itself_and_is_closed_by_hand(
    open_page: OpenPage, stage: Stage, trader: Connection, size: tuple[int, int]
) -> None:
    stage.feed(trader)
    page = open_page(f"/live/{trader.pk}/", user=trader.owner, size=size)
    expect(page.get_by_text("No open position")).to_be_visible()
    _buy(trader)
    row = page.locator("#positions-rows tr")
    expect(row).to_contain_text("0.01")
    stage.venue.price(BTC, 61_000)
    expect(row.locator("[data-part=pnl]")).to_contain_text("+", timeout=1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    row.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Close position").click()
    until(lambda: stage.state(trader)["positions"] == [], what="the venue still holds it")
    connection_sync(trader, connector=connector_for(trader))
    expect(row).to_have_count(0)
    expect(page.locator("#feed")).to_contain_text("Closed long BTC/USDT: +")


def test_all_engines_are_paused_from_the_top_bar(open_page: OpenPage, stage: Stage, trader: Connection) -> None:
    page = open_page("/", user=trader.owner)
    page.locator("#cards").get_by_role("button", name="Start", exact=True).click()
    pause = page.locator("[data-all-verb=pause]")
    expect(pause).to_be_enabled()
    pause.click()
    expect(page.locator("#cards").get_by_role("button", name="Resume")).to_be_visible()
    assert Engine.objects.get(connection=trader).desired == "paused"


def test_an_order_refused_by_a_check_says_which(
    open_page: OpenPage, stage: Stage, trader: Connection, alice: User
) -> None:
    stage.feed(trader)
    page = open_page(f"/live/{trader.pk}/", user=alice)
    terms = OrderTerms(order_type=OrderType.MARKET, quantity=Decimal(50))
    ticket = Ticket(key="too-big", symbol=BTC, position_side=PositionSide.LONG, terms=terms)
    order = manual_order_place(trader, user=alice, ticket=ticket)
    assert order.status == "denied"
    expect(page.locator("#feed .is-bad")).to_contain_text(order.reason)
