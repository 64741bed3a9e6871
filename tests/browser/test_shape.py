"""What holds on every page: nothing sideways on a phone, names for all controls, no foreign address, a small load."""

import gzip
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from apps.accounts.models import User
from apps.exchanges.models import Connection, Instrument
from tests.browser.conftest import DESK, PHONE, OpenPage, Server

pytestmark = pytest.mark.browser

ANYBODY = ("/sign-in/", "/register/", "/offline/")
SIGNED_IN = (
    "/",
    "/live/",
    "/connections/new/",
    "/connections/new/?exchange=binance&environment=live",
    "{connection}",
    "/portfolios/",
    "/portfolios/new/",
)
MAX_COMPRESSED = 200 * 1024
NAMELESS = """() => [...document.querySelectorAll("button, a[href], input:not([type=hidden]), select, textarea")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.textContent.trim() || node.ariaLabel || node.title || node.labels?.length || node.ariaLabelledByElements?.length))
  .map((node) => node.outerHTML.slice(0, 120))"""


def _paths(connection: Connection) -> list[str]:
    return [path.format(connection=f"/connections/{connection.pk}/") for path in SIGNED_IN]


@pytest.mark.parametrize(("size", "theme"), [(DESK, "dark"), (PHONE, "light")], ids=["desk", "phone"])
def test_every_page_fits_its_width_and_names_its_controls(
    open_context: Callable[..., BrowserContext],
    alice: User,
    connection_factory: Callable[..., Connection],
    instrument: Instrument,
    size: tuple[int, int],
    theme: str,
) -> None:
    connection = connection_factory(name="A name that is rather too long for a small card, and then some")
    for paths, user in ((ANYBODY, None), (_paths(connection), alice)):
        page = open_context(size=size, user=user, theme=theme).new_page()
        for path in paths:
            page.goto(path)
            if user is not None:
                page.wait_for_selector("html[data-socket=live][data-loaded]", state="attached")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0], f"{path} is {width} px wide at {size[0]}"
            assert page.evaluate(NAMELESS) == [], path


def test_pages_load_nothing_from_elsewhere_and_little_in_all(
    open_context: Callable[..., BrowserContext],
    server: Server,
    alice: User,
    connection: Connection,
    instrument: Instrument,
) -> None:
    page = open_context(user=alice).new_page()
    seen: set[str] = set()
    page.on("response", lambda response: seen.add(response.url.split("?")[0]))
    for path in _paths(connection):
        page.goto(path)
        page.wait_for_selector("html[data-socket=live][data-loaded]", state="attached")
    assert [url for url in seen if not url.startswith(server.url)] == []
    assets = [url for url in seen if "/static/" in url]
    assert len(assets) > 10
    assert sum(len(gzip.compress(page.request.get(url).body())) for url in assets) <= MAX_COMPRESSED


def test_the_policy_of_pages_allows_no_inline_code(
    open_page: OpenPage, alice: User, connection: Connection, instrument: Instrument
) -> None:
    page = open_page("/live/", user=alice)
    policy = page.request.get("/live/").headers["content-security-policy"]
    assert re.search(r"script-src 'self'(;|$)", policy)
    assert re.search(r"style-src 'self'(;|$)", policy)
    inline = page.evaluate(
        """[...document.querySelectorAll("script:not([src]):not([type='application/json']), style, [style], [onclick]")]
        .filter((node) => !node.closest("#chart")).map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert inline == []


def test_the_keyboard_reaches_the_content_first(open_page: OpenPage, alice: User) -> None:
    page = open_page("/", user=alice)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
