"""The real server on a port of its own and a real Chromium. Whatever a page complains about fails its test."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection as database
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from apps.accounts.models import User
from apps.exchanges.feeds import feed_want
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_arm, connection_create, connection_test
from cts.supervisor.ports import port_pick
from tests.chromium import chromium_path
from tests.flows.conftest import stage  # noqa: F401 - a fixture
from tests.flows.stage import BTC, Stage
from tests.paper_fixtures import PaperVenueControl

ROOT = Path(__file__).resolve().parent.parent.parent
DESK, PHONE = (1440, 900), (390, 844)
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
OpenPage = Callable[..., Page]


class Server:
    """daphne as in production, on the tests' database and Redis."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen([*command, "cts.asgi:application"], cwd=ROOT, env=self._environment)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/sign-in/", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError("The server for the browser tests did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


def _database_url() -> str:
    """Where the tests' database is, for another process."""
    found = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    secret = f":{quote(found['PASSWORD'], safe='')}" if found["PASSWORD"] else ""
    host = quote(found["HOST"], safe="") if found["HOST"].startswith("/") else found["HOST"]
    port = f":{found['PORT']}" if found["PORT"] else ""
    return f"postgres://{found['USER']}{secret}@{host}{port}/{found['NAME']}"


@pytest.fixture(scope="session")
def server(django_db_setup: None, _quiet_paper_venue: PaperVenueControl) -> Iterator[Server]:
    changed = {"DATABASE_URL": _database_url(), "CTS_PAPER_URL": _quiet_paper_venue.url, "CTS_PROCESS": "tests-web"}
    running = Server(port_pick(None), {**os.environ, **changed})
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with this package: while it lives, its event loop occupies the main thread, and Django must be told."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages wrote to the console or threw. A test that provokes one removes it again."""
    return []


@pytest.fixture
def open_context(
    browser: Browser, server: Server, complaints: list[str], transactional_db: None
) -> Iterator[Callable[..., BrowserContext]]:
    contexts: list[BrowserContext] = []

    def create(
        *, size: tuple[int, int] = DESK, user: User | None = None, theme: str = "dark", has_worker: bool = False
    ) -> BrowserContext:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="light" if theme == "light" else "dark",
            service_workers="allow" if has_worker else "block",
        )
        context.set_default_timeout(10_000)
        context.on("console", lambda message: _hear(message, complaints))
        context.on("weberror", lambda error: complaints.append(f"thrown: {error.error}"))
        if user is not None:
            _sign_in(context, user, server)
        contexts.append(context)
        return context

    yield create
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_page(open_context: Callable[..., BrowserContext]) -> OpenPage:
    """`open_page("/", user=alice)`: the page, loaded, with its first snapshot in."""

    def create(
        path: str, *, user: User | None = None, size: tuple[int, int] = DESK, theme: str = "dark", is_live: bool = True
    ) -> Page:
        page = open_context(size=size, user=user, theme=theme).new_page()
        page.goto(path)
        if user is not None and is_live:
            page.wait_for_selector("html[data-socket=live][data-loaded]", state="attached")
        return page

    return create


@pytest.fixture
def trader(stage: Stage, alice: User) -> Connection:  # noqa: F811
    """Alice's paper connection: tested, armed, its engine never started."""
    connection = connection_create(owner=alice, name="Paper", exchange="bybit", environment="paper", symbols=[BTC])
    feed_want(*connection.venue, symbols=[BTC])
    assert connection_test(connection).is_ok
    return connection_arm(connection, user=alice)


def _hear(message: ConsoleMessage, complaints: list[str]) -> None:
    # Playwright blocks service workers so that no page outlives its test; the page says so.
    if message.type in ("error", "warning") and not re.search("Service Worker", message.text):
        complaints.append(f"{message.type}: {message.text}")


def _sign_in(context: BrowserContext, user: User, server: Server) -> None:
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}])
