"""Adding, testing, arming and changing a connection, against the paper venue over real sockets."""

import pytest
from playwright.sync_api import Route, expect

from apps.accounts.models import User
from apps.exchanges.models import Connection
from tests.browser.conftest import PHONE, OpenPage
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.browser, pytest.mark.wire]


def test_from_nothing_to_an_armed_paper_account(
    open_page: OpenPage, alice: User, paper_venue: PaperVenueControl
) -> None:
    page = open_page("/", user=alice)
    page.locator("#first-run").get_by_role("link", name="Add connection").click()
    page.get_by_label("Name").fill("Practice")
    page.get_by_role("button", name="Add connection").click()
    page.wait_for_url("**/connections/*/?new=1")
    page.get_by_role("button", name="Run test").click()
    expect(page.locator("#test-when")).to_contain_text("Passed")
    assert page.locator("#test-lines .is-ok").count() > 3
    page.get_by_label("Back to the dashboard").click()
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    expect(page.locator("[data-step=test]")).to_have_class("is-done")
    assert Connection.objects.get(name="Practice").is_live_armed


def test_the_form_asks_for_what_the_venue_needs_and_keeps_keys_out_of_addresses(
    open_page: OpenPage, alice: User
) -> None:
    page = open_page("/connections/new/", user=alice)
    expect(page.get_by_text("Leave the key fields empty to open a new paper account")).to_be_visible()
    page.get_by_label("Name").fill("Main")
    page.get_by_label("Environment").select_option("live")
    expect(page.get_by_text("Leave the key fields empty")).to_have_count(0)
    page.get_by_label("API secret").fill("this-is-a-secret")
    with page.expect_request("**/connections/new/?**") as asked:
        page.get_by_label("Exchange").select_option("binance")
    assert "this-is-a-secret" not in asked.value.url
    expect(page.get_by_label("Exchange")).to_have_value("binance")
    expect(page.get_by_label("Name")).to_have_value("Main")


def test_of_two_quick_choices_the_later_one_stays(open_page: OpenPage, alice: User, complaints: list[str]) -> None:
    page = open_page("/connections/new/", user=alice)
    page.get_by_label("Environment").select_option("live")
    page.get_by_label("Exchange").select_option("okx")
    expect(page.get_by_label("Passphrase")).to_be_visible()
    expect(page.get_by_label("Exchange")).to_have_value("okx")
    expect(page.get_by_text("What OKX has")).to_be_visible()
    complaints.clear()  # the script says itself that it gave up the first request


def test_a_refused_field_says_why_beside_itself(
    open_page: OpenPage, alice: User, connection: Connection, complaints: list[str]
) -> None:
    page = open_page(f"/connections/{connection.pk}/", user=alice)
    page.get_by_label("Chosen list").fill("BTC, not/a/symbol")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("Chosen list")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_symbols_error")).to_contain_text("is not spelled like")
    complaints.clear()  # Chromium notes the 400 itself


def test_volume_is_stepped_on_the_card(open_page: OpenPage, alice: User, connection: Connection) -> None:
    page = open_page("/", user=alice)
    page.get_by_label("Raise the volume factor").click()
    expect(page.get_by_label("Volume factor").locator("output")).to_have_text("1.1×")
    connection.refresh_from_db()
    assert str(connection.volume_factor_live) == "1.1"


def test_a_refusal_is_told_on_the_card_it_concerns(
    open_page: OpenPage, alice: User, connection: Connection, complaints: list[str]
) -> None:
    page = open_page("/", user=alice)
    expect(page.get_by_role("switch")).to_be_enabled()

    def failed_meanwhile(route: Route) -> None:
        """Only now, so that no refresh of the page can tell it before the click."""
        Connection.objects.filter(pk=connection.pk).update(is_test_passed=False)
        route.continue_()

    page.route("**/arm/", failed_meanwhile)
    page.get_by_role("switch").click()
    expect(page.locator("#cards").get_by_role("alert")).to_contain_text("Test the connection before you arm it")
    complaints.clear()  # Chromium notes the 422 itself


def test_a_viewer_sees_everything_and_can_do_nothing(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(owner=viewer)
    page = open_page("/", user=viewer, size=PHONE)
    expect(page.get_by_text("Your role is viewer").first).to_be_visible()
    expect(page.get_by_role("heading", name=connection.name)).to_be_visible()
    for button in page.locator("#cards button:visible, .engines button").all():
        expect(button).to_be_disabled()


def test_a_connection_that_never_traded_can_be_deleted(
    open_page: OpenPage, alice: User, connection: Connection
) -> None:
    page = open_page(f"/connections/{connection.pk}/", user=alice)
    page.locator("#delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    assert not Connection.objects.filter(pk=connection.pk).exists()
