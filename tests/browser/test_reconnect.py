"""The socket goes, the page stays true: it says so calmly, asks instead of listening, and is whole again afterwards."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, WebSocketRoute, expect

from apps.engine.models import DesiredState
from apps.engine.services import engine_desire
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_update
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser


class Line:
    """The wire between page and server, which a test can cut and mend."""

    def __init__(self) -> None:
        self.is_cut = False
        self.sockets: list[WebSocketRoute] = []

    def connect(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close(code=1012)
            return
        socket.connect_to_server()
        self.sockets.append(socket)

    def cut(self) -> None:
        self.is_cut = True
        for socket in self.sockets:
            socket.close(code=1012)
        self.sockets.clear()

    def mend(self) -> None:
        self.is_cut = False


def test_a_dropped_socket_is_told_bridged_and_mended(
    open_context: Callable[..., BrowserContext], connection: Connection
) -> None:
    line = Line()
    page = open_context(user=connection.owner).new_page()
    page.route_web_socket("**/ws/v1/", line.connect)
    page.goto("/")
    notice = page.get_by_text("Live updates are interrupted")
    expect(page.locator("html")).to_have_attribute("data-socket", "live")
    expect(notice).to_be_hidden()
    line.cut()
    expect(notice).to_be_visible()
    engine_desire(connection, desired=DesiredState.RUNNING, actor="alice")
    expect(page.locator("#cards [data-part=state]")).to_have_text("Starting")  # by asking: nothing was pushed
    line.mend()
    expect(page.locator("html")).to_have_attribute("data-socket", "live", timeout=20_000)
    expect(notice).to_be_hidden()
    connection_update(connection, user=None, changes={"name": "Pushed again"})
    expect(page.get_by_role("heading", name="Pushed again")).to_be_visible(timeout=2000)


def test_what_happened_while_nobody_listened_is_there_after_the_reconnect(
    open_context: Callable[..., BrowserContext], connection: Connection
) -> None:
    line = Line()
    page = open_context(user=connection.owner).new_page()
    page.route_web_socket("**/ws/v1/", line.connect)
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-socket", "live")
    # Cut and mended at once: the news below falls into the gap, and no poll has time to bring it.
    line.cut()
    connection_update(connection, user=None, changes={"name": "Missed"})
    line.mend()
    expect(page.get_by_role("heading", name="Missed")).to_be_visible(timeout=4000)


def test_pages_outlive_a_restart_of_the_server_and_new_ones_say_that_it_is_away(
    open_context: Callable[..., BrowserContext], server: Server, connection: Connection, complaints: list[str]
) -> None:
    context = open_context(user=connection.owner, has_worker=True)
    page, other = context.new_page(), context.new_page()
    page.goto("/")
    page.wait_for_selector("html[data-socket=live][data-loaded]", state="attached")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    server.kill()
    other.goto("/live/")
    expect(other.get_by_role("heading", name="The server can't be reached")).to_be_visible()
    expect(page.get_by_text("What you see may be old")).to_be_visible()
    expect(page.get_by_role("heading", name=connection.name)).to_be_visible()
    server.start()
    expect(page.locator("html")).to_have_attribute("data-socket", "live", timeout=30_000)
    expect(page.get_by_text("What you see may be old")).to_be_hidden()
    complaints.clear()  # Chromium notes every refused request itself
