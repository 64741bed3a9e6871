"""The websocket over a real Redis layer: who may connect, who may hear what, and who must leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from pytest_django import Settings
from rest_framework_simplejwt.tokens import AccessToken

from apps.accounts import consumers
from apps.accounts.models import User
from apps.accounts.services import user_active_set, user_sign_out
from apps.accounts.tokens import token_revoke, tokens_issue
from apps.exchanges.models import Connection
from cts.realtime import event, push
from cts.routing import websocket
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)
Frame = dict[str, Any]
# How long a busy machine may take; nothing waits for it.
PATIENCE_S = 30.0


class Socket(WebsocketCommunicator):  # type: ignore[misc]
    """A client that counts frames in and out."""

    async def say(self, kind: str, **content: object) -> Frame:
        await self.send_json_to({"type": kind, **content})
        return await self.hear()

    async def hear(self) -> Frame:
        return dict(await self.receive_json_from(timeout=PATIENCE_S))

    async def closed_with(self) -> int:
        frame = await self.receive_output(timeout=PATIENCE_S)
        assert frame["type"] == "websocket.close", frame
        return int(frame["code"])


@asynccontextmanager
async def socket(*headers: tuple[bytes, bytes], path: str = "/ws/v1/") -> AsyncIterator[Socket]:
    client = Socket(websocket, path, headers=[(b"host", b"127.0.0.1:8000"), *headers])
    is_connected, _ = await client.connect(timeout=PATIENCE_S)
    assert is_connected
    try:
        yield client
    finally:
        await client.disconnect(timeout=PATIENCE_S)


def session_of(user: User) -> tuple[str, tuple[bytes, bytes]]:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    cookie = f"{settings.SESSION_COOKIE_NAME}={store.session_key}"
    return store.session_key, (b"cookie", cookie.encode())


@pytest.fixture
def alices_session(transactional_db: None, alice: User) -> tuple[str, tuple[bytes, bytes]]:
    return session_of(alice)


async def test_a_session_hears_its_own_connection(
    alices_session: tuple[str, tuple[bytes, bytes]], connection: Connection
) -> None:
    topic = f"connection.{connection.pk}"
    async with socket(alices_session[1]) as client:
        assert await client.say("subscribe", topics=[topic]) == {"type": "subscribed", "topic": topic}
        push(topic, event("order", {"id": 1, "version": 2}))
        assert await client.hear() == {
            "type": "event",
            "entity": "order",
            "row": {"id": 1, "version": 2},
            "topic": topic,
        }


async def test_a_stranger_hears_nothing_of_it(connection: Connection, charlie: User) -> None:
    _, cookie = await sync_to_async(session_of)(charlie)
    topic = f"connection.{connection.pk}"
    async with socket(cookie) as client:
        refused = await client.say("subscribe", topics=[topic])
        absent = await client.say("subscribe", topics=["connection.999999"])
        assert (refused["type"], refused["code"], refused["topic"]) == ("error", "not_found", topic)
        assert {**refused, "topic": ""} == {**absent, "topic": ""}
        push(topic, event("order", {"id": 1, "version": 2}))
        assert await client.receive_nothing(timeout=0.3)


async def test_a_token_does_what_a_session_does(connection: Connection, alice: User) -> None:
    access = (await sync_to_async(tokens_issue)(alice)).access
    async with socket() as client:
        assert (await client.say("subscribe", topics=["health"]))["code"] == "not_authenticated"
        assert await client.say("auth", token=access) == {"type": "authenticated"}
        assert (await client.say("subscribe", topics=[f"connection.{connection.pk}"]))["type"] == "subscribed"


@pytest.mark.parametrize("token", ["nonsense", None, 7, {"a": 1}])
async def test_a_bad_token_closes_the_socket(token: object) -> None:
    async with socket() as client:
        assert (await client.say("auth", token=token))["code"] == "token_not_valid"
        assert await client.closed_with() == 4401


async def test_what_is_said_after_a_refused_token_is_heard_by_nobody(
    connection: Connection, alices_session: tuple[str, tuple[bytes, bytes]]
) -> None:
    async with socket(alices_session[1]) as client:
        topic = f"connection.{connection.pk}"
        assert (await client.say("subscribe", topics=[topic]))["type"] == "subscribed"
        assert (await client.say("auth", token="nonsense"))["code"] == "token_not_valid"
        assert await client.closed_with() == 4401
        await client.send_json_to({"type": "ping"})
        await sync_to_async(push)(topic, event("balance", {"id": 1}))
        assert await client.receive_nothing(timeout=0.5)


async def test_another_persons_token_takes_the_first_ones_topics_away(
    alices_session: tuple[str, tuple[bytes, bytes]], connection: Connection, charlie: User
) -> None:
    access = (await sync_to_async(tokens_issue)(charlie)).access
    topic = f"connection.{connection.pk}"
    async with socket(alices_session[1]) as client:
        await client.say("subscribe", topics=[topic])
        assert await client.say("auth", token=access) == {"type": "authenticated"}
        push(topic, event("order", {"id": 1, "version": 2}))
        assert await client.receive_nothing(timeout=0.3)


async def test_user_is_ones_own_topic(
    alices_session: tuple[str, tuple[bytes, bytes]], alice: User, charlie: User
) -> None:
    async with socket(alices_session[1]) as client:
        assert await client.say("subscribe", topics=["user"]) == {"type": "subscribed", "topic": "user"}
        assert (await client.say("subscribe", topics=[f"user.{charlie.pk}"]))["code"] == "not_found"
        push(f"user.{charlie.pk}", event("engine", {"id": 1, "version": 1}))
        push(f"user.{alice.pk}", event("engine", {"id": 2, "version": 1}))
        heard = await client.hear()
        assert (heard["topic"], heard["row"]["id"]) == ("user", 2)


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("tickers.bybit.paper.linear", "subscribed"),
        ("health", "subscribed"),
        ("tickers.bybit.moon.linear", "error"),
        ("tickers", "error"),
        ("health.x", "error"),
        ("connection.", "error"),
        ("connection.-1", "error"),
        ("connection.٣", "error"),
        ("connection." + "9" * 80, "error"),
        ("account.1", "error"),
        ("", "error"),
        ("x" * 500, "error"),
    ],
)
async def test_which_topics_there_are(alices_session: tuple[str, tuple[bytes, bytes]], topic: str, kind: str) -> None:
    async with socket(alices_session[1]) as client:
        assert (await client.say("subscribe", topics=[topic]))["type"] == kind


async def test_an_unsubscribed_topic_is_silent(alices_session: tuple[str, tuple[bytes, bytes]]) -> None:
    async with socket(alices_session[1]) as client:
        await client.say("subscribe", topics=["health"])
        assert await client.say("unsubscribe", topics=["health"]) == {"type": "unsubscribed", "topic": "health"}
        push("health", {"type": "health", "status": "ok"})
        assert await client.receive_nothing(timeout=0.3)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed"),
        ("[]", "malformed"),
        ("7", "malformed"),
        ("[" * 16_000, "malformed"),
        ('{"type": "dance"}', "unknown_type"),
        ('{"type": "subscribe"}', "malformed"),
        ('{"type": "subscribe", "topics": "health"}', "malformed"),
        ('{"type": "subscribe", "topics": [1]}', "malformed"),
    ],
)
async def test_a_frame_we_do_not_understand_is_answered(
    alices_session: tuple[str, tuple[bytes, bytes]], text: str, code: str
) -> None:
    async with socket(alices_session[1]) as client:
        await client.send_to(text_data=text)
        assert (await client.hear())["code"] == code
        assert await client.say("ping") == {"type": "pong"}


async def test_topics_are_bounded(
    alices_session: tuple[str, tuple[bytes, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "MAX_TOPICS", 2)
    async with socket(alices_session[1]) as client:
        await client.say("subscribe", topics=["health"])
        await client.say("subscribe", topics=["user"])
        assert (await client.say("subscribe", topics=["tickers.bybit.paper.linear"]))["code"] == "too_many_topics"
        assert (await client.say("subscribe", topics=["health"]))["type"] == "subscribed"


@pytest.mark.parametrize("text", ["x" * 20_000, None])
async def test_floods_are_cut_off(alices_session: tuple[str, tuple[bytes, bytes]], text: str | None) -> None:
    async with socket(alices_session[1]) as client:
        if text:
            await client.send_to(text_data=text)
        else:
            for _ in range(consumers.MESSAGES_PER_WINDOW):
                assert await client.say("ping") == {"type": "pong"}
            await client.send_json_to({"type": "ping"})
        assert await client.closed_with() == 4429


async def test_signing_out_closes_the_sockets_of_that_session_alone(
    alices_session: tuple[str, tuple[bytes, bytes]], alice: User
) -> None:
    key, cookie = alices_session
    _, other = await sync_to_async(session_of)(alice)
    async with socket(cookie) as ended, socket(other) as kept:
        await kept.say("subscribe", topics=["health"])
        await ended.say("ping")
        await sync_to_async(import_module(settings.SESSION_ENGINE).SessionStore(key).delete)()
        await sync_to_async(user_sign_out)(alice, address=None)
        assert await ended.closed_with() == 4401
        assert await kept.say("ping") == {"type": "pong"}


async def test_a_deactivated_person_is_cut_off(connection: Connection, alice: User) -> None:
    access = (await sync_to_async(tokens_issue)(alice)).access
    async with socket() as client:
        await client.say("auth", token=access)
        await sync_to_async(user_active_set)(alice, is_active=False, by=alice)
        assert await client.closed_with() == 4401


async def test_a_revoked_sign_in_is_cut_off_and_another_of_the_same_person_stays(alice: User) -> None:
    pairs = [await sync_to_async(tokens_issue)(alice) for _ in range(2)]
    async with socket() as ended, socket() as kept:
        for client, pair in zip((ended, kept), pairs, strict=True):
            await client.say("auth", token=pair.access)
        await sync_to_async(token_revoke)(pairs[0].refresh, user=alice)
        assert await ended.closed_with() == 4401
        assert await kept.say("ping") == {"type": "pong"}


async def test_who_never_says_who_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SIGN_IN_WITHIN_S", 0.1)
    async with socket() as client:
        assert await client.closed_with() == 4401


async def test_a_socket_ends_with_its_token(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SIGN_IN_WITHIN_S", 0.05)
    token = AccessToken((await sync_to_async(tokens_issue)(alice)).access)  # type: ignore[arg-type]
    token.set_exp(lifetime=timedelta(seconds=2))
    async with socket() as client:
        assert await client.say("auth", token=str(token)) == {"type": "authenticated"}
        await asyncio.sleep(0.1)
        assert await client.say("ping") == {"type": "pong"}
        assert await client.closed_with() == 4401


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        (b"http://127.0.0.1:8000", True),
        (b"https://desk.example", True),
        (b"http://127.0.0.1:9999", False),
        (b"http://evil.example:8000", False),
        (b"null", False),
        (b"", False),
    ],
)
async def test_pages_of_others_are_refused(
    alices_session: tuple[str, tuple[bytes, bytes]], settings: Settings, origin: bytes, is_welcome: bool
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://desk.example"]
    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", origin), alices_session[1]]
    client = Socket(websocket, "/ws/v1/", headers=headers)
    assert (await client.connect(timeout=PATIENCE_S))[0] is is_welcome
    await client.disconnect(timeout=PATIENCE_S)


async def test_a_name_pointed_at_our_address_is_refused() -> None:
    headers = [(b"host", b"evil.example:8000"), (b"origin", b"http://evil.example:8000")]
    assert (await Socket(websocket, "/ws/v1/", headers=headers).connect())[0] is False


async def test_an_unknown_address_is_refused() -> None:
    assert (await Socket(websocket, "/ws/v2/", headers=[]).connect())[0] is False


async def test_no_push_is_lost_between_the_answer_and_the_next_frame(
    alices_session: tuple[str, tuple[bytes, bytes]], connection_factory: ConnectionFactory
) -> None:
    made = await sync_to_async(connection_factory)()
    topic = f"connection.{made.pk}"
    async with socket(alices_session[1]) as client:
        await client.say("subscribe", topics=[topic])
        for version in range(200):
            push(topic, event("order", {"id": 1, "version": version}))
        assert [(await client.hear())["row"]["version"] for _ in range(200)] == list(range(200))
