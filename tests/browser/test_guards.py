"""Why entries are paused, and lifting it; the risk limits on the connection's page."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts.models import AuditEntry, User
from apps.exchanges.models import Connection
from apps.orders.models import EntryLock, RiskLimits
from apps.orders.services import entry_lock_create
from tests.browser.conftest import PHONE, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.wire]


def lock(connection: Connection, symbol: str = "") -> EntryLock:
    until = timezone.now() + timedelta(minutes=30)
    return entry_lock_create(
        connection, symbol=symbol, reason_code="stop_guard", reason="4 stops in an hour", until=until
    )


def test_a_pause_is_told_on_the_card_and_lifted_after_a_question(
    open_page: OpenPage, alice: User, connection: Connection
) -> None:
    page = open_page("/", user=alice)
    expect(page.get_by_role("switch")).to_be_visible()
    expect(page.locator(".locks")).to_be_hidden()
    lock(connection, "BTC/USDT:USDT")  # it comes by the socket
    expect(page.locator(".locks")).to_contain_text("Entries paused on BTC/USDT")
    expect(page.locator(".locks")).to_contain_text("4 stops in an hour")
    page.get_by_role("button", name="Lift").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator(".locks")).to_be_visible()
    page.get_by_role("button", name="Lift").click()
    page.get_by_role("dialog").get_by_role("button", name="Lift the pause").click()
    expect(page.locator(".locks")).to_be_hidden()
    assert AuditEntry.objects.get(action="entry_lock.lifted").user == alice


def test_the_live_page_tells_the_pause_on_a_phone_too(
    open_page: OpenPage, alice: User, connection: Connection, complaints: list[str]
) -> None:
    lock(connection)
    page = open_page(f"/live/{connection.pk}/", user=alice, size=PHONE)
    expect(page.locator("#locks")).to_contain_text("Entries paused on every symbol")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    complaints.clear()  # the exchange lists no symbol here, so the chart has none


def test_limits_are_set_on_the_connections_page(open_page: OpenPage, alice: User, connection: Connection) -> None:
    page = open_page(f"/connections/{connection.pk}/", user=alice)
    page.get_by_label("Loss of a day, %").fill("2.5")
    page.get_by_role("button", name="Save limits").click()
    expect(page.locator("#risk-limits").get_by_role("status")).to_contain_text("Saved")
    assert RiskLimits.objects.get().max_daily_loss_ratio == 0.025
