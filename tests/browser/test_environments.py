"""Which money a page is about: the dashboard opens where something runs, and keeps what its reader chose."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.engine.models import DesiredState, Engine
from apps.exchanges.models import Connection
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser


def test_the_dashboard_opens_where_an_engine_runs_and_keeps_the_choice(
    open_page: OpenPage, alice: User, connection_factory: Callable[..., Connection]
) -> None:
    paper = connection_factory(name="Paper", environment="paper")
    testnet = connection_factory(name="Testnet", environment="testnet")
    Engine.objects.update_or_create(connection=paper, defaults={"desired": DesiredState.RUNNING, "actual": "running"})
    page = open_page("/", user=alice)
    badge = page.locator("#environment")
    expect(badge).to_have_text("PAPER")
    expect(page.locator("#engines-text")).to_have_text("1 running, 1 stopped")
    expect(page.locator("#cards article")).to_contain_text("Paper")
    page.locator("#environments").get_by_role("button", name="Testnet").click()
    expect(badge).to_have_text("TESTNET")
    page.reload()
    expect(badge).to_have_text("TESTNET")
    page.goto(f"/live/{paper.pk}/")
    expect(badge).to_have_text("PAPER")
    page.goto(f"/connections/{testnet.pk}/")
    expect(badge).to_have_text("TESTNET")
