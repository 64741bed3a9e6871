"""Portfolios in a real browser: made by form, read, limited, deleted."""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.exchanges.models import AccountBalance, Connection
from apps.portfolios.models import Portfolio
from apps.positions.models import Position
from tests.browser.conftest import PHONE, OpenPage

pytestmark = pytest.mark.browser


def rich(connection: Connection) -> None:
    amounts = dict.fromkeys(("total", "available", "equity"), Decimal(1000))
    AccountBalance.objects.create(connection=connection, asset="USDT", at=timezone.now(), **amounts)
    Position.objects.create(
        connection=connection,
        key="a",
        symbol="BTC/USDT:USDT",
        side="long",
        status="open",
        origin="main",
        quantity=Decimal(2),
        average_entry_price=Decimal(100),
    )


def test_one_is_made_and_shows_what_it_holds(open_page: OpenPage, alice: User, connection: Connection) -> None:
    rich(connection)
    page = open_page("/portfolios/", user=alice)
    expect(page.get_by_text("No portfolio yet")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="New portfolio").first.click()
    page.get_by_label("Name").fill("Majors")
    page.get_by_label(connection.name).check()
    page.get_by_label("Value of all positions, %").fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#tile-equity")).to_contain_text("1,000.00")
    expect(page.locator("#exposure-rows")).to_contain_text("BTC/USDT")
    expect(page.locator("#exposure-rows")).to_contain_text("+20.00 %")
    expect(page.locator("#limits")).to_contain_text("20.0 % of 50.0 %")
    expect(page.locator("#allocation")).to_contain_text(connection.name)
    expect(page.get_by_text("No curve yet")).to_be_visible()
    row = Portfolio.objects.get()
    assert (row.max_total_notional_ratio, row.max_positions) == (0.5, None)
    page.goto("/portfolios/")
    expect(page.locator("#portfolios")).to_contain_text("Value of all positions: 20.0 % of 50.0 %")


def test_a_wrong_number_is_told_beside_its_field(
    open_page: OpenPage, alice: User, connection: Connection, complaints: list[str]
) -> None:
    page = open_page("/portfolios/new/", user=alice)
    page.get_by_label("Name").fill("Majors")
    page.locator("form.panel").evaluate("form => form.noValidate = true")
    page.get_by_label("Loss of a day, %").fill("200")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    expect(page.locator(".field", has_text="Loss of a day").locator(".error")).to_contain_text("100")
    assert not Portfolio.objects.exists()
    complaints.clear()  # a refused form is answered with 400, which the browser writes down


def test_it_is_deleted_and_its_connections_stay(open_page: OpenPage, alice: User, connection: Connection) -> None:
    row = Portfolio.objects.create(owner=alice, name="Majors")
    row.connections.add(connection)
    page = open_page(f"/portfolios/{row.pk}/edit/", user=alice, size=PHONE)
    page.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete this portfolio").click()
    expect(page.get_by_text("No portfolio yet")).to_be_visible()
    assert not Portfolio.objects.exists()
    assert Connection.objects.filter(pk=connection.pk).exists()


def test_who_may_only_look_finds_no_button(open_page: OpenPage, viewer: User) -> None:
    row = Portfolio.objects.create(owner=viewer, name="Mine")
    page = open_page("/portfolios/", user=viewer)
    expect(page.get_by_role("link", name="Mine")).to_be_visible()
    expect(page.get_by_role("link", name="New portfolio")).to_have_count(0)
    page.goto(f"/portfolios/{row.pk}/edit/")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
