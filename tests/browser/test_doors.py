"""Getting in and out, and pages that say no."""

import pytest
import requests
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.browser.conftest import PHONE, OpenPage, Server
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser


def test_signing_in_leads_to_the_page_that_was_asked_for(open_page: OpenPage, alice: User) -> None:
    page = open_page("/live/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/live/")
    expect(page.get_by_text("Nothing to watch yet")).to_be_visible()


def test_a_wrong_password_says_so_and_keeps_the_name(open_page: OpenPage, alice: User, complaints: list[str]) -> None:
    page = open_page("/sign-in/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("alice")
    expect(page.get_by_label("Password")).to_have_value("")
    complaints.clear()  # Chromium notes the 401 itself


def test_a_new_account_starts_with_the_three_steps(open_page: OpenPage) -> None:
    page = open_page("/register/")
    page.get_by_label("Name").fill("dora")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Three steps to the first trade")).to_be_visible()
    expect(page.locator("[data-step=connect]")).to_have_class("is-next")


def test_signing_out_ends_the_session(open_page: OpenPage, alice: User) -> None:
    page = open_page("/", user=alice)
    page.get_by_label("Account: alice").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.goto("/")
    page.wait_for_url("**/sign-in/?next=/")


@pytest.mark.parametrize("path", ["/nowhere/", "/connections/987654/"])
def test_absent_and_foreign_things_look_alike(
    open_page: OpenPage, alice: User, complaints: list[str], path: str
) -> None:
    page = open_page(path, user=alice, is_live=False, size=PHONE)
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    complaints.clear()  # Chromium notes the 404 itself


def test_the_theme_is_remembered(open_page: OpenPage, alice: User) -> None:
    page = open_page("/", user=alice)
    page.get_by_label("Account: alice").click()
    with page.expect_response("**/api/v1/users/me/") as answer:
        page.get_by_role("button", name="Light").click()
    assert answer.value.ok
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "light"


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_broken_form_is_answered_in_words(server: Server, content_type: str) -> None:
    for path, status in (("orders/", 401), ("auth/token/", 415)):
        address, headers = f"{server.url}/api/v1/{path}", {"Content-Type": content_type}
        answer = requests.post(address, data=b"--x\r\nbroken", headers=headers, timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert answer.json()["detail"]
